"""Prompts: templates of model families, and a prompt's layout."""
