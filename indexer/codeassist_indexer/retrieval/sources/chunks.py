"""Chunks as candidates: by rare words, by their vectors, those that call the cursor's function, and recent places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from codeassist_indexer.retrieval.query.cursor import IDENTIFIER, CursorQuery, calls
from codeassist_indexer.retrieval.sources.candidate import Hit
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.chunk_reader import bm25_score, chunks_at, chunks_with, outside
from codeassist_indexer.storage.lexical import identifier_tokens

_MAX_CHUNKS = 32
_CHUNKS_OF_PLACE = 3
_NUM_RANKED = 40  # of these the text is read, for BM25 as it should be
_CONSTRUCTORS = frozenset({"__init__", "__new__", "constructor"})
_MAX_CALLS_READ = 40
_MAX_CALLERS = 10
_MAX_NAME_POSTINGS = 3_000


def bm25(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks that fit the lines around the cursor best."""
    postings = context.postings
    chunks = context.chunks(postings.best(_NUM_RANKED))
    terms = postings.terms_of(chunks)
    scores = {chunk_id: bm25_score(terms[chunk_id], chunk.text) for chunk_id, chunk in chunks.items()}
    spelling = spelling_near(context.around)
    for chunk_id in sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:_MAX_CHUNKS]:
        words = [spelling.get(term, term) for term, _ in terms[chunk_id]]
        shared = ", ".join(list(dict.fromkeys(words))[:3])
        yield Hit("lines", chunk_id, scores[chunk_id], f"shares {shared} with the lines around the cursor")


def callers(context: RetrievalContext) -> Iterator[Hit]:
    """Yield chunks of other files that call the function around the cursor, those that fit its lines best first."""
    name = context.enclosing.function
    if name in _CONSTRUCTORS:
        name = context.enclosing.type
    if name is None:
        return
    tokens = identifier_tokens(name)
    if not tokens or context.collection.num_chunks_with(tokens[0]) > _MAX_NAME_POSTINGS:
        return
    postings = context.postings
    holding = outside(chunks_with(context.store, tokens[0]), context.own_chunks)
    num_found = 0
    for chunk_id, chunk in context.chunks(postings.rarest(holding, _MAX_CALLS_READ)).items():
        if calls(chunk.text, name):
            yield Hit("lines", chunk_id, postings.rarity(chunk_id), f"calls {name}")
            num_found += 1
            if num_found == _MAX_CALLERS:
                return


def learned(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks whose vectors are nearest to what stands around the cursor."""
    search = context.store.companion(LearnedSearch)
    may_wait = context.deadline.after_ms is None
    for chunk_id, similarity in search.nearest(context.request, may_wait, context.own_file_id):
        yield Hit("lines", chunk_id, similarity, f"is like what helped at such places ({similarity:.2f})")


def recent(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks that the recent places lie in, the newest first.

    What is not in the index (ignored files, secrets, what lies outside of the repository) is never found, whatever was
    noted.
    """
    if not context.recent:
        return
    places = [(place.path, place.start_line, place.end_line) for place in context.recent]
    num_found: Counter[int] = Counter()
    for number, chunk_id in chunks_at(context.store, places):
        num_found[number] += 1
        if num_found[number] <= _CHUNKS_OF_PLACE:
            yield Hit("lines", chunk_id, 1 / (1 + number), "edited or opened lately")


def spelling_near(around: CursorQuery) -> dict[str, str]:
    """Return how each term is written near the cursor; a part of a name is explained by the whole name."""
    spelling: dict[str, str] = {}
    for line in around.by_distance:
        for name in IDENTIFIER.findall(line):
            for token in identifier_tokens(name):
                spelling.setdefault(token, name)
    return spelling
