"""Names and their places in half-written text."""
