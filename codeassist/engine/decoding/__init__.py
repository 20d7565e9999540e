"""Tokens chosen one after another, with drafts and constraints."""
