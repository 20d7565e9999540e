"""What one client tells about its suggestions, counted: shown, accepted, accepted in part, still there a while later.

Knows no database: `write` takes what there is to count. Counts only where `feedback.count` is on.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from codeassist_lsp.completion.suggestion_log import Offer
from codeassist_lsp.documents.convert import first_utf16_units, with_newlines
from codeassist_lsp.documents.documents import Documents
from codeassist_lsp.usage.retained_share import kept_chars
from codeassist_lsp.usage.suggestion_outcome import Tally

KEPT_AFTER_S = 30.0
_MOST = 256
_MOST_NAME_CHARS = 64
Write = Callable[[Path, Tally], None]
Later = Callable[[float, Callable[[], None]], object]


def database_path(data: Path) -> Path:
    """Where what is counted lies in the data folder."""
    return data / "feedback.db"


@dataclass(slots=True)
class _Counting:
    """What is known of one suggestion, and how many characters of each of its offers were accepted."""

    tally: Tally
    accepted_by_offer: dict[str, int] = field(default_factory=dict[str, int])


class Feedback:
    """Counts for one client, on the event loop. `later` calls a function after some seconds."""

    def __init__(
        self, documents: Documents, write: Write, later: Later | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._documents = documents
        self._write = write
        self._later = later or (lambda after_s, look: asyncio.get_running_loop().call_later(after_s, look))
        self._now_s = now_s
        self._id = uuid.uuid4().hex  # suggestions are numbered by process; all clients' are in the same file
        self._counted: OrderedDict[int, _Counting] = OrderedDict()

    def shown(self, offer: Offer) -> None:
        """An offer became visible; the rest of a suggestion that was visible before counts once with it."""
        counting = self._counting(offer)
        if counting is not None:
            self._count(offer, replace(counting.tally, is_shown=True))

    def accepted(self, offer: Offer) -> None:
        """All of an offer was taken."""
        self._accept(offer, len(offer.text), is_whole=True)

    def accepted_part(self, offer: Offer, num_units: int) -> None:
        """So many UTF-16 units from the start of the offer's text stand in the document now."""
        self._accept(offer, len(first_utf16_units(offer.text, max(0, num_units))), is_whole=False)

    def _accept(self, offer: Offer, num_chars: int, is_whole: bool) -> None:
        counting = self._counting(offer)
        if counting is None:
            return
        start = max(offer.num_repeated, counting.accepted_by_offer.get(offer.id, 0))
        num_new = max(0, num_chars - start)
        counting.accepted_by_offer[offer.id] = max(start, num_chars)
        tally = counting.tally
        accepted = min(tally.num_chars, tally.accepted_chars + num_new)
        self._count(offer, replace(tally, is_accepted=tally.is_accepted or is_whole, accepted_chars=accepted), counting)
        if accepted > tally.accepted_chars:
            self._later(KEPT_AFTER_S, lambda: self._look(offer, counting, start, num_chars))

    def _look(self, offer: Offer, counting: _Counting, start: int, end: int) -> None:
        """Count how much of [start, end) of an accepted text stands in the document now, if it is still open."""
        now = self._documents.get(offer.document.uri)
        if now is None or now.opening != offer.document.opening or not now.is_in_step:
            return
        text = offer.document.document.text
        head = with_newlines(text[: offer.start_char])
        inserted = head + offer.text[:end] + with_newlines(text[offer.end_char :])
        kept = kept_chars(inserted, len(head) + start, len(head) + end, with_newlines(now.document.text))
        tally = counting.tally
        looked = tally.looked_chars + end - start
        self._count(offer, replace(tally, looked_chars=looked, kept_chars=tally.kept_chars + kept), counting)

    def _counting(self, offer: Offer) -> _Counting | None:
        if not offer.home.settings.feedback.count:
            return None
        number = offer.suggestion.number
        num_chars = len(offer.text) - offer.num_repeated
        counting = self._counted.pop(number, None)
        if counting is None:
            tally = Tally(
                f"{self._id}-{number}",
                self._now_s(),
                offer.kind,
                offer.document.language_id[:_MOST_NAME_CHARS],
                offer.suggestion.completion.model,
                num_chars,
                offer.text.count("\n") + 1,
                stage_ms=dict(offer.stage_ms),
            )
            counting = _Counting(tally)
        self._counted[number] = counting
        while len(self._counted) > _MOST:
            self._counted.popitem(last=False)
        return counting

    def _count(self, offer: Offer, tally: Tally, counting: _Counting | None = None) -> None:
        counting = counting or self._counted[offer.suggestion.number]
        if tally != counting.tally:
            counting.tally = tally
            self._write(database_path(offer.home.settings.places.data), tally)
