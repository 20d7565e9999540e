"""Tables of words, written as running text. Knows nothing of what they mean."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
