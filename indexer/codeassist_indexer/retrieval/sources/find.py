"""All candidates for one request: every source asked in its time, what they found joined, read and described.

Which candidates go into a prompt is decided elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.sources import chunks, definitions, libraries
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidates, Form, Found, Hit, Source
from codeassist_indexer.retrieval.sources.read import Place, Text, best_first, describe, read
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RecentPlace, RetrievalContext
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.library_stores import NO_LIBRARIES, LibrarySet
from codeassist_indexer.storage.store import Store

_T = TypeVar("_T")
_Key = tuple[Form, int]

log = logging.getLogger(__name__)

MAX_CANDIDATES = 64
# Overlapping places become one candidate, and near-copies none: so many more are read.
_MAX_PLACES = 72
_MAX_OF_PACKAGES = 12
# When the sources must have ended, when reading what they found must have, and how long each source may take, as shares
# of the deadline; what was read is then described, which takes 3 ms at most. On a machine so busy that sources take all
# of the time, reading what the first of them found is worth more than asking the last.
_SOURCES_END = 0.65
_READING_ENDS = 0.9
_SHARES: Mapping[Source, float] = {
    "imported": 0.4, "library": 0.3, "named": 0.2, "mentioned": 0.15, "bm25": 0.4, "learned": 0.1, "tests": 0.15,
    "callers": 0.15, "same_base": 0.15, "folder": 0.15, "recent": 0.1,
}  # fmt: skip
# `bm25` reads what the others choose chunks by, so it comes first of those; the order of turns is that of SOURCES.
_ASKED: tuple[Source, ...] = (
    "imported", "library", "bm25", "learned", "named", "callers", "tests", "recent", "same_base", "mentioned", "folder",
)  # fmt: skip
_TURNS: Mapping[Source, int] = {
    "imported": 3,
    "named": 2,
    "bm25": 3,
}  # at a time; one for those that do not stand here
_FAR_IMPORTS = 2  # imports that are not named near the cursor: after what is


@dataclass(frozen=True, slots=True)
class Search:
    """What the sources found for one request, not read yet; `stage_ms` and `late_sources` as in `Candidates`."""

    context: RetrievalContext
    hits: Mapping[Source, Sequence[Hit]]
    stage_ms: Mapping[str, float]
    late_sources: tuple[str, ...]


def find_candidates(
    store: Store,
    request: CompletionRequest,
    collection: Collection,
    deadline: Deadline,
    recent: Iterable[RecentPlace] = (),
    sources: Container[Source] = SOURCES,
    search: LearnedSearch | None = None,
    installed: LibrarySet = NO_LIBRARIES,
) -> Candidates:
    """Return at most MAX_CANDIDATES candidates from other files that `sources` found, those likeliest to help first.

    Behind them stand those of installed packages, which change nothing of the others.

    The same index, request and recent places give the same. Only the deadline changes that: what was found until
    then is returned, and `late_sources` names what was stopped. Raises
    CodeAssistError only for an index that cannot be opened.
    """
    context = RetrievalContext(store, request, collection, recent, deadline, search, installed)
    return read_candidates(ask_sources(context), sources)


def ask_sources(context: RetrievalContext) -> Search:
    """Ask every source, each in its time."""
    hits: dict[Source, list[Hit]] = {}
    stages = _Stages(context)
    with context.deadline.stops_queries(context.store):
        for source in _ASKED:
            context.deadline.begin_stage(_SHARES[source], _SOURCES_END)
            hits[source] = stages.collect(source, partial(_hits, context, source, hits))
    return Search(context, hits, stages.took_ms, tuple(stages.late))


def read_candidates(search: Search, sources: Container[Source] = SOURCES) -> Candidates:
    """Join and read what was found, of `sources` only."""
    context = search.context
    hits: dict[Source, Sequence[Hit]] = {source: hits for source, hits in search.hits.items() if source in sources}
    # Packages beside the repository's own places, not in the place of any.
    found_in_packages: dict[Source, Sequence[Hit]] = {"library": hits.pop("library", ())}
    of_packages = take_turns(found_in_packages, _MAX_OF_PACKAGES)
    places = take_turns(hits, _MAX_PLACES)
    stages = _Stages(context)
    with context.deadline.stops_queries(context.store):
        context.deadline.begin_stage(1.0, _READING_ENDS)
        texts: list[Text] = stages.collect("text", partial(read, context, [*places, *of_packages]))
    candidates = (*islice(describe(context, places, texts), MAX_CANDIDATES), *describe(context, of_packages, texts))
    return Candidates(candidates, {**search.stage_ms, **stages.took_ms}, (*search.late_sources, *stages.late))


def take_turns(hits: Mapping[Source, Sequence[Hit]], limit: int) -> list[Place]:
    """Return at most `limit` places: each source in turn gives its best that no other has given yet."""
    queues = _queues(hits)
    chosen: dict[_Key, Hit] = {}
    while queues and len(chosen) < limit:
        for queue in list(queues):
            if not _take(queue, chosen):
                queues.remove(queue)
    found: dict[_Key, list[Found]] = {key: [] for key in chosen}
    distances: dict[_Key, int] = {}
    for source, listed in hits.items():
        for rank, hit in enumerate(listed):
            key = (hit.form, hit.number)
            of_place = found.get(key)
            if of_place is not None:
                of_place.append(Found(source, rank, hit.score))
                distance = hit.distance
                if distance is not None:
                    distances[key] = min(distance, distances.get(key, distance))
    first = islice(chosen.items(), limit)
    return [Place(hit, best_first(found[key]), distances.get(key)) for key, hit in first]


def _take(queue: _Queue, chosen: dict[_Key, Hit]) -> bool:
    """Add a queue's turn to what is chosen; say whether it had enough."""
    num_left = queue.num_at_once
    for hit in queue.waiting:
        key = (hit.form, hit.number)
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


