"""A file's text to its symbols, imports and chunks, and an import to the files that it means, for every language."""
