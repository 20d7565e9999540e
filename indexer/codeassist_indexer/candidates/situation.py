"""What every source is given: the index, the request, and what several of them ask about it, read once.

Knows no source.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from codeassist.request import CompletionRequest
from codeassist_indexer.around import Surroundings, surroundings
from codeassist_indexer.candidates.enclosing import Enclosing, enclosing
from codeassist_indexer.candidates.postings import Postings, read_postings
from codeassist_indexer.candidates.recent import RecentPlace
from codeassist_indexer.deadline import Deadline
from codeassist_indexer.imported import ResolvedImport, distances_near, imports_of, resolved_imports
from codeassist_indexer.languages import language_of
from codeassist_indexer.lexical import Collection, QueryLimits, query_terms
from codeassist_indexer.neighbours import StoredChunk, stored_chunks
from codeassist_indexer.store import Store

_LIMITS = QueryLimits()


class Situation:
    """One request before one index, read while `deadline` lasts. For one thread; what it has read once it keeps.

    What was interrupted is read again by whoever asks next.
    """

    def __init__(
        self,
        store: Store,
        request: CompletionRequest,
        collection: Collection,
        recent: Iterable[RecentPlace],
        deadline: Deadline,
    ) -> None:
        self.store = store
        self.request = request
        self.collection = collection
        self.recent = tuple(place for place in recent if place.path != request.path)
        self.deadline = deadline
        self.language = language_of(request.path) or ""
        self.around: Surroundings = surroundings(request)
        self.text = request.prefix + request.suffix
        self._chunks: dict[int, StoredChunk] = {}

    @cached_property
    def distances(self) -> dict[str, int]:
        """Each name near the cursor with its distance; see `Facts.name_distance`."""
        return distances_near(self.request, self.around)

    @cached_property
    def imports(self) -> tuple[ResolvedImport, ...]:
        """What the request's file imports."""
        return resolved_imports(self.store, self.request.path, self.language, imports_of(self.request))

    @property
    def has_read_imports(self) -> bool:
        """Whether `imports` is known without asking the index."""
        return "imports" in vars(self)

    @cached_property
    def imported_paths(self) -> frozenset[str]:
        """The files that the request's file imports."""
        return frozenset(path for each in self.imports for path in each.paths)

    @cached_property
    def own_file_id(self) -> int | None:
        """The number of the request's own file in the index, None if it is not there."""
        rows = self.store.query("SELECT id FROM files WHERE path = ?", (self.request.path,))
        return rows[0][0] if rows else None

    @cached_property
    def own_chunks(self) -> range:
        """The numbers of the chunks of the request's own file: nothing may come from it."""
        rows = self.store.query(
            "SELECT min(c.id), max(c.id) FROM files f JOIN chunks c ON c.file_id = f.id WHERE f.path = ?",
            (self.request.path,),
        )
        return range(rows[0][0], rows[0][1] + 1) if rows and rows[0][0] is not None else range(0)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The words that the index is searched by, the rarest first."""
        return query_terms(self.around.by_distance, self.language, self.collection, _LIMITS)

    @cached_property
    def postings(self) -> Postings:
        """Which chunks hold these words."""
        return read_postings(self.store, self.terms, self.collection, self.own_chunks, self.deadline)

    @cached_property
    def enclosing(self) -> Enclosing:
        """The function and the type that the cursor stands in."""
        return enclosing(self.request.prefix, self.around.line_head, self.language)

    def chunks(self, chunk_ids: Iterable[int]) -> dict[int, StoredChunk]:
        """Return the chunks with these numbers that there are."""
        wanted = list(dict.fromkeys(chunk_ids))
        missing = [chunk_id for chunk_id in wanted if chunk_id not in self._chunks]
        if missing:
            self._chunks.update((chunk.chunk_id, chunk) for chunk in stored_chunks(self.store, missing))
        return {chunk_id: self._chunks[chunk_id] for chunk_id in wanted if chunk_id in self._chunks}
