"""Monitors: what static analysis knows keeps the decoder from names that do not exist.

An Analysis says what may stand where, tokens are bytes here.
"""
