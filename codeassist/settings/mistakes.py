"""How mistakes in settings are told: short, whatever a stranger wrote, and with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_CHARS = 80


def short(text: str) -> str:
    """Return a text as a message shows it: a stranger's may be long."""
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return short(repr(value))


def nearest(given: str, known: Iterable[str]) -> str:
    """Ask whether the known name that is most like `given` was meant."""
    from rapidfuzz import fuzz, process  # only a mistake pays for the import

    names = list(known)
    found = process.extractOne(given.lower(), names, scorer=fuzz.ratio, processor=str.lower)
    return f"did you mean {found[0] if found else names[0]}?"
