"""Python, analysed by jedi."""
