"""What the ranker of lines sees, a group of columns a module: place, line, names, likeness, syntax, order."""
