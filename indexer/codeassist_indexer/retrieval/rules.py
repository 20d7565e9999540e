"""Retrieval by rules: definitions that are used near the cursor, lexical neighbours, then other definitions.

Knows no candidate: each of the two finds its snippets whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_indexer.retrieval.query.character_budget import HEADER_CHARS, LEAST_SNIPPET_CHARS, cut
from codeassist_indexer.retrieval.query.cursor_query import cursor_query
from codeassist_indexer.retrieval.query.deadline import Deadline
from codeassist_indexer.retrieval.sources.imported import imported_definitions
from codeassist_indexer.retrieval.sources.neighbours import lexical_neighbours
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

# Usage found elsewhere raised exact match from 23 to 33, bare signatures from 23 to 25: signatures get the rest.
_DEFINITION_SHARE = 0.3


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
    neighbours = run("bm25", lambda: lexical_neighbours(store, collection, request.path, around, text))
    definitions: list[Snippet] = []
    if has_definitions:
        definitions = run("definitions", lambda: imported_definitions(store, request, around))
    return Retrieval(choose(definitions, neighbours, max_chars), stage_ms, tuple(late))


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
