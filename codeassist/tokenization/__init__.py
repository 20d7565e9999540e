"""Texts as tokens, and tokens that follow an edited text."""
