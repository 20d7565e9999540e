"""The live key/value cache, and what of its states is used again."""
