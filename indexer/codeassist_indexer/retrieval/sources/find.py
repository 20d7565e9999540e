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
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
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

    retrieval_context: RetrievalContext
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
    return read_candidates(ask_sources(RetrievalContext(store, request, collection, recent, deadline)), sources)


def ask_sources(retrieval_context: RetrievalContext) -> Search:
    """Ask every source, each in its time."""
    stage_ms: dict[str, float] = {}
    late: list[str] = []
    hits: dict[Source, list[Hit]] = {}
    with retrieval_context.deadline.until(_SOURCES_END):
        for source in _ASKED:
            found: list[Hit] = []
            with retrieval_context.deadline.part(_SHARES[source]):
                _collect(
                    retrieval_context,
                    source,
                    partial(_hits, retrieval_context, source, hits),
                    found.append,
                    stage_ms,
                    late,
                )
            hits[source] = found
    return Search(retrieval_context, hits, stage_ms, tuple(late))


def read_candidates(search: Search, sources: Container[Source] = SOURCES) -> Candidates:
    """Join and read what was found, of `sources` only."""
    stage_ms = dict(search.stage_ms)
    late = list(search.late_sources)
    retrieval_context = search.retrieval_context
    places = take_turns({source: hits for source, hits in search.hits.items() if source in sources}, _MAX_PLACES)
    texts: list[Text] = []
    with retrieval_context.deadline.until(_READING_ENDS):
        _collect(retrieval_context, "text", partial(read, retrieval_context, places), texts.append, stage_ms, late)
    candidates = describe(retrieval_context, places, texts)
    return Candidates(tuple(islice(candidates, MAX_CANDIDATES)), stage_ms, tuple(late))


def _hits(retrieval_context: RetrievalContext, source: Source, before: Mapping[Source, list[Hit]]) -> Iterator[Hit]:
    match source:
        case "imported":
            return definitions.imported(retrieval_context)
        case "named":
            return definitions.named(retrieval_context)
        case "mentioned":
            found = [*before.get("imported", ()), *before.get("named", ())]
            speaking = [hit for hit in found if isinstance(hit, DefinitionHit)]
            return definitions.mentioned(retrieval_context, sorted(speaking, key=lambda hit: -hit.score))
        case "bm25":
            return chunks.bm25(retrieval_context)
        case "learned":
            return learned(retrieval_context)
        case "callers":
            return chunks.callers(retrieval_context)
        case "tests":
            return siblings.tests(retrieval_context)
        case "same_base":
            return siblings.same_base(retrieval_context)
        case "folder":
            return siblings.folder(retrieval_context)
        case "recent":
            return recent_chunks(retrieval_context)


def _collect(
    retrieval_context: RetrievalContext,
    stage: str,
    find: Callable[[], Iterator[_T]],
    keep: Callable[[_T], object],
    stage_ms: dict[str, float],
    late: list[str],
) -> None:
    """Keep what a stage yields until it ends; note how long it took, and whether it was cut short."""
    begin = time.perf_counter()
    deadline = retrieval_context.deadline
    deadline.has_cut = False
    try:
        if not deadline.cuts_short():
            with deadline.stops_queries(retrieval_context.store):
                for each in find():
                    keep(each)
    except CodeAssistError as error:
        if not deadline.has_cut:
            log.warning("no %s for %s: %s", stage, retrieval_context.request.path, error)
        deadline.has_cut = True
    except Exception:  # a request boundary: a completion with less context is better than none
        log.warning("no %s for %s", stage, retrieval_context.request.path, exc_info=True)
        deadline.has_cut = True
    stage_ms[stage] = (time.perf_counter() - begin) * 1000
    if deadline.has_cut:
        late.append(stage)
