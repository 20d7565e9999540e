"""The start of an answer: what it says again of the text before the cursor. Pure.

A step of fitting: `with_start`.
"""

from __future__ import annotations

from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.fitting.special_token_leaks import cut_leaks


def with_start(text: str, place: FitContext) -> str:
    """The answer from where it goes on from the cursor, without special tokens; empty where it cannot be told."""
    return cut_leaks(text, place.prefix, place.suffix)
