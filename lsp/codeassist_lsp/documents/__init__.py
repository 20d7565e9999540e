"""Open documents and positions in them."""
