"""Places read and described: windows of lines joined where they overlap, skeletons, and the facts of their files.

It is told what found a place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codeassist.request import InstalledIn, Snippet
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidate, Facts, Found, Hit, Source
from codeassist_indexer.retrieval.sources.chunks import folder_distance, is_test, plain_stem
from codeassist_indexer.retrieval.sources.definitions import has_members, render_with
from codeassist_indexer.retrieval.sources.library_skeletons import library_skeleton
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.chunk_reader import StoredChunk, chunk_texts
from codeassist_indexer.storage.lexical import code_tokens
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition

# Windows of about this many lines did best in our field (five of them raised exact match from 23 to 33).
WINDOW_LINES = 20
MAX_MERGED_LINES = 45  # more of one file would crowd out the others
_MAX_CHUNK_LINES = 30
_SHORT_CHUNK_LINES = 12
_WIDEN_BY = 3  # chunks on each side
_LEAST_TAIL_LINES = 4  # less is not worth a candidate of its own
_LEAST_TELLING_LINE = 8  # shorter lines ("else:", "})") stand everywhere and tell nothing about sameness
_SAME_SHARE = 0.8
_LIBRARY_FOLDERS = 4  # steps: a package's file is in no folder of the repository


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the index with all that found it; `hit` is the first, in the order of the list."""

    hit: Hit
    found: tuple[Found, ...]
    distance: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """Whole lines of one file around a hit; `start_line` counts from 1. A lower `rank` is better, as in FTS5."""

    path: str
    start_line: int
    lines: tuple[str, ...]
    rank: float

    @property
    def end_line(self) -> int:
        """The line after the last."""
        return self.start_line + len(self.lines)


