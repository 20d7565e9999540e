"""Chunks of the index: their texts by number, which of them hold a word, and which a file has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.storage.lexical import match_expression
from codeassist_indexer.storage.store import Store

NO_CHUNKS: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the index has it; `symbol` is the qualified name of what most of it belongs to, or ""."""

    chunk_id: int
    file_id: int
    path: str
    language: str
    text: str
    start_line: int
    symbol: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its number, and the numbers of its chunks, which follow each other."""

    file_id: int
    chunks: range


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A file by its number, its language (None where only its name is known), and the hash of its content."""

    file_id: int
    language: str | None
    content_hash: bytes


def stored_chunks(store: Store, chunk_ids: Sequence[int]) -> list[StoredChunk]:
    """Return the chunks with these numbers that there are."""
    rows = store.query(
        "SELECT c.id, c.file_id, f.path, f.language, c.text, c.start_line, c.symbol"
        " FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(chunk_ids),),
    )
    return [StoredChunk(*row) for row in rows]


def chunk_texts(store: Store, chunk_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return the number of the file and the text of the chunks with these numbers that there are."""
    rows = store.query(
        "SELECT id, file_id, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(chunk_ids)),),
    )
    return {chunk_id: (file_id, text) for chunk_id, file_id, text in rows}


def stored_content(store: Store, path: str) -> StoredContent | None:
    """Return what a file's content is, None where it is not indexed."""
    rows = store.query("SELECT id, language, content_hash FROM files WHERE path = ?", (path,))
    return StoredContent(*rows[0]) if rows else None


def file_text(store: Store, file_id: int) -> str:
    """Return the text of a file: its chunks in their order."""
    return "".join(texts_of_file(store, file_id))


def texts_of_file(store: Store, file_id: int) -> list[str]:
    """Return the texts of a file's chunks in their order."""
    return [text for (text,) in store.query("SELECT text FROM chunks WHERE file_id = ? ORDER BY id", (file_id,))]


def stored_file(store: Store, path: str) -> StoredFile | None:
    """Return the number and the chunks of a file, None where it is not indexed."""
    rows = store.query(
        "SELECT f.id, (SELECT min(id) FROM chunks WHERE file_id = f.id), (SELECT max(id) FROM chunks WHERE file_id"
        " = f.id) FROM files f WHERE f.path = ?",
        (path,),
    )
    return _stored_file(*rows[0]) if rows else None


def stored_files(store: Store, paths: Sequence[str]) -> dict[int, StoredFile]:
    """Return those of `paths` that have chunks, by their place in the list."""
    rows = store.query(
        "SELECT j.key, f.id, (SELECT min(id) FROM chunks WHERE file_id = f.id), (SELECT max(id) FROM chunks WHERE"
        " file_id = f.id) FROM json_each(?) j CROSS JOIN files f ON f.path = j.value",
        (json.dumps(paths),),
    )
    files = {place: _stored_file(*row) for place, *row in rows}
    return {place: file for place, file in files.items() if file.chunks}


def first_named_chunks(store: Store, file_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the first chunk of each file in which a definition stands, None for a file without any."""
    rows = store.query(
        "SELECT j.value, (SELECT id FROM chunks WHERE file_id = j.value AND symbol != '' ORDER BY id LIMIT 1)"
        " FROM json_each(?) j",
        (json.dumps(file_ids),),
    )
    return dict(rows)


def chunks_at(store: Store, places: Sequence[tuple[str, int, int]]) -> list[tuple[int, int]]:
    """Return the chunks that lines of files lie in: (place in the list, chunk), sorted.

    A place is a path and lines from 1, half-open.
    """
    rows = store.query(
        "SELECT j.key, c.id FROM json_each(?) j CROSS JOIN files f ON f.path = json_extract(j.value, '$[0]')"
        " CROSS JOIN chunks c ON c.file_id = f.id AND c.start_line < json_extract(j.value, '$[2]')"
        " AND c.end_line > json_extract(j.value, '$[1]')",
        (json.dumps(places),),
    )
    return sorted((place, chunk_id) for place, chunk_id in rows)


def chunks_with(store: Store, token: str) -> NDArray[np.int64]:
    """Return the chunks that hold a token, in their order in the index: int64 [n]."""
    # As one text: two thousand rows of one number each take Python thirty times as long.
    sql = "SELECT group_concat(rowid) FROM chunk_tokens WHERE chunk_tokens MATCH ?"
    listed: str | None = store.query(sql, (f'"{token}"',))[0][0]
    return np.fromstring(listed, dtype=np.int64, sep=",") if listed else NO_CHUNKS


def best_chunks(store: Store, terms: Sequence[str], without_file: str, limit: int) -> dict[int, float]:
    """Return the chunks of other files than `without_file` that fit the terms best, each with its rank of FTS5.

    The best, which is the lowest, comes first.
    """
    own = store.query(
        "SELECT min(c.id), max(c.id) FROM files f JOIN chunks c ON c.file_id = f.id WHERE f.path = ?", (without_file,)
    )
    first_own, last_own = own[0] if own and own[0][0] is not None else (0, 0)
    rows = store.query(
        "SELECT rowid, rank FROM chunk_tokens WHERE chunk_tokens MATCH ? AND rowid NOT BETWEEN ? AND ?"
        " ORDER BY rank LIMIT ?",
        (match_expression(terms), first_own, last_own, limit),
    )
    return dict(rows)


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


def _stored_file(file_id: int, first: int | None, last: int | None) -> StoredFile:
    return StoredFile(file_id, range(first, last + 1) if first is not None and last is not None else range(0))
