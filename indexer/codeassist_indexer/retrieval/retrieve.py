"""Retrieval as a function of a query and an index: what a learned ranker chooses of all candidates, or what rules do.

READ FIRST of retrieval. Whatever goes wrong here costs snippets, never the completion.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval
from codeassist_indexer.retrieval.ranking.ranker import Chooser, explained
from codeassist_indexer.retrieval.rules import by_rules
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidates, Source
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RecentPlace
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.chunk_reader import stored_file
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.library_rows import libraries_generation
from codeassist_indexer.storage.library_stores import NO_LIBRARIES, LibrarySet, LibraryStores
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

ContextMode = Literal["lexical", "full", "learned"]


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """What is asked: a request (its text, its path, its cursor, what stands in the last prompt), in which limits.

    The snippets are together `max_chars` characters long at most. `recent` are the places that an editor saw edited or
    opened lately, the newest first. `deadline_ms` after `began_s` (a moment of `time.perf_counter`) queries are
    stopped, and a source that is not done by then gives nothing, or what it had; None: no deadline.
    """

    request: CompletionRequest
    max_chars: int
    recent: tuple[RecentPlace, ...] = ()
    deadline_ms: float | None = None
    began_s: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """An index at one version (`epoch`, `last_change`), and how it is searched.

    collection: the term counts that queries are planned by.
    mode: "learned" is what `chooser` takes of all candidates, which may be nothing. Without a chooser, and in the other
        modes: definitions that are used near the cursor, then neighbours, then the other definitions; "lexical" has
        neighbours only.
    sources: what candidates may come from.
    search: finds chunks by their vectors; without it the source "learned" finds none.
    libraries: the installed packages that the repository imports, as of `libraries_generation`.

    What is written while it is searched may be found or not: the version is another one then, and no basis holds.
    """

    store: Store
    collection: Collection
    epoch: int
    last_change: int
    mode: ContextMode = "full"
    chooser: Chooser | None = None
    sources: Container[Source] = SOURCES
    search: LearnedSearch | None = None
    libraries: LibrarySet = NO_LIBRARIES
    libraries_generation: int = 0

    def basis(self, path: str) -> IndexBasis:
        """Return what a retrieval for the file `path` rests on."""
        own_file_id = _file_id(self.store, path)
        return IndexBasis(self.store, path, self.epoch, self.last_change, own_file_id, self.libraries_generation)


@dataclass(frozen=True, slots=True)
class IndexBasis:
    """A `RetrievalBasis`: no file but `path` has changed, nor an installed package that the repository imports.

    `own_file_id` is the number that `path` had at that version.
    """

    store: Store
    path: str
    epoch: int
    last_change: int
    own_file_id: int | None
    libraries_generation: int = 0

    def holds(self) -> bool:
        """Whether no other file has changed since; the file itself does whenever a key has been indexed."""
        try:
            if libraries_generation(self.store) != self.libraries_generation:
                return False
            changed = self.store.changed_files(self.epoch, self.last_change)
            if not changed:
                return changed is not None
            return set(changed) <= {self.own_file_id, _file_id(self.store, self.path)}  # each version has its own
        except CodeAssistError as error:
            log.info("whether anything has changed for %s cannot be said: %s", self.path, error)
            return False


def retrieve(query: RetrievalQuery, index: IndexSnapshot) -> Retrieval:
    """Return snippets for a query, none of them from the request's own file.

    The same query to the same index gives the same snippets in the same order; only a deadline changes that. Sources
    that failed count as late: they are named, and what they found until then is dropped.
    """
    if index.mode == "learned" and index.chooser is not None:
        found = _chosen(index.chooser, query, index)
        if found is not None:
            return found
    deadline = Deadline(query.deadline_ms, began_s=query.began_s)
    has_definitions = index.mode != "lexical"
    return by_rules(index.store, index.collection, query.request, query.max_chars, has_definitions, deadline)


def candidates(query: RetrievalQuery, index: IndexSnapshot) -> Candidates:
    """Return all that a ranker may choose among, found under the query's deadline."""
    deadline = Deadline(query.deadline_ms, began_s=query.began_s)
    libraries = index.libraries if query.request.sees_libraries else NO_LIBRARIES
    return find_candidates(
        index.store, query.request, index.collection, deadline, query.recent, index.sources, index.search, libraries
    )