@dataclass(frozen=True, slots=True)
class PlacedWindow:
    """Lines that are shown, with the places they were made of, the first in the order of the list first."""

    window: Window
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A definition with its text."""

    definition: Definition
    text: str


Text = Skeleton | PlacedWindow


def read(context: RetrievalContext, places: Sequence[Place]) -> Iterator[Text]:
    """Yield the text of the places: skeletons first, which are read together, then windows until time is up."""
    yield from _skeletons(context, places)
    wanted = [(place, place.hit.number) for place in places if place.hit.form == "lines"]
    stored = context.chunks([chunk_id for _, chunk_id in wanted])
    near = texts_near(context.store, stored.values())
    terms = frozenset(context.terms)
    for place, chunk_id in wanted:
        if context.deadline.cuts_short():
            return
        chunk = stored.get(chunk_id)
        if chunk is not None and chunk.path != context.request.path:
            window = window_around(chunk, near, terms, 0.0)
            if window is not None:
                yield PlacedWindow(window, (place,))


def describe(context: RetrievalContext, places: Sequence[Place], texts: Sequence[Text]) -> Iterator[Candidate]:
    """Yield the candidates that places with their texts are, in the order of places.

    Lines that those before them have are left out. Asks the index nothing.
    """
    describer = _Describer(context)
    joined = join_overlapping([text for text in texts if isinstance(text, PlacedWindow)])
    joined_by_place = {id(each.places[0]): each for each in joined}
    skeletons = {text.definition.symbol_id: text for text in texts if isinstance(text, Skeleton)}
    known = KnownLines([line.strip() for line in context.text.splitlines()])
    for place in places:
        if place.hit.form == "skeleton":
            skeleton = skeletons.get(place.hit.number)
            if skeleton is not None:
                yield describer.skeleton(place, skeleton.definition, skeleton.text)
        else:
            lines = joined_by_place.get(id(place))
            if lines is not None and known.takes(lines.window.lines):
                yield describer.lines(lines)


def _skeletons(context: RetrievalContext, places: Sequence[Place]) -> list[Skeleton]:
    ids = [place.hit.number for place in places if place.hit.form == "skeleton"]
    definitions = context.definitions(ids)
    members = context.members(each.symbol_id for each in definitions if has_members(each))
    return [
        Skeleton(
            each,
            render_with(each, members.get(each.symbol_id, ()))
            if context.libraries.of_number(each.symbol_id) is None
            else library_skeleton(context, each, members.get(each.symbol_id, ())),
        )
        for each in definitions
    ]


class _Describer:
    """Makes candidates of what was read."""

    def __init__(self, context: RetrievalContext) -> None:
        self._context = context
        own = self._own_path = context.request.path
        self._terms, self._distances = context.terms, context.distances
        self._own_stem, self._is_own_test = plain_stem(own), is_test(own)
        self._imported_paths = context.imported_paths if context.has_read_imports else frozenset[str]()
        self._recent_paths = {place.path for place in context.recent}
        self._facts_by_path: dict[str, tuple[bool, bool, int, bool, bool, bool, bool]] = {}

    def skeleton(self, place: Place, definition: Definition, text: str) -> Candidate:
        start_line, end_line, path = definition.start_line, definition.end_line, definition.path
        first = place.found[0]
        library = self._context.libraries.of_number(definition.symbol_id)
        package = None if library is None else InstalledIn(library.label, library.folder)
        snippet = Snippet(path, text, start_line, end_line, "definition", first.score, place.hit.reason, package)
        facts = self._facts(snippet, definition.language, place.distance)
        return Candidate(snippet, "skeleton", definition.qualified_name, place.found, facts, self._num_shared(text))

    def lines(self, joined: PlacedWindow) -> Candidate:
        window, context = joined.window, self._context
        known = [context.known_chunk(place.hit.number) for place in joined.places]
        chunks = [chunk for chunk in known if chunk is not None]
        distances = [self._distances.get(chunk.symbol.rpartition(".")[2]) for chunk in chunks if chunk.symbol]
        distance = min((each for each in distances if each is not None), default=None)
        places = joined.places
        found = places[0].found if len(places) == 1 else best_first([each for place in places for each in place.found])
        snippet = _lines_snippet(window, found[0].source, found[0].score, places[0].hit.reason)
        facts = self._facts(snippet, chunks[0].language, distance)
        return Candidate(snippet, "lines", chunks[0].symbol, found, facts, self._num_shared(snippet.text))

    def _num_shared(self, text: str) -> int:
        lowered = text.lower()
        return len([term for term in self._terms if term in lowered])

    def _facts(self, snippet: Snippet, language: str, distance: int | None) -> Facts:
        path = snippet.path
        if snippet.library is not None:
            is_same_language = language == self._context.language
            return Facts(distance, True, is_same_language, _LIBRARY_FOLDERS, False, False, False, False, None)
        of_file = self._facts_by_path.get(path)
        if of_file is None:
            of_file = self._facts_by_path[path] = self._facts_of_file(path, language)
        return Facts(distance, *of_file, self._recency(snippet) if path in self._recent_paths else None)

    def _facts_of_file(self, path: str, language: str) -> tuple[bool, bool, int, bool, bool, bool, bool]:
        """Return what `Facts` says of a file, in its order."""
        is_test_file, is_same_stem = is_test(path), plain_stem(path) == self._own_stem
        is_pair = is_same_stem and is_test_file != self._is_own_test
        return (
            path in self._imported_paths,
            language == self._context.language,
            folder_distance(self._own_path, path),
            is_same_stem,
            is_test_file,
            is_pair and is_test_file,
            is_pair and self._is_own_test,
        )

    def _recency(self, snippet: Snippet) -> int | None:
        for number, place in enumerate(self._context.recent):
            is_inside = place.start_line < snippet.end_line and snippet.start_line < place.end_line
            if place.path == snippet.path and is_inside:
                return number
        return None


def _lines_snippet(window: Window, source: str, score: float, reason: str) -> Snippet:
    text = "\n".join(window.lines) + "\n"
    return Snippet(window.path, text, window.start_line, window.end_line, source, score, reason)


def best_first(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return one entry a source, the best rank of each, sorted by rank, then by the worth of sources."""
    if len(found) == 1:
        return tuple(found)
    best: dict[Source, Found] = {}
    for each in found:
        if each.source not in best or each.rank < best[each.source].rank:
            best[each.source] = each
    return tuple(sorted(best.values(), key=lambda each: (each.rank, SOURCES.index(each.source))))


