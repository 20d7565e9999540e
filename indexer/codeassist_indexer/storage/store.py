"""The index of one repository in an SQLite database: files, symbols, imports, chunks, and FTS5 over chunk tokens.

Everything in it can be made again, so a database that is broken is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from codeassist.errors import IndexCorrupt, IndexUnusable
from codeassist_indexer.storage import file_rows
from codeassist_indexer.storage.connection import (
    BUSY_S,
    OtherVersionError,
    ThreadConnection,
    begin_epoch,
    cannot_write,
    connect,
    connect_to_read,
    transaction,
)
from codeassist_indexer.storage.file_records import FileState, FileVectors, PreparedFile, SameContent
from codeassist_indexer.storage.lexical import COMMON_TERM_MIN_CHUNKS, Collection
from codeassist_indexer.storage.schema import TABLES, create_token_index
from codeassist_indexer.storage.verification import content_problem

_CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_NO_WRITING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL})
# What SQLite says, with no code of its own, where a part of the tables or of the token index is gone.
_LOST_PARTS = ("invalid fts5 file format", "no such table", "no such column", "vtable constructor failed")
# Below this many chunks the term counts are taken afresh after every update; above, when 5% of the chunks are new.
_ALWAYS_COUNT_TERMS_CHUNKS = 5_000
# How often a query looks whether it must stop, in steps of SQLite's machine: a look takes 2 us, a step 0.04 us. A
# full-text query over 40,000 chunks then stops 6 ms after its deadline at the latest (2 busy cores, 2026-11-21).
_STEPS_PER_LOOK = 500


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What the index holds; `num_bytes` is the database file's size."""

    num_files: int
    num_symbols: int
    num_chunks: int
    num_skipped_by_reason: Mapping[str, int]
    num_bytes: int


def database_path(root: Path, cache_folder: Path | None = None) -> Path:
    """Return where the database of the repository at `root` stands: one folder a repository, named by a hash."""
    base = cache_folder if cache_folder is not None else user_cache_path("codeassist")
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return base / "index" / name / "index.db"


