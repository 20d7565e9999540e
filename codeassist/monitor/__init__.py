"""Monitors: what static analysis knows keeps the decoder from names that do not exist.

Knows no repository and no model: an Analysis says what may stand where, tokens are bytes here.
"""
