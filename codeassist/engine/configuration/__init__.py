"""The shape of a model, read from its files."""