class Store:
    """One database. Opened on first use, one connection a thread; safe with several threads and processes at once.

    Every method raises IndexCorrupt for a database that is broken or of another version, and IndexUnusable when it
    stays locked or the disk is full. A failed write leaves what was there before. Where the folder cannot be written, a
    database that is there is read, and writing raises IndexUnusable. With `is_read_only` nothing can be
    written, and a database that is not there is not made; somebody else has it open for writing meanwhile.
    """

    def __init__(self, path: Path, is_read_only: bool = False) -> None:
        self.path = path
        self._is_read_only = is_read_only
        self._connections = ThreadConnection()
        self._is_sound = False

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection = self._connections.current
        if connection is None:
            with self._translated_errors():
                opened = connect_to_read if self._is_read_only else connect
                connection = opened(self.path, self._connections.busy_s)
            self._connections.current = connection
        return connection

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement."""
        connection = self.connection
        try:  # not `_translated_errors`: a request asks a hundred times, and a context manager takes as long as a query
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    @contextlib.contextmanager
    def stopped_by(self, look: Callable[[], bool]) -> Iterator[None]:
        """Stop what this thread asks in the block as soon as `look` says so, which is called often: it then raises."""
        connection = self.connection
        connection.set_progress_handler(look, _STEPS_PER_LOOK)
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):  # another thread closed the store
                connection.set_progress_handler(None, 0)

    @contextlib.contextmanager
    def patiently(self) -> Iterator[None]:
        """Let this thread wait for a process that holds the database: of our own only writers do."""
        before = self._connections.busy_s
        self._wait(BUSY_S)
        try:
            yield
        finally:
            self._wait(before)

    def _wait(self, seconds: float) -> None:
        self._connections.busy_s = seconds
        if self._connections.current is not None:
            with contextlib.suppress(sqlite3.Error):  # another thread closed the store
                self._connections.current.execute(f"PRAGMA busy_timeout = {int(seconds * 1e3)}")

    def num_files(self) -> int:
        """Count the files that are known, those too that are not worth indexing."""
        return self.query("SELECT count(*) FROM files")[0][0]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll everything back on any exception."""
        with self.patiently(), self._translated_errors(), transaction(self.connection) as connection:
            yield connection

    def file_states(self) -> dict[str, FileState]:
        """Return what is known of every file, by path."""
        rows = self.query("SELECT path, content_hash, size, mtime_ns, read_ns, skip_reason FROM files")
        return {row[0]: FileState(*row[1:]) for row in rows}

    def file_state(self, path: str) -> FileState | None:
        """Return what is known of one file."""
        sql = "SELECT content_hash, size, mtime_ns, read_ns, skip_reason FROM files WHERE path = ?"
        rows = self.query(sql, (path,))
        return FileState(*rows[0]) if rows else None

    def known_paths(self, paths: Iterable[str]) -> set[str]:
        """Return those of `paths` that are files of the index, or folders that hold some."""
        rows = self.query(
            "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM files WHERE path = value OR"
            " (path > value || '/' AND path < value || '0'))",  # "0" is the character after "/"
            (json.dumps(list(paths)),),
        )
        return {path for (path,) in rows}

    def write(
        self, files: Sequence[PreparedFile], touched: Sequence[SameContent] = (), gone: Sequence[str] = ()
    ) -> None:
        """Replace, touch and remove files in one transaction."""
        with self.transaction() as connection:
            for path in gone:
                file_rows.remove_file(connection, path)
            for same in touched:
                file_rows.write_state(connection, same.path, same.state)
            for prepared in files:
                file_rows.write_file(connection, prepared)
            file_rows.forget_vector_changes(connection)

    def write_vectors(self, file_id: int, content_hash: bytes, vectors: FileVectors) -> None:
        """Keep a file's vectors, unless the file is no longer what they were made of."""
        with self.transaction() as connection:
            sql = "SELECT 1 FROM files WHERE id = ? AND content_hash = ?"
            if connection.execute(sql, (file_id, content_hash)).fetchone() is not None:
                file_rows.write_vectors(connection, file_id, vectors)
                file_rows.forget_vector_changes(connection)

    def vector_changes(self) -> tuple[int, int, int]:
        """Return a number that changes when the database begins anew, and the newest and oldest change on record."""
        epoch, newest, oldest = self.query(
            "SELECT (SELECT value FROM counts WHERE name = 'epoch'), (SELECT max(id) FROM vector_changes),"
            " (SELECT min(id) FROM vector_changes)"  # both in one read all rows
        )[0]
        return epoch or 0, newest or 0, oldest or 0

    def changed_files(self, epoch: int | None, last_change: int) -> list[int] | None:
        """Return the files that changed since `vector_changes` said this epoch and newest change; None: not known."""
        now, newest, oldest = self.vector_changes()
        if epoch != now or last_change > newest or last_change + 1 < oldest:
            return None
        if last_change == newest:
            return []
        rows = self.query("SELECT DISTINCT file_id FROM vector_changes WHERE id > ?", (last_change,))
        return [file_id for (file_id,) in rows]

    def count_terms(self) -> None:
        """Count anew how many chunks hold each common term, if the chunks have changed enough to matter."""
        num_chunks: int = self.query("SELECT count(*) FROM chunks")[0][0]
        before = self._count("num_chunks")
        drift = abs(num_chunks - before)
        if before and num_chunks > _ALWAYS_COUNT_TERMS_CHUNKS and drift * 20 < before:
            return
        with self.transaction() as connection:
            connection.execute("DELETE FROM common_terms")
            connection.execute(
                "INSERT INTO common_terms SELECT term, doc FROM chunk_vocabulary WHERE doc >= ?",
                (COMMON_TERM_MIN_CHUNKS,),
            )
            counts = [("num_chunks", num_chunks), ("generation", self._count("generation") + 1)]
            connection.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?)", counts)

    def generation(self) -> int:
        """Return a number that changes whenever `collection` would."""
        return self._count("generation")

    def collection(self) -> Collection:
        """Return the term counts that a query is planned by."""
        rows = self.query("SELECT term, num_chunks FROM common_terms")
        return Collection(self._count("num_chunks"), dict(rows))

    def counts(self) -> StoreCounts:
        """Count what is there, for people."""
        skipped = self.query("SELECT skip_reason, count(*) FROM files WHERE skip_reason NOT NULL GROUP BY 1 ORDER BY 1")
        num_files = self.query("SELECT count(*) FROM files WHERE skip_reason IS NULL")[0][0]
        num_symbols = self.query("SELECT count(*) FROM symbols")[0][0]
        num_chunks = self.query("SELECT count(*) FROM chunks")[0][0]
        return StoreCounts(num_files, num_symbols, num_chunks, dict(skipped), self.path.stat().st_size)

    def require_sound(self) -> None:
        """Raise IndexCorrupt where pages were lost or overwritten; read all of them, once a store.

        That takes 3 ms a megabyte (2 cores, 2026-11); quick_check takes less, and misses pages that stand twice.
        """
        if not self._is_sound:
            self._check_pages()
            self._is_sound = True

    def check(self, breathe: Callable[[], None] = lambda: None) -> None:
        """Recompute the invariants: the pages are sound, and the token index holds exactly the chunks' tokens.

        As all of it stands at one moment. `breathe` is called between short pieces of work.
        """
        self._check_pages()
        with self._translated_errors():
            problem = content_problem(self.connection, breathe)
        if problem is not None:
            raise self._corrupt(problem)

    def optimise(self) -> None:
        """Merge the token index into one segment, after much was written: queries read less."""
        with self.transaction() as connection:
            connection.execute("INSERT INTO chunk_tokens(chunk_tokens) VALUES ('optimize')")

    def rebuild(self) -> None:
        """Empty the database, and where it is too broken for that throw it away and begin a new one.

        It is thrown away only if what stands in its place now is broken: another process that found it so may have
        made a new one already. Then, this store's open connections are closed.
        """
        for _ in range(2):  # the second time with what stands there now
            try:
                self._empty()
                return
            except IndexCorrupt:
                self.close()
        self._delete()
        _ = self.connection

    def _empty(self) -> None:
        with self.transaction() as connection:
            generation = self._count("generation") + 1
            create_token_index(connection)  # emptied in place, a broken one may stay broken
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
            connection.execute("INSERT INTO counts VALUES ('generation', ?)", (generation,))
            begin_epoch(connection)
        self._check_pages()

    def _check_pages(self) -> None:
        verdict = self.query("PRAGMA integrity_check(1)")[0][0]
        if verdict != "ok":
            raise self._corrupt(" ".join(verdict.split()))
        # The token index keeps its own pages in rows, which SQLite before 3.44 does not look into. It is asked by a
        # statement that writes nothing and needs the lock for writing: where others have that, or nobody may, later.
        try:
            self.connection.execute("INSERT INTO chunk_tokens(chunk_tokens, rank) VALUES ('integrity-check', 0)")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in _NO_WRITING:
                raise self._translated(error) from error

    def _delete(self) -> None:
        try:
            for suffix in ("-wal", "-shm", ""):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise IndexUnusable(
                f"the broken index {self.path} cannot be deleted ({error.strerror}); close other editors or delete it"
            ) from error

    def close(self) -> None:
        """Close every thread's connection. The store opens again when it is next used.

        A thread that is in the middle of a question keeps its own for as long as that takes: nobody else refers to a
        connection, so it ends with its last use. Closed under the thread that uses it, it crashes the process.
        """
        own, self._connections = self._connections.current, ThreadConnection()
        if own is not None:  # an exception's frames may still refer to it
            own.close()

    def _count(self, name: str) -> int:
        rows = self.query("SELECT value FROM counts WHERE name = ?", (name,))
        return rows[0][0] if rows else 0

    def _corrupt(self, why: str) -> IndexCorrupt:
        return IndexCorrupt(f"the index {self.path} cannot be used ({why}); run `codeassist index` to rebuild it")

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except OtherVersionError as error:
            raise self._corrupt(str(error)) from error
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> IndexUnusable:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        if primary in _CORRUPT_CODES or (primary == sqlite3.SQLITE_ERROR and str(error).startswith(_LOST_PARTS)):
            return self._corrupt(str(error))
        if primary == sqlite3.SQLITE_FULL:
            return IndexUnusable(f"no space left for the index {self.path}; free some and run again")
        if primary == sqlite3.SQLITE_READONLY:
            return IndexUnusable(cannot_write(self.path, "it is read-only"))
        if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
            return IndexUnusable(
                f"the index {self.path} cannot be opened or written ({error}): look at the disk's free space and at "
                "how many files are open, and run again"
            )
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return IndexUnusable(f"the index {self.path} is held by another process; try again")
        return IndexUnusable(f"the index {self.path} failed: {error}")
