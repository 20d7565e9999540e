"""The tables of an index's database.

It is told when to create them.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from codeassist_indexer.storage.lexical import LEXER_VERSION

# Bump the first number when tables change, or the rules by which secrets are left out; a database of another version is
# rebuilt.
SCHEMA_VERSION = 5_000 + LEXER_VERSION

TABLES: dict[str, dict[str, Any]] = {
    "files": {
        "id": int, "path": str, "folder": str, "folder_name": str, "module_name": str, "language": str,
        "content_hash": bytes, "size": int, "mtime_ns": int, "read_ns": int, "skip_reason": str, "has_error": int,
        "num_redacted_lines": int,
    },
    "symbols": {
        "id": int, "file_id": int, "name": str, "qualified_name": str, "kind": str, "signature": str, "doc": str,
        "parent": str, "bases": str, "start_byte": int, "end_byte": int, "start_line": int, "end_line": int,
        "name_line": int,
    },
    "imports": {"id": int, "file_id": int, "module": str, "name": str, "alias": str, "line": int},
    "chunks": {"id": int, "file_id": int, "text": str, "start_line": int, "end_line": int, "symbol": str},
    "counts": {"name": str, "value": int},
    "common_terms": {"term": str, "num_chunks": int},
    # One block a file, of all its chunks in order; which files' blocks changed, the newest last.
    "vectors": {"file_id": int, "encoder": str, "vectors": bytes},
    "vector_changes": {"id": int, "file_id": int},
    # The installed packages that the repository imports, each with the name of its database; what they were found by.
    "libraries": {
        "id": int, "ecosystem": str, "module": str, "package": str, "version": str, "database": str, "entries": str,
        "folder": str, "listing": str,
    },
    "library_scans": {"ecosystem": str, "stamp": str},
}  # fmt: skip
# What requests ask most is answered by an index alone where that is cheap: paths, and what a file has of a name.
_INDEXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "files": (("folder_name", "folder", "path", "language"), ("module_name", "path", "language")),
    "symbols": (("file_id", "name"), ("file_id", "parent"), ("name", "kind")),
    "imports": (("file_id",),),
    "chunks": (("file_id",),),
}


def create_tables(connection: sqlite3.Connection) -> None:
    """Create all tables in an empty database."""
    from sqlite_utils import Database  # brings numpy, which who only reads does without

    database = Database(connection)
    for name, columns in TABLES.items():
        key = "id" if "id" in columns else next(iter(columns))
        database.table(name).create(columns, pk=key, not_null=None)
        for indexed in _INDEXES.get(name, ()):
            database.table(name).create_index(indexed)
    database.table("files").create_index(["path"], unique=True)
    connection.execute("CREATE INDEX symbols_with_bases ON symbols (file_id, start_line) WHERE bases != '[]'")
    create_token_index(connection)


def create_token_index(connection: sqlite3.Connection) -> None:
    """Create the full-text index over the chunks' tokens, empty; one that is there is dropped."""
    connection.execute("DROP TABLE IF EXISTS chunk_vocabulary")
    connection.execute("DROP TABLE IF EXISTS chunk_tokens")
    # Contentless: the tokens follow from the chunk's text, they need not be stored a second time.
    tokenizer = "tokenize = \"ascii tokenchars '_'\""
    connection.execute(f"CREATE VIRTUAL TABLE chunk_tokens USING fts5(tokens, content = '', {tokenizer})")
    connection.execute("CREATE VIRTUAL TABLE chunk_vocabulary USING fts5vocab(chunk_tokens, row)")
