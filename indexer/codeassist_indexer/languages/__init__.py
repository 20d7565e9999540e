"""What a file's text says: symbols, imports, chunks, for each language."""
