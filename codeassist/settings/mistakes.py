"""How mistakes in settings are told: short, whatever a stranger wrote, and with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_CHARS = 80
LEAST_ALIKE = 60.0
"""Of 100, by rapidfuzz: less alike than this nobody mistypes a name."""


def short(text: str) -> str:
    """Return a text as a message shows it: a stranger's may be long."""
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return short(repr(value))


def asked(given: str, known: Iterable[str], prefix: str = "") -> str:
    """Ask whether the known name that is most like `given` was meant; where none is like it, say where all stand.

    All names begin with `prefix`. The last parts of dotted names must be alike, too: a section that is right makes no
    key of it likely.
    """
    from rapidfuzz import fuzz, process  # only a mistake pays for the import

    wrong = given.removeprefix(prefix).lower()
    names = {name.removeprefix(prefix).lower(): name for name in known}
    found = process.extractOne(wrong, list(names), scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE)
    if found is None or fuzz.ratio(_last(wrong), _last(found[0])) < LEAST_ALIKE:
        return "`codeassist docs settings` names them all"
    return f"did you mean {names[found[0]]}?"


def _last(name: str) -> str:
    return name.rpartition(".")[2]