def texts_near(store: Store, chunks: Iterable[StoredChunk]) -> dict[int, tuple[int, str]]:
    """Return the chunks that `window_around` may widen these by: file and text by number."""
    short = [chunk.chunk_id for chunk in chunks if _num_lines(chunk.text) < _SHORT_CHUNK_LINES]
    if not short:
        return {}
    near = {chunk_id + by for chunk_id in short for by in range(-_WIDEN_BY, _WIDEN_BY + 1)}
    return chunk_texts(store, near)


def window_around(
    chunk: StoredChunk, near: Mapping[int, tuple[int, str]], terms: Collection[str], rank: float
) -> Window | None:
    """Return whole lines around a chunk, about WINDOW_LINES, as they would be shown; None for blank lines only.

    A long chunk is cut where the most `terms` are, a short one widened by the chunks around it, of `texts_near`.
    """
    lines, start_line = _lines(chunk.text), chunk.start_line
    if len(lines) > _MAX_CHUNK_LINES:
        offset = _densest(lines, chunk.language, terms)
        lines, start_line = lines[offset : offset + WINDOW_LINES], start_line + offset
    elif len(lines) < _SHORT_CHUNK_LINES:
        lines, start_line = _widened(lines, chunk, near)
    if not (lines[0].strip() and lines[-1].strip()):
        filled = [n for n, line in enumerate(lines) if line.strip()]
        if not filled:
            return None
        lines, start_line = lines[filled[0] : filled[-1] + 1], start_line + filled[0]
    return Window(chunk.path, start_line, tuple(lines), rank)


def _widened(lines: list[str], chunk: StoredChunk, near: Mapping[int, tuple[int, str]]) -> tuple[list[str], int]:
    """Return a chunk's lines with the chunks that follow it, then those that precede it, while WINDOW_LINES hold them.

    With the first line's number.
    """
    start_line = chunk.start_line

    def beside(steps: Iterable[int]) -> Iterator[list[str]]:
        for by in steps:
            file_id, text = near.get(chunk.chunk_id + by, (None, ""))
            if file_id == chunk.file_id:
                yield _lines(text)

    for following in beside(range(1, _WIDEN_BY + 1)):
        if len(lines) + len(following) > WINDOW_LINES:
            break
        lines = lines + following
    for preceding in beside(range(-1, -_WIDEN_BY - 1, -1)):
        if len(lines) + len(preceding) > WINDOW_LINES:
            break
        lines = preceding + lines
        start_line -= len(preceding)
    return lines, start_line


def _num_lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def _lines(text: str) -> list[str]:
    """Return the lines of a chunk. Only "\\n" ends one, as the chunks' line numbers count."""
    lines = text.removesuffix("\n").split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def _densest(lines: Sequence[str], language: str, terms: Collection[str]) -> int:
    """Return where the WINDOW_LINES lines begin that hold the most different terms."""
    found = [{token for token in code_tokens(line, language) if token in terms} for line in lines]
    starts = range(0, max(1, len(lines) - WINDOW_LINES + 1))
    return max(starts, key=lambda start: (len(set[str]().union(*found[start : start + WINDOW_LINES])), -start))


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


class KnownLines:
    """The lines that a prompt would have already; `takes` says whether a window adds to them, and adds it."""

    def __init__(self, lines: Collection[str]) -> None:
        self._seen = set(lines)

    def takes(self, lines: Sequence[str]) -> bool:
        """Add the lines of a window unless its telling ones mostly stand there."""
        telling = [line for line in map(str.strip, lines) if len(line) >= _LEAST_TELLING_LINE]
        num_seen = len([line for line in telling if line in self._seen])
        if not telling or num_seen >= _SAME_SHARE * len(telling):
            return False
        self._seen.update(telling)
        return True
