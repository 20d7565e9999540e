"""Tasks: places in real code with what truly stands there."""
