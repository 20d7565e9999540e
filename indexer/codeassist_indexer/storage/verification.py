"""Whether what an index's tables say of each other is so: what a page that an older copy stands in for gives away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from codeassist_indexer.storage.connection import snapshot
from codeassist_indexer.storage.lexical import code_tokens

_CHUNKS_AT_ONCE = 50  # 4 ms


def content_problem(connection: sqlite3.Connection, breathe: Callable[[], None]) -> str | None:
    """Say what is wrong, if anything: chunks of no file, or a token index that is not of the chunks' tokens.

    All of it is read as it stands at one moment. `breathe` is called between short pieces of work.
    """
    with snapshot(connection):
        num_tokens = 0
        rows = connection.execute("SELECT c.text, f.language FROM chunks c JOIN files f ON f.id = c.file_id")
        while some := rows.fetchmany(_CHUNKS_AT_ONCE):
            num_tokens += sum(len(code_tokens(text, language)) for text, language in some)
            breathe()
        indexed = _number(connection, "SELECT coalesce(sum(cnt), 0) FROM chunk_vocabulary")
        unfound = _number(
            connection,
            "SELECT count(*) FROM chunk_vocabulary v WHERE NOT EXISTS"
            " (SELECT 1 FROM chunk_vocabulary w WHERE w.term = v.term)",
        )
        orphans = _number(connection, "SELECT count(*) FROM chunks WHERE file_id NOT IN (SELECT id FROM files)")
    if unfound:
        return f"{unfound} words are listed and not found"
    if orphans or indexed != num_tokens:
        return f"{orphans} chunks of no file, {indexed} tokens where {num_tokens} should be"
    return None


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return connection.execute(sql).fetchone()[0]
