"""The index of a large made tree: built, brought up to date, searched."""
