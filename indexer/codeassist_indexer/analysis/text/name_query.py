"""What is asked of the sources of names, and what they answer. Values only; knows no language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codeassist.request import NamePosition, Strength


@dataclass(frozen=True, slots=True)
class NameQuery:
    """Which names can stand at `place`, between `before` (up to where the name begins) and `suffix`.

    `path` is relative to the repository's root. `is_stale()`: nobody waits for the answer any more.
    """

    language: str
    path: str
    place: NamePosition
    before: str
    suffix: str
    is_stale: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """The names, all that there can be, or None; `source` says what found them, or why nothing did (for people).

    `strength` as in `AllowedNames`: "likely" where something on the way to the names was not read completely, and
    `doubt` says what (for people, and for counting).
    `is_passing`: asked again, the answer may be another one though no text has changed. `positional`, of a call whose
    parameters were asked for: those that positions fill, in order, as far as that is known; `are_all`: there are no
    others. `room`, at the place of an argument: how many may still stand by position; None: not known.
    """

    names: frozenset[str] | None
    source: str
    is_passing: bool = False
    positional: tuple[str, ...] = ()
    are_all: bool = False
    room: int | None = None
    strength: Strength = "sure"
    doubt: str = ""
