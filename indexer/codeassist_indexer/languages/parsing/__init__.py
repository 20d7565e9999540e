"""A file's text to its symbols, imports and chunks, for every language by its spec."""
