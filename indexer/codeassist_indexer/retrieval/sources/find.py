"""All candidates for one request: every source asked in its time, what they found joined, read and described.

Knows no ranking beyond turns: which candidates go into a prompt is decided elsewhere.
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
from codeassist_indexer.retrieval.query.deadline import Deadline
from codeassist_indexer.retrieval.query.recent_places import RecentPlace
from codeassist_indexer.retrieval.sources import chunks, definitions, siblings
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidates, Source
from codeassist_indexer.retrieval.sources.hits import DefinitionHit, Hit
from codeassist_indexer.retrieval.sources.merge import take_turns
from codeassist_indexer.retrieval.sources.nearest_vectors import learned
from codeassist_indexer.retrieval.sources.read import Text, describe, read
from codeassist_indexer.retrieval.sources.recent import recent_chunks
from codeassist_indexer.retrieval.sources.retrieval_context import Situation
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.store import Store

_T = TypeVar("_T")

log = logging.getLogger(__name__)

MAX_CANDIDATES = 64
# Overlapping places become one candidate, and near-copies none: so many more are read.
_MAX_PLACES = 72
# When the sources must have ended, when reading what they found must have, and how long each source may take, as shares
# of the deadline; what was read is then described, which takes 3 ms at most. On a machine so busy that sources take all
# of the time, reading what the first of them found is worth more than asking the last.
_SOURCES_END = 0.65
_READING_ENDS = 0.9
_SHARES: Mapping[Source, float] = {
    "imported": 0.4, "named": 0.2, "mentioned": 0.15, "bm25": 0.4, "learned": 0.1, "tests": 0.15, "callers": 0.15,
    "same_base": 0.15, "folder": 0.15, "recent": 0.1,
}  # fmt: skip
# `bm25` reads what the others choose chunks by, so it comes first of those; the order of turns is that of SOURCES.
_ASKED: tuple[Source, ...] = (
    "imported", "bm25", "learned", "named", "callers", "tests", "recent", "same_base", "mentioned", "folder",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Search:
    """What the sources found for one request, not read yet; `stage_ms` and `late_sources` as in `Candidates`."""

    situation: Situation
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
) -> Candidates:
    """Return at most MAX_CANDIDATES candidates from other files that `sources` found, those likeliest to help first.

    The same index, request and recent places give the same. Only the deadline changes that: what was found until
    then is returned, and `late_sources` names what was stopped. Never raises for what is missing or broken.
    """
    return read_candidates(ask_sources(Situation(store, request, collection, recent, deadline)), sources)


def ask_sources(situation: Situation) -> Search:
    """Ask every source, each in its time."""
    stage_ms: dict[str, float] = {}
    late: list[str] = []
    hits: dict[Source, list[Hit]] = {}
    with situation.deadline.until(_SOURCES_END):
        for source in _ASKED:
            found: list[Hit] = []
            with situation.deadline.part(_SHARES[source]):
                _collect(situation, source, partial(_hits, situation, source, hits), found.append, stage_ms, late)
            hits[source] = found
    return Search(situation, hits, stage_ms, tuple(late))


def read_candidates(search: Search, sources: Container[Source] = SOURCES) -> Candidates:
    """Join and read what was found, of `sources` only."""
    stage_ms = dict(search.stage_ms)
    late = list(search.late_sources)
    situation = search.situation
    places = take_turns({source: hits for source, hits in search.hits.items() if source in sources}, _MAX_PLACES)
    texts: list[Text] = []
    with situation.deadline.until(_READING_ENDS):
        _collect(situation, "text", partial(read, situation, places), texts.append, stage_ms, late)
    candidates = describe(situation, places, texts)
    return Candidates(tuple(islice(candidates, MAX_CANDIDATES)), stage_ms, tuple(late))


def _hits(situation: Situation, source: Source, before: Mapping[Source, list[Hit]]) -> Iterator[Hit]:
    match source:
        case "imported":
            return definitions.imported(situation)
        case "named":
            return definitions.named(situation)
        case "mentioned":
            found = [*before.get("imported", ()), *before.get("named", ())]
            speaking = [hit for hit in found if isinstance(hit, DefinitionHit)]
            return definitions.mentioned(situation, sorted(speaking, key=lambda hit: -hit.score))
        case "bm25":
            return chunks.bm25(situation)
        case "learned":
            return learned(situation)
        case "callers":
            return chunks.callers(situation)
        case "tests":
            return siblings.tests(situation)
        case "same_base":
            return siblings.same_base(situation)
        case "folder":
            return siblings.folder(situation)
        case "recent":
            return recent_chunks(situation)


def _collect(
    situation: Situation,
    stage: str,
    find: Callable[[], Iterator[_T]],
    keep: Callable[[_T], object],
    stage_ms: dict[str, float],
    late: list[str],
) -> None:
    """Keep what a stage yields until it ends; note how long it took, and whether it was cut short."""
    begin = time.perf_counter()
    deadline = situation.deadline
    deadline.has_cut = False
    try:
        if not deadline.cuts_short():
            with deadline.stops_queries(situation.store):
                for each in find():
                    keep(each)
    except CodeAssistError as error:
        if not deadline.has_cut:
            log.warning("no %s for %s: %s", stage, situation.request.path, error)
        deadline.has_cut = True
    except Exception:  # a request boundary: a completion with less context is better than none
        log.warning("no %s for %s", stage, situation.request.path, exc_info=True)
        deadline.has_cut = True
    stage_ms[stage] = (time.perf_counter() - begin) * 1000
    if deadline.has_cut:
        late.append(stage)
