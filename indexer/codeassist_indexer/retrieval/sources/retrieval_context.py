"""What every source is given: the index, the request, the deadline, the places that were edited or looked at lately,
and what several of them ask, read once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property

from codeassist.request import CompletionRequest
from codeassist_indexer.languages.registry import language_at
from codeassist_indexer.retrieval.query.cursor import CursorQuery, Enclosing, cursor_query, distances_near, enclosing
from codeassist_indexer.retrieval.sources.imported import ResolvedImport, imports_of, resolved_imports
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.chunk_reader import (
    Postings,
    StoredChunk,
    StoredFile,
    read_postings,
    stored_chunks,
    stored_file,
)
from codeassist_indexer.storage.lexical import Collection, QueryLimits, query_terms
from codeassist_indexer.storage.library_stores import NO_LIBRARIES, Library, LibrarySet
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition, Member, PathReader, read_definitions, read_members

MAX_PLACES = 32
MAX_PLACES_A_FILE = 4
_NEAR_LINES = 10
_LIMITS = QueryLimits()


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


@dataclass(slots=True)
class Deadline:
    """The moment, `after_ms` after `began_s`, at which one request's queries are stopped; None: never.

    It has stages, which end sooner. `has_stopped` says whether a query was stopped, `has_cut` whether anything of the
    stage under way was cut short. For one thread.
    """

    after_ms: float | None
    has_stopped: bool = False
    has_cut: bool = False
    began_s: float = field(default_factory=time.perf_counter)
    _stage_ends_s: float | None = None

    def is_over(self) -> bool:
        """Say whether it has passed."""
        return self.after_ms is not None and (time.perf_counter() - self.began_s) * 1000 > self.after_ms

    def begin_stage(self, share: float, end: float) -> None:
        """Let what comes now take `share` of the whole time at most, and end when `end` of it has passed."""
        self.has_cut = False
        if self.after_ms is not None:
            whole_s = self.after_ms / 1000
            self._stage_ends_s = min(time.perf_counter() + share * whole_s, self.began_s + end * whole_s)

    def cuts_short(self) -> bool:
        """Say whether a loop over small queries must end, because it or its stage has passed; note that one did."""
        if self.after_ms is not None:
            self.has_cut |= self._is_stage_over()
        return self.has_cut

    def stops_queries(self, store: Store) -> AbstractContextManager[None]:
        """Stop what this thread asks of `store` in the block once it or its stage has passed: it then raises."""
        return contextlib.nullcontext() if self.after_ms is None else store.stopped_by(self._look)

    def _is_stage_over(self) -> bool:
        return self.is_over() or (self._stage_ends_s is not None and time.perf_counter() > self._stage_ends_s)

    def _look(self) -> bool:
        """Say whether the running query must stop."""
        if not self._is_stage_over():
            return False
        self.has_stopped = self.has_cut = True
        return True


class RetrievalContext:
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
        search: LearnedSearch | None = None,
        libraries: LibrarySet = NO_LIBRARIES,
    ) -> None:
        self.store = store
        self.request = request
        self.collection = collection
        self.recent = tuple(place for place in recent if place.path != request.path)
        self.deadline = deadline
        self.search = search
        self.libraries = libraries
        self.language = language_at(request) or ""
        self.around: CursorQuery = cursor_query(request)
        self.text = request.prefix + request.suffix
        self.offered: dict[int, Sequence[str]] = {}  # by definition, all names that may follow a dot after such a value
        self._chunks: dict[int, StoredChunk] = {}
        self._definitions: dict[int, Definition] = {}
        self._members: dict[int, Sequence[Member]] = {}

    @cached_property
    def distances(self) -> dict[str, int]:
        """Each name near the cursor with its distance; see `Facts.name_distance`."""
        return distances_near(self.request, self.around)

    @cached_property
    def paths(self) -> PathReader:
        """The index, asked which files imports mean."""
        return PathReader(self.store)

    @cached_property
    def imports(self) -> tuple[ResolvedImport, ...]:
        """What the request's file imports."""
        return resolved_imports(self.paths, self.request.path, self.language, imports_of(self.request))

    @property
    def has_read_imports(self) -> bool:
        """Whether `imports` is known without asking the index."""
        return "imports" in vars(self)

    @cached_property
    def imported_paths(self) -> frozenset[str]:
        """The files that the request's file imports."""
        return frozenset(path for each in self.imports for path in each.paths)

    @cached_property
    def _own(self) -> StoredFile | None:
        return stored_file(self.store, self.request.path)

    @property
    def own_file_id(self) -> int | None:
        """The number of the request's own file in the index, None if it is not there."""
        return None if self._own is None else self._own.file_id

    @property
    def own_chunks(self) -> range:
        """The numbers of the chunks of the request's own file: nothing may come from it."""
        return range(0) if self._own is None else self._own.chunks

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The words that the index is searched by, the rarest first."""
        return query_terms(self.around.by_distance, self.language, self.collection, _LIMITS)

    @cached_property
    def postings(self) -> Postings:
        """Which chunks hold these words."""
        return read_postings(self.store, self.terms, self.collection, self.own_chunks, self.deadline.cuts_short)

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

    def known_chunk(self, chunk_id: int) -> StoredChunk | None:
        """Return a chunk that was read already."""
        return self._chunks.get(chunk_id)

    def definitions(self, symbol_ids: Iterable[int]) -> list[Definition]:
        """Return the definitions with these numbers that there are; of packages only those that were kept."""
        wanted = list(dict.fromkeys(symbol_ids))
        missing = [symbol_id for symbol_id in wanted if symbol_id not in self._definitions]
        missing = [symbol_id for symbol_id in missing if self.libraries.of_number(symbol_id) is None]
        if missing:
            self.keep(read_definitions(self.store, missing))
        return [self._definitions[symbol_id] for symbol_id in wanted if symbol_id in self._definitions]

    def keep(self, definitions: Iterable[Definition]) -> None:
        """Take definitions that were read elsewhere, so that they are not read again."""
        self._definitions.update((definition.symbol_id, definition) for definition in definitions)

    def members(self, symbol_ids: Iterable[int]) -> dict[int, Sequence[Member]]:
        """Return the members of each definition, in the order of the text."""
        wanted = list(dict.fromkeys(symbol_ids))
        missing = [symbol_id for symbol_id in wanted if symbol_id not in self._members]
        of_packages: dict[int, Library] = {}
        for symbol_id in missing:
            library = self.libraries.of_number(symbol_id)
            if library is not None:
                of_packages[symbol_id] = library
        own = [symbol_id for symbol_id in missing if symbol_id not in of_packages]
        if own:
            self._members.update(read_members(self.store, own))
        for symbol_id, library in of_packages.items():
            local = symbol_id - library.first_number
            self._members[symbol_id] = read_members(library.store, [local])[local]
        return {symbol_id: self._members[symbol_id] for symbol_id in wanted}


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