def _chosen(chooser: Chooser, query: RetrievalQuery, index: IndexSnapshot) -> Retrieval | None:
    """What is chosen of all candidates; None where choosing failed, which is logged."""
    found = candidates(query, index)
    begin = time.perf_counter()
    try:
        chosen = chooser.choose(query.request, found.candidates, query.max_chars)
    except Exception:  # a request boundary: what is chosen by rules is better than no completion
        log.warning("no ranked context for %s", query.request.path, exc_info=True)
        return None
    stage_ms = {**found.stage_ms, "rank": (time.perf_counter() - begin) * 1000}
    return Retrieval(tuple(explained(each) for each in chosen), stage_ms, found.late_sources)


class IndexRetriever:
    """The Retriever of one repository's index: it asks `retrieve` of the index as it is at each request.

    `mode`, `chooser`, `sources` and `search` as in `IndexSnapshot`, `deadline_ms` and `recent`, which is looked at anew
    each time, as in `RetrievalQuery`. `libraries` opens the databases of packages. For any thread.
    """

    def __init__(
        self,
        store: Store,
        mode: ContextMode = "full",
        deadline_ms: float | None = None,
        recent: Iterable[RecentPlace] = (),
        chooser: Chooser | None = None,
        sources: Container[Source] = SOURCES,
        search: LearnedSearch | None = None,
        libraries: LibraryStores | None = None,
    ) -> None:
        self._store = store
        self._libraries = libraries
        self._mode: ContextMode = mode
        self._deadline_ms = deadline_ms
        self._recent = recent
        self._chooser = chooser
        self._sources = sources
        self._search = search
        self._planned: tuple[int, Collection] | None = None

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return snippets of together at most `max_chars` characters, and what they rest on."""
        query = RetrievalQuery(request, max_chars, tuple(self._recent), self._deadline_ms)
        try:
            with self._waiting():
                index = self.snapshot()
                basis = index.basis(request.path)
                return replace(retrieve(query, index), basis=basis)
        except CodeAssistError as error:
            log.warning("no context for %s: %s", request.path, error)
            return Retrieval(late_sources=SOURCES)

    def candidates(self, request: CompletionRequest) -> Candidates:
        """Return all that a ranker may choose among, found under the same deadline."""
        query = RetrievalQuery(request, 0, tuple(self._recent), self._deadline_ms)
        try:
            with self._waiting():
                return candidates(query, self.snapshot())
        except CodeAssistError as error:
            log.warning("no candidates for %s: %s", request.path, error)
            return Candidates(late_sources=SOURCES)

    def _waiting(self) -> AbstractContextManager[None]:
        """Wait for a process that holds the index where the request has no deadline."""
        return self._store.patiently() if self._deadline_ms is None else nullcontext()

    def snapshot(self) -> IndexSnapshot:
        """Return the index as it is now. Raises CodeAssistError where it cannot be read.

        Term counts are read once a generation, and never stopped: in a large index that might take longer than any
        request may, and none could ever be planned.
        """
        epoch, last_change, _ = self._store.vector_changes()
        generation = self._store.generation()
        planned = self._planned
        if planned is None or planned[0] != generation:
            planned = self._planned = (generation, self._store.collection())
        found = libraries_generation(self._store)
        libraries = NO_LIBRARIES if self._libraries is None else self._libraries.of(self._store)
        return IndexSnapshot(
            self._store,
            planned[1],
            epoch,
            last_change,
            self._mode,
            self._chooser,
            self._sources,
            self._search,
            libraries,
            found,
        )


def _file_id(store: Store, path: str) -> int | None:
    file = stored_file(store, path)
    return None if file is None else file.file_id
