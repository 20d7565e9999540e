"""Static analysis held against what real code says."""
