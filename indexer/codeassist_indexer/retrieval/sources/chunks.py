"""Chunks as candidates: those that share rare words with the cursor's lines, and those that call its function.

Knows no order among sources.
"""

from __future__ import annotations

from collections.abc import Iterator

from codeassist_indexer.languages.parsing.identifier_search import calls
from codeassist_indexer.retrieval.sources.hits import ChunkHit, Hit
from codeassist_indexer.retrieval.sources.neighbours import spelling_near
from codeassist_indexer.retrieval.sources.postings import bm25 as bm25_score
from codeassist_indexer.retrieval.sources.postings import outside
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.chunk_reader import chunks_with
from codeassist_indexer.storage.lexical import identifier_tokens

MAX_CHUNKS = 32
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
    for chunk_id in sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:MAX_CHUNKS]:
        words = [spelling.get(term, term) for term, _ in terms[chunk_id]]
        shared = ", ".join(list(dict.fromkeys(words))[:3])
        yield ChunkHit(chunk_id, scores[chunk_id], f"shares {shared} with the lines around the cursor")


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
            yield ChunkHit(chunk_id, postings.rarity(chunk_id), f"calls {name}")
            num_found += 1
            if num_found == _MAX_CALLERS:
                return
