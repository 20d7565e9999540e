"""Programming languages and SQL: what the index reads, a file each. registry.py finds them."""
