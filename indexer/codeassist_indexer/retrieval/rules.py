"""Retrieval by rules: definitions that are used near the cursor, lexical neighbours, then other definitions.

Each of the two finds its snippets whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as Group
from dataclasses import replace

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_indexer.languages.registry import imports_of_language, language_at, language_of
from codeassist_indexer.retrieval.query.cursor import CursorQuery, cursor_query, distances_near
from codeassist_indexer.retrieval.ranking.doubles import beside_lines
from codeassist_indexer.retrieval.ranking.selection import HEADER_CHARS, LEAST_SNIPPET_CHARS, cut
from codeassist_indexer.retrieval.sources.chunks import spelling_near
from codeassist_indexer.retrieval.sources.definitions import render
from codeassist_indexer.retrieval.sources.imported import (
    FAR,
    FoundDefinition,
    Wanted,
    find_wanted,
    imports_of,
    resolved_imports,
    wanted_imports,
)
from codeassist_indexer.retrieval.sources.read import MAX_MERGED_LINES, KnownLines, Window, texts_near, window_around
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline
from codeassist_indexer.storage.chunk_reader import best_chunks, files_beside, stored_chunks
from codeassist_indexer.storage.lexical import Collection, code_tokens, query_terms
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader

log = logging.getLogger(__name__)

# Usage found elsewhere raised exact match from 23 to 33, bare signatures from 23 to 25: signatures get the rest.
_DEFINITION_SHARE = 0.3
_MAX_HITS = 24
_MAX_WINDOWS = 12  # about what the largest budget can hold


def by_rules(
    store: Store,
    collection: Collection,
    request: CompletionRequest,
    max_chars: int,
    has_definitions: bool,
    deadline: Deadline,
) -> Retrieval:
    """Return snippets of together at most `max_chars` characters; of definitions too, if `has_definitions`."""
    stage_ms: dict[str, float] = {}
    late: list[str] = []
    around = cursor_query(request)

    def run(source: str, find: Callable[[], list[Snippet]]) -> list[Snippet]:
        begin = time.perf_counter()
        try:
            if not deadline.is_over():
                with deadline.stops_queries(store):
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
    text = request.prefix + request.suffix
    neighbours = run("bm25", lambda: lexical_neighbours(store, collection, request, around, text))
    definitions: list[Snippet] = []
    if has_definitions:
        definitions = run("definitions", lambda: imported_definitions(store, request, around))
    return Retrieval(choose(definitions, neighbours, max_chars), stage_ms, tuple(late))


def choose(definitions: Sequence[Snippet], neighbours: Sequence[Snippet], max_chars: int) -> tuple[Snippet, ...]:
    """Spend `max_chars`: a share on definitions, the rest on neighbours, what these leave on further definitions."""
    first = _fit(definitions, int(max_chars * _DEFINITION_SHARE))
    near = _fit(neighbours, max_chars - _cost(first))
    rest = [d for d in definitions[len(first) :] if not any(_overlap(d, n) for n in near)]
    left = [part for part in (beside_lines(d, near) for d in first) if part is not None]
    return (*left, *near, *_fit(rest, max_chars - _cost(left) - _cost(near)))


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


def lexical_neighbours(
    store: Store, collection: Collection, request: CompletionRequest, around: CursorQuery, text: str
) -> list[Snippet]:
    """Return neighbours of the lines `around` a request's cursor, the best first.

    Nothing comes from the file itself, and nothing whose lines mostly stand in `text` already.
    """
    language = language_at(request) or ""
    terms = query_terms(around.by_distance, language, collection)
    if not terms:
        return []
    spelling = spelling_near(around)
    known_lines = {line.strip() for line in text.splitlines()}
    windows = _distinct(merge_windows(_hit_windows(store, request.path, terms)), known_lines)
    return [
        Snippet(
            path=window.path,
            text="\n".join(window.lines) + "\n",
            start_line=window.start_line,
            end_line=window.end_line,
            source="bm25",
            score=-window.rank,
            reason=_reason(window, terms, spelling),
        )
        for window in windows[:_MAX_WINDOWS]
    ]


def _hit_windows(store: Store, path: str, terms: Sequence[str]) -> list[Window]:
    rank_by_id = best_chunks(store, terms, path, _MAX_HITS)
    chunks = stored_chunks(store, list(rank_by_id))
    near, sought = texts_near(store, chunks), frozenset(terms)
    windows = [window_around(chunk, near, sought, rank_by_id[chunk.chunk_id]) for chunk in chunks]
    return [window for window in windows if window is not None]


def merge_windows(windows: Sequence[Window]) -> list[Window]:
    """Join windows of one file that overlap or touch; the joined one has the best rank. The order is by rank.

    What would become too long stays apart, without the lines that both hold.
    """
    merged: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.path, window.start_line)):
        last = merged[-1] if merged else None
        if last is None or last.path != window.path or window.start_line > last.end_line:
            merged.append(window)
            continue
        tail = window.lines[last.end_line - window.start_line :]
        if len(last.lines) + len(tail) <= MAX_MERGED_LINES:
            merged[-1] = replace(last, lines=(*last.lines, *tail), rank=min(last.rank, window.rank))
        elif tail:
            merged.append(replace(window, start_line=last.end_line, lines=tail))
    return sorted(merged, key=lambda window: (window.rank, window.path, window.start_line))


def _distinct(windows: Sequence[Window], known_lines: Group[str]) -> list[Window]:
    """Leave out windows whose telling lines mostly stand in the prompt, or in a better window, already."""
    known = KnownLines(known_lines)
    return [window for window in windows if known.takes(window.lines)]


def _reason(window: Window, terms: Sequence[str], spelling: dict[str, str]) -> str:
    language = language_of(window.path) or ""
    present = set(code_tokens("\n".join(window.lines), language))
    shared = [term for term in terms if term in present]
    whole = [spelling[term] for term in shared if spelling.get(term, "").strip("_").lower() == term]
    names = list(dict.fromkeys([*whole, *shared]))[:3]
    return f"shares {', '.join(names)} with the lines around the cursor"


def imported_definitions(store: Store, request: CompletionRequest, around: CursorQuery) -> list[Snippet]:
    """Return definitions in other files of names that the request's file imports, those used near the cursor first."""
    language = language_at(request) or ""
    distances = distances_near(request, around)
    paths = PathReader(store)
    imports = resolved_imports(paths, request.path, language, imports_of(request))
    wanted = [*wanted_imports(request, imports, distances)]
    rules = imports_of_language(language)
    if rules is not None and rules.sees_folder:
        wanted += _wanted_from_folder(store, request.path, distances, {each.imported.alias for each in imports})
    return [_snippet(store, found) for found in find_wanted(store, paths, request.path, wanted)]


def _wanted_from_folder(store: Store, path: str, distances: Mapping[str, int], imported: set[str]) -> Iterator[Wanted]:
    paths = tuple(files_beside(store, path))
    for name, distance in distances.items():
        if paths and name not in imported:
            yield Wanted(name, paths, distance, "in the same package")


def _snippet(store: Store, found: FoundDefinition) -> Snippet:
    definition = found.definition
    return Snippet(
        path=definition.path,
        text=render(store, definition),
        start_line=definition.start_line,
        end_line=definition.end_line,
        source="definition",
        score=1 / (2 + min(found.distance, FAR)),
        reason=f"defines {definition.name}, {found.origin}",
    )
