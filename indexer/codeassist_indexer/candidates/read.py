"""Places read and described: windows of lines joined where they overlap, skeletons, and the facts of their files.

Knows no source: it is told what found a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codeassist.errors import CodeAssistError
from codeassist.request import Snippet
from codeassist_indexer.candidates.candidate import Candidate, Facts, Form
from codeassist_indexer.candidates.hits import ChunkHit, DefinitionHit
from codeassist_indexer.candidates.merge import Place, PlacedWindow, best_first, join_overlapping
from codeassist_indexer.candidates.paths import folder_distance, is_test, is_test_of, plain_stem
from codeassist_indexer.candidates.situation import Situation
from codeassist_indexer.languages import language_of
from codeassist_indexer.neighbours import KnownLines, window_around
from codeassist_indexer.skeleton import COLUMNS, Definition, definition_of, render
from codeassist_indexer.store import Store


def read(situation: Situation, places: Sequence[Place]) -> Iterator[Candidate]:
    """Yield the candidates that `places` are, in their order; what adds no line to those before it is left out."""
    describe = _Describer(situation)
    windows = {id(joined.places[0]): joined for joined in join_overlapping(list(_windows(situation, places)))}
    ids = [place.hit.symbol_id for place in places if isinstance(place.hit, DefinitionHit)]
    stored = {definition.symbol_id: definition for definition in _definitions(situation.store, ids)}
    known = KnownLines([line.strip() for line in situation.text.splitlines()])
    for place in places:
        if isinstance(place.hit, DefinitionHit):
            definition = stored.get(place.hit.symbol_id)
            if definition is not None:
                yield describe.definition(place, definition)
        else:
            joined = windows.get(id(place))
            if joined is not None and known.takes(joined.window.lines):
                yield describe.lines(joined)


def _windows(situation: Situation, places: Sequence[Place]) -> Iterator[PlacedWindow]:
    wanted = [place for place in places if isinstance(place.hit, ChunkHit)]
    stored = situation.chunks([place.hit.chunk_id for place in wanted if isinstance(place.hit, ChunkHit)])
    terms = frozenset(situation.terms)
    for number, place in enumerate(wanted):
        if situation.deadline.is_part_over():
            return
        chunk = stored.get(place.hit.key[1])
        if chunk is not None and chunk.path != situation.request.path:
            window = window_around(situation.store, chunk, terms, float(number))
            if window is not None:
                yield PlacedWindow(window, (place,))


def _definitions(store: Store, symbol_ids: Sequence[int]) -> Iterator[Definition]:
    rows = store.query(
        f"SELECT {COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
        f" WHERE s.id IN ({', '.join('?' * len(symbol_ids))})",
        symbol_ids,
    )
    return (definition_of(*row) for row in rows)


class _Describer:
    """Makes candidates of what was read: their text and the facts that hold for their files."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._imported_paths = _imported_paths(situation)

    def definition(self, place: Place, definition: Definition) -> Candidate:
        text = render(self._situation.store, definition)
        return self._candidate(
            (place,), "skeleton", definition.qualified_name, definition.path, text, definition.start_line,
            definition.end_line, place.distance,
        )  # fmt: skip

    def lines(self, joined: PlacedWindow) -> Candidate:
        window, situation = joined.window, self._situation
        first = joined.places[0].hit
        chunk = situation.chunks([first.key[1]])[first.key[1]]
        names = {situation.chunks([place.hit.key[1]])[place.hit.key[1]].symbol for place in joined.places}
        distances = [situation.distances.get(name.rpartition(".")[2]) for name in names if name]
        distance = min((each for each in distances if each is not None), default=None)
        text = "\n".join(window.lines) + "\n"
        return self._candidate(
            joined.places, "lines", chunk.symbol, window.path, text, window.start_line, window.end_line, distance
        )

    def _candidate(
        self, places: Sequence[Place], form: Form, name: str, path: str, text: str, start_line: int, end_line: int,
        distance: int | None,
    ) -> Candidate:  # fmt: skip
        found = best_first([each for place in places for each in place.found])
        hit = places[0].hit
        source = "definition" if form == "skeleton" else found[0].source
        snippet = Snippet(path, text, start_line, end_line, source, found[0].score, hit.reason)
        lowered = text.lower()
        num_shared = sum(term in lowered for term in self._situation.terms)
        return Candidate(snippet, form, name, found, self._facts(path, start_line, end_line, distance), num_shared)

    def _facts(self, path: str, start_line: int, end_line: int, distance: int | None) -> Facts:
        own = self._situation.request.path
        recency = next(
            (
                number
                for number, place in enumerate(self._situation.recent)
                if place.path == path and place.start_line < end_line and start_line < place.end_line
            ),
            None,
        )
        return Facts(
            name_distance=distance,
            is_imported=path in self._imported_paths,
            is_same_language=language_of(path) == self._situation.language,
            folder_distance=folder_distance(own, path),
            is_same_stem=plain_stem(path) == plain_stem(own),
            is_test_file=is_test(path),
            is_test_of=is_test_of(path, own),
            is_tested_by=is_test_of(own, path),
            recency=recency,
        )


def _imported_paths(situation: Situation) -> frozenset[str]:
    """Return what the request's file imports, nothing where that was not read in time: a fact less, not a candidate."""
    try:
        return situation.imported_paths
    except CodeAssistError:
        return frozenset()
