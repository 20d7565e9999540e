"""The arguments of a Python call that stand already, and what they leave of its parameters.

Lexical: knows no callee. What a star hands over, and what only a parser could cut into arguments, is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codeassist_indexer.analysis.text.lexer import code_only

_KEYWORD = re.compile(r"(?P<name>[^\W\d]\w*)\s*=(?!=)")
# A comma after one of these need not end an argument: `lambda a, b: a`, `x for a, b in pairs`.
_OWN_COMMAS = re.compile(r"\b(?:lambda|for)\b")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands in a call, each argument ended by a comma. `num_positional` is None where a star hands some over.

    `names`: those of keyword arguments.
    """

    num_positional: int | None
    names: frozenset[str]


def arguments(text: str) -> Arguments | None:
    """Return what `text` holds, which begins after a call's bracket and ends where an argument begins; else None."""
    pieces = _pieces(code_only("python", text))
    if pieces is None:
        return None
    names: set[str] = set()
    num_positional: int | None = 0
    for piece in pieces:
        keyword = _KEYWORD.match(piece)
        if keyword is not None:
            names.add(keyword["name"])
        elif not piece or _OWN_COMMAS.search(piece):
            return None
        elif piece.startswith("*"):
            num_positional = None
        elif num_positional is not None:
            num_positional += 1
    return Arguments(num_positional, frozenset(names))


def _pieces(code: str) -> list[str] | None:
    """The arguments, without white space around them; None where brackets do not fit."""
    pieces: list[str] = []
    depth = start = 0
    for offset, char in enumerate(code):
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
            if depth < 0:
                return None
        elif char == "," and depth == 0:
            pieces.append(code[start:offset].strip())
            start = offset + 1
    return None if depth or code[start:].strip() else pieces


def left_over(
    keywords: frozenset[str], positional: Sequence[str], are_all: bool, given: Arguments
) -> tuple[frozenset[str], int | None]:
    """Return the names that may still be written as keywords, and how many positional arguments may still stand.

    `positional`: the parameters that a position fills, in order; `are_all`: there are no others. A count that is not
    known is None.
    """
    names, num_given = keywords - given.names, given.num_positional
    if num_given is not None:
        names -= frozenset(positional[:num_given])
    if given.names:
        return names, 0  # after a keyword argument, no other one may stand
    if num_given is None or not are_all:
        return names, None
    return names, max(0, len(positional) - num_given)
