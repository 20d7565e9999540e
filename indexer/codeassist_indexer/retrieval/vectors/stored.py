"""Chunk vectors made for an index: when a file is indexed, or in idle time.

The block of a file belongs to one encoder; of another encoder it is made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from codeassist_indexer.retrieval.vectors.encoder import Encoder, Vectors
from codeassist_indexer.storage.chunk_reader import texts_of_file
from codeassist_indexer.storage.file_records import FileVectors, PreparedFile
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.vector_reader import files_without_vectors

_FILES_PER_WRITE = 64


def with_vectors(prepared: PreparedFile, encoder: Encoder) -> PreparedFile:
    """Return a prepared file with the vectors of its chunks."""
    if prepared.parsed is None:
        return prepared
    texts = [chunk.text for chunk in prepared.parsed.chunks]
    vectors = packed(encoder.encode(texts, [prepared.parsed.language] * len(texts)))
    return replace(prepared, vectors=FileVectors(encoder.identity, vectors))


def fill_vectors(store: Store, encoder: Encoder, cancelled: Callable[[], bool] = lambda: False) -> int:
    """Make the vectors that are missing or another encoder's; return of how many files. Stops once `cancelled` says so.

    What is done by then stays. A file that changes meanwhile is left to whoever writes it.
    """
    num_filled = last_id = 0
    while not cancelled():
        files = files_without_vectors(store, encoder.identity, last_id, _FILES_PER_WRITE)
        if not files:
            break
        for file_id, language, content_hash in files:
            texts = texts_of_file(store, file_id)
            vectors = packed(encoder.encode(texts, [language] * len(texts))) if texts else b""
            store.write_vectors(file_id, content_hash, FileVectors(encoder.identity, vectors))
            num_filled += 1
        last_id = files[-1][0]
    return num_filled


def packed(vectors: Vectors) -> bytes:
    """Return vectors (n, D) as int8, each so that its greatest number becomes 127: lengths are lost."""
    greatest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.divide(vectors, greatest, out=np.zeros_like(vectors), where=greatest > 0)
    return np.rint(scaled * 127).astype(np.int8).tobytes()
