"""What several sources found, as one list: sources take turns, the same place counts once, and near-copies go.

Knows no index: it takes and returns values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from codeassist_indexer.retrieval.sources.candidate import SOURCES, Found, Source
from codeassist_indexer.retrieval.sources.hits import Hit, Key
from codeassist_indexer.retrieval.sources.neighbours import Window

MAX_MERGED_LINES = 45  # more of one file would crowd out the others
_LEAST_TAIL_LINES = 4  # less is not worth a candidate of its own

_TURNS: Mapping[Source, int] = {"imported": 3, "named": 2, "bm25": 3}  # at a time; one for those that do not stand here
_FAR_IMPORTS = 2  # imports that are not named near the cursor: after what is


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the index with all that found it; `hit` is the first, in the order of the list."""

    hit: Hit
    found: tuple[Found, ...]
    distance: int | None


@dataclass(frozen=True, slots=True)
class PlacedWindow:
    """Lines that are shown, with the places they were made of, the first in the order of the list first."""

    window: Window
    places: tuple[Place, ...]


def take_turns(hits: Mapping[Source, Sequence[Hit]], limit: int) -> list[Place]:
    """Return at most `limit` places: each source in turn gives its best that no other has given yet."""
    queues = _queues(hits)
    chosen: dict[Key, Hit] = {}
    while queues and len(chosen) < limit:
        for queue in list(queues):
            if not _take(queue, chosen):
                queues.remove(queue)
    found: dict[Key, list[Found]] = {key: [] for key in chosen}
    distances: dict[Key, int] = {}
    for source, listed in hits.items():
        for rank, hit in enumerate(listed):
            key = hit.key
            of_place = found.get(key)
            if of_place is not None:
                of_place.append(Found(source, rank, hit.score))
                distance = hit.distance
                if distance is not None:
                    distances[key] = min(distance, distances.get(key, distance))
    first = islice(chosen.items(), limit)
    return [Place(hit, best_first(found[key]), distances.get(key)) for key, hit in first]


def _take(queue: _Queue, chosen: dict[Key, Hit]) -> bool:
    """Add a queue's turn to what is chosen; say whether it had enough."""
    num_left = queue.num_at_once
    for hit in queue.waiting:
        key = hit.key
        if key not in chosen:
            chosen[key] = hit
            num_left -= 1
            if not num_left:
                return True
    return False


@dataclass(frozen=True, slots=True, eq=False)
class _Queue:
    waiting: Iterator[Hit]
    num_at_once: int


def _queues(hits: Mapping[Source, Sequence[Hit]]) -> list[_Queue]:
    queues: list[_Queue] = []
    for source in SOURCES:
        listed = hits.get(source, ())
        if source == "imported":
            queues.append(_Queue((hit for hit in listed if hit.distance is not None), _TURNS[source]))
        else:
            queues.append(_Queue(iter(listed), _TURNS.get(source, 1)))
        if source == "named":
            far = (hit for hit in hits.get("imported", ()) if hit.distance is None)
            queues.append(_Queue(far, _FAR_IMPORTS))
    return queues


def best_first(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return one entry a source, the best rank of each, sorted by rank, then by the worth of sources."""
    if len(found) == 1:
        return tuple(found)
    best: dict[Source, Found] = {}
    for each in found:
        if each.source not in best or each.rank < best[each.source].rank:
            best[each.source] = each
    return tuple(sorted(best.values(), key=lambda each: (each.rank, SOURCES.index(each.source))))


def join_overlapping(windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
    """Join windows of one file that overlap, keeping all their places; each stands where its first place stood.

    What would become too long stays apart, without the lines that both hold; a tail of a few lines is left out.
    """
    order = {id(window): number for number, window in enumerate(windows)}
    joined: list[PlacedWindow] = []
    positions: list[int] = []
    for each in sorted(windows, key=lambda each: (each.window.path, each.window.start_line, order[id(each)])):
        last = joined[-1] if joined else None
        window = each.window
        if last is None or last.window.path != window.path or window.start_line >= last.window.end_line:
            joined.append(each)
            positions.append(order[id(each)])
            continue
        tail = window.lines[last.window.end_line - window.start_line :]
        if len(last.window.lines) + len(tail) <= MAX_MERGED_LINES or len(tail) < _LEAST_TAIL_LINES:
            fits = len(last.window.lines) + len(tail) <= MAX_MERGED_LINES
            lines = (*last.window.lines, *tail) if fits else last.window.lines
            is_later = order[id(each)] > positions[-1]
            places = (*last.places, *each.places) if is_later else (*each.places, *last.places)
            joined[-1] = PlacedWindow(replace(last.window, lines=lines), places)
            positions[-1] = min(positions[-1], order[id(each)])
        else:
            joined.append(PlacedWindow(replace(window, start_line=last.window.end_line, lines=tail), each.places))
            positions.append(order[id(each)])
    return [window for _, window in sorted(zip(positions, joined, strict=True), key=lambda pair: pair[0])]
