"""Markup and data: what suggestions are fitted to, a file each. registry.py finds them."""
