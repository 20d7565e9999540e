"""The Retriever over an index: what a learned ranker chooses of all candidates, or, by rules, definitions of what the
file imports and lexical neighbours; within a budget.

Knows no model and no prompt. Whatever goes wrong here costs snippets, never the completion.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Literal

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_indexer.retrieval.query.character_budget import HEADER_CHARS, LEAST_SNIPPET_CHARS, cut
from codeassist_indexer.retrieval.query.cursor_query import CursorQuery, cursor_query
from codeassist_indexer.retrieval.query.deadline import Deadline
from codeassist_indexer.retrieval.query.recent_places import RecentPlace
from codeassist_indexer.retrieval.ranking.chooser import Chooser, explained
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidates, Source
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.imported import imported_definitions
from codeassist_indexer.retrieval.sources.neighbours import lexical_neighbours
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

ContextMode = Literal["lexical", "full", "learned"]

# Usage found elsewhere raised exact match from 23 to 33, bare signatures from 23 to 25: signatures get the rest.
_DEFINITION_SHARE = 0.3


class IndexRetriever:
    """Finds snippets in one repository's index. Safe to call from several threads.

    "learned": what `chooser` takes of all candidates, which may be nothing. Without a chooser, and in the other modes:
    definitions that are used near the cursor, then neighbours, then the other definitions; "lexical" has neighbours
    only. Same index and same request give the same snippets in the same order, unless the chooser is sticky. A
    deadline changes that too: `deadline_ms` after a request came in, queries are stopped, and a source that is not
    done by then gives nothing, or what it had. None: no deadline. `recent` are the places that an editor saw edited or
    opened lately; only candidates look at them, and candidates are only what `sources` found.
    """

    def __init__(
        self,
        store: Store,
        mode: ContextMode = "full",
        deadline_ms: float | None = None,
        recent: Iterable[RecentPlace] = (),
        chooser: Chooser | None = None,
        sources: Container[Source] = SOURCES,
    ) -> None:
        self._store = store
        self._mode: ContextMode = mode
        self._deadline_ms = deadline_ms
        self._recent = recent
        self._chooser = chooser
        self._sources = sources
        self._planned: tuple[int, Collection] | None = None

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return snippets of together at most `max_chars` characters, none of them from the request's own file.

        Sources that failed count as late: they are named, and what they found until then is dropped.
        """
        deadline = Deadline(self._deadline_ms)
        if self._mode == "learned" and self._chooser is not None:
            found = self._chosen(self._chooser, request, max_chars, deadline)
            if found is not None:
                return found
        stage_ms: dict[str, float] = {}
        late: list[str] = []
        around = cursor_query(request)

        def run(source: str, find: Callable[[], list[Snippet]]) -> list[Snippet]:
            begin = time.perf_counter()
            try:
                if not deadline.is_over():
                    with deadline.stops_queries(self._store):
                        return find()
            except CodeAssistError as error:
                if not deadline.has_stopped:
                    log.warning("no %s for %s: %s", source, request.path, error)
            except Exception:  # a request boundary: a completion without context is better than none
                log.warning("no %s for %s", source, request.path, exc_info=True)
            finally:
                stage_ms[source] = (time.perf_counter() - begin) * 1000
            late.append(source)
            return []

        # In order of worth: usage found elsewhere helps more than signatures.
        neighbours = run("bm25", lambda: self._neighbours(request, around, deadline))
        definitions: list[Snippet] = []
        if self._mode != "lexical":
            definitions = run("definitions", lambda: imported_definitions(self._store, request, around))
        return Retrieval(choose(definitions, neighbours, max_chars), stage_ms, tuple(late))

    def candidates(self, request: CompletionRequest) -> Candidates:
        """Return all that a ranker may choose among, found under the same deadline."""
        return self._candidates(request, Deadline(self._deadline_ms))

    def _chosen(
        self, chooser: Chooser, request: CompletionRequest, max_chars: int, deadline: Deadline
    ) -> Retrieval | None:
        """What is chosen of all candidates; None where choosing failed, which is logged."""
        found = self._candidates(request, deadline)
        begin = time.perf_counter()
        try:
            chosen = chooser.choose(request, found.candidates, max_chars)
        except Exception:  # a request boundary: what is chosen by rules is better than no completion
            log.warning("no ranked context for %s", request.path, exc_info=True)
            return None
        stage_ms = {**found.stage_ms, "rank": (time.perf_counter() - begin) * 1000}
        return Retrieval(tuple(explained(each) for each in chosen), stage_ms, found.late_sources)

    def _candidates(self, request: CompletionRequest, deadline: Deadline) -> Candidates:
        try:
            collection = self._collection(deadline)
        except CodeAssistError as error:
            log.warning("no candidates for %s: %s", request.path, error)
            return Candidates(late_sources=SOURCES)
        return find_candidates(self._store, request, collection, deadline, self._recent, self._sources)

    def _neighbours(self, request: CompletionRequest, around: CursorQuery, deadline: Deadline) -> list[Snippet]:
        text = request.prefix + request.suffix
        return lexical_neighbours(self._store, self._collection(deadline), request.path, around, text)

    def _collection(self, deadline: Deadline) -> Collection:
        generation = self._store.generation()
        planned = self._planned
        if planned is None or planned[0] != generation:
            # Never stopped: in a large index it might take longer than any request may, and none could ever be planned.
            with deadline.suspended():
                planned = self._planned = (generation, self._store.collection())
        return planned[1]


def choose(definitions: Sequence[Snippet], neighbours: Sequence[Snippet], max_chars: int) -> tuple[Snippet, ...]:
    """Spend `max_chars`: a share on definitions, the rest on neighbours, what these leave on further definitions."""
    first = _fit(definitions, int(max_chars * _DEFINITION_SHARE))
    near = _fit(neighbours, max_chars - _cost(first))
    rest = [d for d in definitions[len(first) :] if not any(_overlap(d, n) for n in near)]
    return (*first, *near, *_fit(rest, max_chars - _cost(first) - _cost(near)))


def _fit(snippets: Sequence[Snippet], max_chars: int) -> list[Snippet]:
    """Take snippets in order until one does not fit; of that one, the whole lines that do."""
    taken: list[Snippet] = []
    room = max_chars
    for snippet in snippets:
        room -= HEADER_CHARS
        if len(snippet.text) > room:
            shortened = cut(snippet, room) if room >= LEAST_SNIPPET_CHARS else None
            if shortened is not None:
                taken.append(shortened)
            break
        taken.append(snippet)
        room -= len(snippet.text)
    return taken


def _cost(snippets: Sequence[Snippet]) -> int:
    return sum(len(snippet.text) + HEADER_CHARS for snippet in snippets)


def _overlap(one: Snippet, other: Snippet) -> bool:
    return one.path == other.path and one.start_line < other.end_line and other.start_line < one.end_line
