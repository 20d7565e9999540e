"""Vectors of chunks in the index: what an encoder made of each file, in how many bytes, and which files lack it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.storage.store import Store


def vector_blocks(store: Store, encoder: str, file_id: int | None = None) -> list[tuple[int, int, bytes]]:
    """Return what one encoder made of each file, or of this one: its number, that of its first chunk, the vectors."""
    sql = (
        "SELECT v.file_id, (SELECT min(c.id) FROM chunks c WHERE c.file_id = v.file_id), v.vectors FROM vectors v"
        " WHERE v.encoder = ? AND v.vectors != x''"
    )
    if file_id is None:
        return store.query(f"{sql} ORDER BY v.file_id", (encoder,))
    return store.query(f"{sql} AND v.file_id = ?", (encoder, file_id))


def packed(vectors: NDArray[np.float32]) -> bytes:
    """Return vectors (n, D) as int8, each so that its greatest number becomes 127: lengths are lost."""
    greatest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.divide(vectors, greatest, out=np.zeros_like(vectors), where=greatest > 0)
    return np.rint(scaled * 127).astype(np.int8).tobytes()


def unpacked(blocks: Sequence[bytes], num_dims: int) -> NDArray[np.float32]:
    """Return what `packed` made bytes of, (n, D), of length 1 again."""
    vectors = np.frombuffer(b"".join(blocks), np.int8).reshape(-1, num_dims).astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    vectors /= np.maximum(lengths, 1)[:, None]
    return vectors


def files_without_vectors(store: Store, encoder: str, after_file: int, limit: int) -> list[tuple[int, str, bytes]]:
    """Return number, language and hash of files that lack the vectors of an encoder, from after `after_file` on."""
    return store.query(
        "SELECT f.id, f.language, f.content_hash FROM files f LEFT JOIN vectors v ON v.file_id = f.id"
        " WHERE f.language NOT NULL AND v.encoder IS NOT ? AND f.id > ? ORDER BY f.id LIMIT ?",
        (encoder, after_file, limit),
    )
