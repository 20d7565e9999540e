"""What the ranker of lines sees, a group of columns a module; `features` puts them together."""
