"""The rows of one file in an index: written, replaced, removed, within somebody's transaction."""

from __future__ import annotations

import json
import sqlite3

from codeassist_indexer.languages.registry import FOLDER_MODULES
from codeassist_indexer.storage.file_records import FileState, FileVectors, PreparedFile
from codeassist_indexer.storage.lexical import code_tokens

# Who keeps vectors in memory and has missed more changes than this reads them all again.
_VECTOR_CHANGES_KEPT = 4_096


def write_file(connection: sqlite3.Connection, prepared: PreparedFile) -> None:
    """Write a file's rows in the place of those that it had."""
    path, parsed = prepared.path, prepared.parsed
    remove_file(connection, path)
    folder, _, name = path.rpartition("/")
    folder_name = folder.rpartition("/")[2]
    module_name = name.partition(".")[0]
    if module_name in FOLDER_MODULES:
        module_name = folder_name
    state = prepared.state
    columns = (
        path, folder, folder_name, module_name, parsed.language if parsed else None, state.content_hash, state.size,
        state.mtime_ns, state.read_ns, state.skip_reason, parsed is not None and parsed.has_error,
        prepared.num_redacted_lines,
    )  # fmt: skip
    file_id = connection.execute(f"INSERT INTO files VALUES (NULL, {', '.join('?' * len(columns))})", columns).lastrowid
    if parsed is None:
        return
    connection.executemany(
        f"INSERT INTO symbols VALUES (NULL, {', '.join('?' * 13)})",
        [
            (file_id, s.name, s.qualified_name, s.kind, s.signature, s.doc, s.parent, json.dumps(s.bases), s.start_byte,
             s.end_byte, s.start_line, s.end_line, s.name_line)
            for s in parsed.symbols
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO imports VALUES (NULL, ?, ?, ?, ?, ?)",
        [(file_id, i.module, i.name, i.alias, i.line) for i in parsed.imports],
    )
    # A file's chunks have consecutive ids: a query can leave out a whole file by a range.
    first_id = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM chunks").fetchone()[0]
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
        [(first_id + n, file_id, c.text, c.start_line, c.end_line, c.symbol) for n, c in enumerate(parsed.chunks)],
    )
    connection.executemany(
        "INSERT INTO chunk_tokens(rowid, tokens) VALUES (?, ?)",
        [(first_id + n, tokens) for n, tokens in enumerate(prepared.tokens_by_chunk)],
    )
    if prepared.vectors is not None:
        write_vectors(connection, file_id, prepared.vectors)
    else:  # who makes them in idle time must hear of the file
        connection.execute("INSERT INTO vector_changes VALUES (NULL, ?)", (file_id,))


def write_state(connection: sqlite3.Connection, path: str, state: FileState) -> None:
    """Note another state of a file whose content is the same."""
    connection.execute(
        "UPDATE files SET content_hash = ?, size = ?, mtime_ns = ?, read_ns = ?, skip_reason = ? WHERE path = ?",
        (state.content_hash, state.size, state.mtime_ns, state.read_ns, state.skip_reason, path),
    )


def remove_file(connection: sqlite3.Connection, path: str) -> None:
    """Remove all rows of a file."""
    row = connection.execute("SELECT id, language FROM files WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    file_id, language = row
    chunks = connection.execute("SELECT id, text FROM chunks WHERE file_id = ?", (file_id,)).fetchall()
    connection.executemany(
        "INSERT INTO chunk_tokens(chunk_tokens, rowid, tokens) VALUES ('delete', ?, ?)",
        [(chunk_id, " ".join(code_tokens(text, language))) for chunk_id, text in chunks],
    )
    for table in ("chunks", "symbols", "imports", "vectors"):
        connection.execute(f"DELETE FROM {table} WHERE file_id = ?", (file_id,))
    connection.execute("INSERT INTO vector_changes VALUES (NULL, ?)", (file_id,))
    connection.execute("DELETE FROM files WHERE id = ?", (file_id,))


def write_vectors(connection: sqlite3.Connection, file_id: int | None, vectors: FileVectors) -> None:
    """Write the vectors of a file's chunks, and note that they changed."""
    columns = (file_id, vectors.encoder, vectors.vectors)
    connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", columns)
    connection.execute("INSERT INTO vector_changes VALUES (NULL, ?)", (file_id,))


def forget_vector_changes(connection: sqlite3.Connection) -> None:
    """Drop the notes of changes that are too old to be worth following."""
    connection.execute(
        "DELETE FROM vector_changes WHERE id <= (SELECT max(id) FROM vector_changes) - ?", (_VECTOR_CHANGES_KEPT,)
    )
