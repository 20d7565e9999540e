"""Names looked for in a text, without a pattern made for each: making one takes longer than looking.

Knows no language. Names are identifiers: letters, digits and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DEFINING = ("def ", "fn ", "func ", "function ")
_OPENED = re.compile(r"\s*\(")
_NAME = re.compile(r"[^\W\d]\w*")


def places_of(text: str, name: str) -> Iterator[int]:
    """Yield where `name` stands as a word of its own."""
    size = len(name)
    at = text.find(name)
    while at >= 0:
        end = at + size
        if not (at and _is_of_word(text[at - 1])) and not (end < len(text) and _is_of_word(text[end])):
            yield at
        at = text.find(name, at + 1)


def has_word(text: str, name: str) -> bool:
    """Say whether `name` stands in a text as a word of its own."""
    return next(places_of(text, name), None) is not None


def calls(text: str, name: str) -> bool:
    """Say whether a text has `name` with a bracket opened after it, and not where it is defined."""
    return any(
        _OPENED.match(text, at + len(name)) and not text.endswith(_DEFINING, 0, at) for at in places_of(text, name)
    )


def _is_of_word(char: str) -> bool:
    return char == "_" or char.isalnum()


def taken_of(text: str, module: str) -> list[str]:
    """Return the names after `module.`, `module::` and `module->`, in the order of the text."""
    if not module:
        return []
    found: list[tuple[int, str]] = []
    for separator in (".", "::", "->"):
        opened = module + separator
        at = text.find(opened)
        while at >= 0:
            if not (at and _is_of_word(text[at - 1])):
                name = _NAME.match(text, at + len(opened))
                if name is not None:
                    found.append((at, name[0]))
            at = text.find(opened, at + len(opened))
    return [name for _, name in sorted(found)]
