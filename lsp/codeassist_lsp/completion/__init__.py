"""Completions for one client, from its request to what is suggested."""
