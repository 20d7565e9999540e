"""Models: the registry, where each comes from, and where it runs."""
