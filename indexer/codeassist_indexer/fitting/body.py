"""The lines of an answer: indented as the place and the file want it. Pure.

A step of fitting: `with_body`.
"""

from __future__ import annotations

from codeassist_indexer.fitting.block import in_block
from codeassist_indexer.fitting.indentation import fit_indentation
from codeassist_indexer.fitting.lexing.scan import LINE_COMMENT
from codeassist_indexer.fitting.place import FitContext


def with_body(text: str, place: FitContext) -> str:
    """The answer with its lines shifted into place."""
    if place.before.literal is None or place.before.literal == LINE_COMMENT:
        text = fit_indentation(text, place.prefix, place.style, place.before)
        return in_block(text, place) if place.before.literal is None else text
    if place.line and not place.line.strip():  # a text's lines stand where they like, but not twice as deep
        return text.lstrip("\n").removeprefix(place.line)
    return text