def _hits(context: RetrievalContext, source: Source, before: Mapping[Source, list[Hit]]) -> Iterator[Hit]:
    match source:
        case "imported":
            return definitions.imported(context)
        case "library":
            return libraries.definitions_of_libraries(context)
        case "named":
            return definitions.named(context)
        case "mentioned":
            speaking = [*before.get("imported", ()), *before.get("named", ())]
            return definitions.mentioned(context, sorted(speaking, key=lambda hit: -hit.score))
        case "bm25":
            return chunks.bm25(context)
        case "learned":
            return chunks.learned(context)
        case "callers":
            return chunks.callers(context)
        case "tests":
            return chunks.tests(context)
        case "same_base":
            return chunks.same_base(context)
        case "folder":
            return chunks.folder(context)
        case "recent":
            return chunks.recent(context)


class _Stages:
    """The stages of one retrieval: what each took, in milliseconds, and which were cut short or failed."""

    def __init__(self, context: RetrievalContext) -> None:
        self.took_ms: dict[str, float] = {}
        self.late: list[str] = []
        self._context = context

    def collect(self, stage: str, find: Callable[[], Iterator[_T]]) -> list[_T]:
        """Return what a stage yields until it ends, fails, or its time does."""
        begin = time.perf_counter()
        deadline, path = self._context.deadline, self._context.request.path
        found: list[_T] = []
        try:
            if not deadline.cuts_short():
                for each in find():
                    found.append(each)  # noqa: PERF402 — what comes before an error stays
        except CodeAssistError as error:
            if not deadline.has_cut:
                log.warning("no %s for %s: %s", stage, path, error)
            deadline.has_cut = True
        except Exception:  # a request boundary: a completion with less context is better than none
            log.warning("no %s for %s", stage, path, exc_info=True)
            deadline.has_cut = True
        self.took_ms[stage] = (time.perf_counter() - begin) * 1000
        if deadline.has_cut:
            self.late.append(stage)
        return found
