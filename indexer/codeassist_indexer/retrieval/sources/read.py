"""Places read and described: windows of lines joined where they overlap, skeletons, and the facts of their files.

Knows no source: it is told what found a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist.request import Snippet
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts
from codeassist_indexer.retrieval.sources.hits import ChunkHit, DefinitionHit
from codeassist_indexer.retrieval.sources.merge import Place, PlacedWindow, best_first, join_overlapping
from codeassist_indexer.retrieval.sources.neighbours import KnownLines, Window, texts_near, window_around
from codeassist_indexer.retrieval.sources.paths import folder_distance, is_test, plain_stem
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.retrieval.sources.skeleton import has_members, render_with
from codeassist_indexer.storage.symbol_reader import Definition


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A definition with its text."""

    definition: Definition
    text: str


Text = Skeleton | PlacedWindow


def read(context: RetrievalContext, places: Sequence[Place]) -> Iterator[Text]:
    """Yield the text of the places: skeletons first, which are read together, then windows until time is up."""
    yield from _skeletons(context, places)
    wanted = [(place, place.hit.chunk_id) for place in places if isinstance(place.hit, ChunkHit)]
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
        if isinstance(place.hit, DefinitionHit):
            skeleton = skeletons.get(place.hit.symbol_id)
            if skeleton is not None:
                yield describer.skeleton(place, skeleton.definition, skeleton.text)
        else:
            lines = joined_by_place.get(id(place))
            if lines is not None and known.takes(lines.window.lines):
                yield describer.lines(lines)


def _skeletons(context: RetrievalContext, places: Sequence[Place]) -> list[Skeleton]:
    ids = [place.hit.symbol_id for place in places if isinstance(place.hit, DefinitionHit)]
    definitions = context.definitions(ids)
    members = context.members(each.symbol_id for each in definitions if has_members(each))
    return [Skeleton(each, render_with(each, members.get(each.symbol_id, ()))) for each in definitions]


class _Describer:
    """Makes candidates of what was read."""

    def __init__(self, context: RetrievalContext) -> None:
        self._situation = context
        own = self._own_path = context.request.path
        self._terms, self._distances = context.terms, context.distances
        self._own_stem, self._is_own_test = plain_stem(own), is_test(own)
        self._imported_paths = context.imported_paths if context.has_read_imports else frozenset[str]()
        self._recent_paths = {place.path for place in context.recent}
        self._facts_by_path: dict[str, tuple[bool, bool, int, bool, bool, bool, bool]] = {}

    def skeleton(self, place: Place, definition: Definition, text: str) -> Candidate:
        start_line, end_line, path = definition.start_line, definition.end_line, definition.path
        first = place.found[0]
        snippet = Snippet(path, text, start_line, end_line, "definition", first.score, place.hit.reason)
        facts = self._facts(snippet, definition.language, place.distance)
        return Candidate(snippet, "skeleton", definition.qualified_name, place.found, facts, self._num_shared(text))

    def lines(self, joined: PlacedWindow) -> Candidate:
        window, context = joined.window, self._situation
        known = [context.known_chunk(place.hit.key[1]) for place in joined.places]
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
            language == self._situation.language,
            folder_distance(self._own_path, path),
            is_same_stem,
            is_test_file,
            is_pair and is_test_file,
            is_pair and self._is_own_test,
        )

    def _recency(self, snippet: Snippet) -> int | None:
        for number, place in enumerate(self._situation.recent):
            is_inside = place.start_line < snippet.end_line and snippet.start_line < place.end_line
            if place.path == snippet.path and is_inside:
                return number
        return None


def _lines_snippet(window: Window, source: str, score: float, reason: str) -> Snippet:
    text = "\n".join(window.lines) + "\n"
    return Snippet(window.path, text, window.start_line, window.end_line, source, score, reason)
