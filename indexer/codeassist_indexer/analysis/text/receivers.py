"""The receivers that a receiver begins with: what is narrowed by a test of `a.b` may have other members in `a.b.c`."""

from __future__ import annotations

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


def receivers_in(text: str) -> list[str]:
    """Return a receiver and those that it is reached through, the longest first: `a.b`, `a` of `a?.b`.

    Dots within brackets part nothing.
    """
    ends = [len(text)]
    depth = 0
    for offset, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0 and char == ".":
            ends.append(offset)
    found = [text[:end].rstrip("?! \t\n") for end in (ends[0], *reversed(ends[1:]))]
    return [each for each in found if each.strip(".")]
