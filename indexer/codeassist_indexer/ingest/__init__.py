"""Files on their way into the index."""
