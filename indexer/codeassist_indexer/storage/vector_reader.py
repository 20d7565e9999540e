"""Reading of stored vectors: which files have those of an encoder, and what they are."""

from __future__ import annotations

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


def files_without_vectors(store: Store, encoder: str, after_file: int, limit: int) -> list[tuple[int, str, bytes]]:
    """Return number, language and hash of files that lack the vectors of an encoder, from after `after_file` on."""
    return store.query(
        "SELECT f.id, f.language, f.content_hash FROM files f LEFT JOIN vectors v ON v.file_id = f.id"
        " WHERE f.language NOT NULL AND v.encoder IS NOT ? AND f.id > ? ORDER BY f.id LIMIT ?",
        (encoder, after_file, limit),
    )
