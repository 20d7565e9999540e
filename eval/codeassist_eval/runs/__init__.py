"""One run of an evaluation: its folder, its order, its progress."""
