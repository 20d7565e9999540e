"""What a typist had of suggestions, by figures that need no word of whoever made them: the same for every side.

A character of a typed line was *foreseen* when it stood, right with all before it, in a suggestion that was on the
screen before it was typed. Each counts once, however often it was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from codeassist_eval.percentiles import percentiles
from codeassist_eval.typing.typist import Seen

PROMPT_MS = 300.0
"""What comes later than that is read by nobody who types on."""

_in_ms = partial(percentiles, digits=2)


def seen_figures(sessions: Sequence[Sequence[Seen]], typed: Sequence[int]) -> dict[str, Any]:
    """Return the figures of one side, ready for JSON. `typed`: characters of each session's typed line."""
    every = [one for session in sessions for one in session]
    shown = [one for one in every if one.is_shown]
    judged = [one for one in shown if one.rest]
    return {
        "suggestion_ms": _in_ms(one.ms for one in shown),
        "computed_ms": _in_ms(one.ms for one in shown if not one.was_known),
        "num_edits": len(every),
        "num_shown": len(shown),
        "num_known": sum(one.was_known for one in shown),
        "num_shown_promptly": sum(one.ms <= PROMPT_MS for one in shown),
        "characters_typed": sum(typed),
        "characters_foreseen": sum(len(foreseen(session)) for session in sessions),
        "characters_foreseen_promptly": sum(
            len(foreseen(one for one in session if one.ms <= PROMPT_MS)) for session in sessions
        ),
        "num_judged": len(judged),
        "num_wrong_at_once": sum(num_right(one) == 0 for one in judged),
    }


def num_right(seen: Seen) -> int:
    """How many characters of a suggestion are what the typist goes on to write on the line."""
    text, rest = seen.text or "", seen.rest or ""
    pairs = enumerate(zip(text, rest, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(text), len(rest)))


def foreseen(session: Iterable[Seen]) -> set[int]:
    """The characters of a session's typed line that were foreseen, each by its distance from the end of the line."""
    found: set[int] = set()
    for one in session:
        if one.is_shown and one.rest:
            found.update(range(len(one.rest) - num_right(one) + 1, len(one.rest) + 1))
    return found
