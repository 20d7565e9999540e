"""The source of what was edited or opened lately.

What is not in the index (ignored files, secrets, what lies outside of the repository) is never found, whatever was
noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from codeassist_indexer.retrieval.sources.hits import ChunkHit, Hit
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.chunk_reader import chunks_at

_CHUNKS_OF_PLACE = 3


def recent_chunks(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks that the recent places lie in, the newest first."""
    if not context.recent:
        return
    places = [(place.path, place.start_line, place.end_line) for place in context.recent]
    num_found: Counter[int] = Counter()
    for number, chunk_id in chunks_at(context.store, places):
        num_found[number] += 1
        if num_found[number] <= _CHUNKS_OF_PLACE:
            yield ChunkHit(chunk_id, 1 / (1 + number), "edited or opened lately")
