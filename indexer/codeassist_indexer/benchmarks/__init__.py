"""How fast the index is, and what is asked of it."""
