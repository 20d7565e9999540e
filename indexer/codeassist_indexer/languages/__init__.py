"""The languages: one file each, which registry.py finds; what one says of itself stands in spec.py."""
