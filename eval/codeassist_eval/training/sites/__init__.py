"""Training of the ranker of lines that finds next edits: examples from commits, boosted trees, figures."""
