"""Edits replayed as somebody types them."""
