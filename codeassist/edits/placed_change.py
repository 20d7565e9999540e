"""Where past changes stand in the texts as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeassist.edits.change import LineChange


@dataclass(frozen=True, slots=True)
class PlacedChange:
    """A change whose new lines are [start_line, end_line) of its file now, as far as later ones left them."""

    change: LineChange
    start_line: int
    end_line: int

    @property
    def path(self) -> str:
        """The file that was changed."""
        return self.change.path


def placed_changes(history: Sequence[LineChange]) -> tuple[PlacedChange, ...]:
    """Place changes of a history, the oldest first, which count in the text as it stood when each was made."""
    return tuple(_placed(change, history[number + 1 :]) for number, change in enumerate(history))


def _placed(change: LineChange, later: Sequence[LineChange]) -> PlacedChange:
    start, end = change.start_line, change.end_line
    for after in later:
        if after.path != change.path or after.start_line >= end + (start == end):
            continue
        shift = len(after.new) - len(after.old)
        if after.start_line + len(after.old) <= start:
            start, end = start + shift, end + shift
        else:
            start, end = min(start, after.start_line), max(start, end + shift, after.end_line)
    return PlacedChange(change, start, max(start, end))
