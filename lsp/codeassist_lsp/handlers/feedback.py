"""What one client tells about its suggestions, counted: shown, accepted, accepted in part, still there a while later.

`write` takes what there is to count. Counts only where `feedback.count` is on.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cachetools import LRUCache

from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.documents.open_document import first_utf16_units, with_newlines
from codeassist_lsp.usage.feedback_store import database_path
from codeassist_lsp.usage.retained_share import kept_chars
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome

KEPT_AFTER_S = 30.0
_MOST = 256
_MOST_NAME_CHARS = 64
Write = Callable[[Path, SuggestionOutcome], None]
Later = Callable[[float, Callable[[], None]], object]


@dataclass(slots=True)
class _Counting:
    """What is known of one suggestion, and how many characters of it were accepted under each id."""

    outcome: SuggestionOutcome
    accepted_by_id: dict[str, int] = field(default_factory=dict[str, int])


class Feedback:
    """Counts for one client, on the event loop. `later` calls a function after some seconds."""

    def __init__(self, write: Write, later: Later | None = None, now_s: Callable[[], float] = time.time) -> None:
        self._write = write
        self._later = later or (lambda after_s, look: asyncio.get_running_loop().call_later(after_s, look))
        self._now_s = now_s
        self._id = uuid.uuid4().hex  # suggestions are numbered by process; all clients' are in the same file
        self._counted: LRUCache[int, _Counting] = LRUCache(_MOST)

    def shown(self, shown: ShownSuggestion) -> None:
        """A suggestion became visible; the rest of a suggestion that was visible before counts once with it."""
        counting = self._counting(shown)
        if counting is not None:
            self._count(shown, replace(counting.outcome, is_shown=True))

    def jumped(self, shown: ShownSuggestion) -> None:
        """The user went to where it would be made."""
        counting = self._counting(shown)
        if counting is not None:
            self._count(shown, replace(counting.outcome, is_jumped=True))

    def accepted(self, shown: ShownSuggestion) -> None:
        """All of a suggestion was taken."""
        self._accept(shown, len(shown.at_cursor.text), is_whole=True)

    def accepted_part(self, shown: ShownSuggestion, num_units: int) -> None:
        """So many UTF-16 units from the start of its text stand in the document now."""
        self._accept(shown, len(first_utf16_units(shown.at_cursor.text, max(0, num_units))), is_whole=False)

    def _accept(self, shown: ShownSuggestion, num_chars: int, is_whole: bool) -> None:
        counting = self._counting(shown)
        if counting is None:
            return
        start = max(shown.num_repeated, counting.accepted_by_id.get(shown.id, 0))
        num_new = max(0, num_chars - start)
        counting.accepted_by_id[shown.id] = max(start, num_chars)
        outcome = counting.outcome
        accepted = min(outcome.num_chars, outcome.accepted_chars + num_new)
        self._count(
            shown, replace(outcome, is_accepted=outcome.is_accepted or is_whole, accepted_chars=accepted), counting
        )
        if accepted > outcome.accepted_chars:
            self._later(KEPT_AFTER_S, lambda: self._look(shown, counting, start, num_chars))

    def _look(self, shown: ShownSuggestion, counting: _Counting, start: int, end: int) -> None:
        """Count how much of [start, end) of an accepted text stands in the document now, if it is still open."""
        now = shown.session.now
        if shown.session.is_closed:
            return
        text = shown.document.document.text
        head = with_newlines(text[: shown.at_cursor.start_char])
        inserted = head + shown.at_cursor.text[:end] + with_newlines(text[shown.at_cursor.end_char :])
        kept = kept_chars(inserted, len(head) + start, len(head) + end, with_newlines(now.document.text))
        outcome = counting.outcome
        looked = outcome.looked_chars + end - start
        self._count(shown, replace(outcome, looked_chars=looked, kept_chars=outcome.kept_chars + kept), counting)

    def _counting(self, shown: ShownSuggestion) -> _Counting | None:
        if not shown.session.scope.settings_in_force().feedback.count:
            return None
        number = shown.suggestion.number
        num_chars = len(shown.at_cursor.text) - shown.num_repeated
        counting = self._counted.get(number)
        if counting is None:
            outcome = SuggestionOutcome(
                f"{self._id}-{number}",
                self._now_s(),
                shown.kind,
                shown.document.language_id[:_MOST_NAME_CHARS],
                shown.suggestion.completion.model,
                num_chars,
                shown.at_cursor.text.count("\n") + 1,
                stage_ms=dict(shown.stage_ms),
            )
            counting = self._counted[number] = _Counting(outcome)
        return counting

    def _count(self, shown: ShownSuggestion, outcome: SuggestionOutcome, counting: _Counting | None = None) -> None:
        counting = counting or self._counted[shown.suggestion.number]
        if outcome != counting.outcome:
            counting.outcome = outcome
            self._write(database_path(shown.session.scope.settings_in_force().places.data), outcome)
