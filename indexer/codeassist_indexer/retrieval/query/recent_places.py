"""Places that were edited or opened lately. Whoever sees the edits notes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PLACES = 32
MAX_PLACES_A_FILE = 4
_NEAR_LINES = 10


@dataclass(frozen=True, slots=True)
class RecentPlace:
    """Lines of a file, from 1, half-open. `path` is relative to the repository, with forward slashes."""

    path: str
    start_line: int
    end_line: int


class RecentPlaces:
    """The places noted last, at most MAX_PLACES and MAX_PLACES_A_FILE, the newest first. For any thread.

    A place near one of the same file that is noted already takes it in, so that typing does not fill the list.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: tuple[RecentPlace, ...] = ()

    def __iter__(self) -> Iterator[RecentPlace]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def note(self, path: str, start_line: int, end_line: int) -> None:
        """Say that these lines are edited or looked at now."""
        with self._lock:
            newest, others = RecentPlace(path, start_line, max(end_line, start_line + 1)), list[RecentPlace]()
            for place in self._places:
                if place.path == path and _are_near(place, newest):
                    newest = _narrowed(place, newest)
                else:
                    others.append(place)
            of_file = [place for place in others if place.path == path]
            too_many = set(of_file[MAX_PLACES_A_FILE - 1 :])
            self._places = (newest, *(place for place in others if place not in too_many))[:MAX_PLACES]

    def note_edit(self, path: str, line: int, num_removed: int, num_added: int) -> None:
        """Say that from `line` on so many line ends were removed and so many added; places after it move along."""
        with self._lock:
            by = num_added - num_removed
            self._places = tuple(_moved(place, line, by) if place.path == path else place for place in self._places)
        self.note(path, line, line + num_added + 1)


def _moved(place: RecentPlace, line: int, by: int) -> RecentPlace:
    """Return a place after `by` lines more stand after `line`; what was inside of removed lines ends up there."""
    start_line = place.start_line if place.start_line <= line else max(line, place.start_line + by)
    end_line = place.end_line if place.end_line <= line + 1 else max(line + 1, place.end_line + by)
    return RecentPlace(place.path, start_line, max(end_line, start_line + 1))


def _are_near(one: RecentPlace, other: RecentPlace) -> bool:
    return one.start_line <= other.end_line + _NEAR_LINES and other.start_line <= one.end_line + _NEAR_LINES


def _narrowed(old: RecentPlace, new: RecentPlace) -> RecentPlace:
    """Return both in one, but no more than is near the new one: what was noted long ago must not grow without end."""
    start_line = max(min(old.start_line, new.start_line), new.start_line - _NEAR_LINES)
    return RecentPlace(new.path, start_line, min(max(old.end_line, new.end_line), new.end_line + _NEAR_LINES))
