"""The live key/value cache: alignment, freshness, kept snippet states."""
