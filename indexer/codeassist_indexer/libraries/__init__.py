"""Installed packages: which are there, in which version, and which of their files are source. Nothing of them runs."""
