"""Connections to an index's database: opened, its tables made, transactions."""

from __future__ import annotations

import contextlib
import errno
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from codeassist.errors import IndexUnusable
from codeassist_indexer.storage.schema import SCHEMA_VERSION, create_tables

BUSY_S = 15.0
"""How long is waited for another process that holds the database, where no request waits."""
_NOWHERE_TO_NOTE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)

_READ_BUSY_S = 0.1  # a request may wait for what is read


class ThreadConnection(threading.local):
    """A thread's connection, and how long it waits for another process that holds the database."""

    current: sqlite3.Connection | None = None
    busy_s = _READ_BUSY_S


class OtherVersionError(Exception):
    """A database of another version of this program."""


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open the database, created for its owner alone if it is new. Where it cannot be written it can only be read.

    `busy_s`: how long is waited for another process that holds it, also later.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        if path.exists() and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return connect_to_read(path, busy_s)
        raise IndexUnusable(cannot_write(path, error.strerror)) from error
    # Threads do not share connections; but whoever refers to one last ends it, on any thread.
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        _retry_busy(lambda: connection.execute("PRAGMA journal_mode = WAL"), busy_s)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -32000")
        if version_of(connection) != SCHEMA_VERSION:
            _create_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def cannot_write(path: Path, why: str | None) -> str:
    """Say that the database's folder cannot be written, and what to do."""
    return (
        f"the index folder {path.parent} cannot be written ({why}): "
        "make it writable, free space, or set CODEASSIST_HOME to another folder"
    )


def connect_to_read(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open a database that is there, without any way to change it.

    In a folder that cannot be written SQLite has nowhere to note who reads; nobody writes there either.
    """
    try:
        return _connect_to_read(path, "mode=ro", busy_s)
    except sqlite3.OperationalError as error:
        log = path.with_name(path.name + "-wal")
        if error.sqlite_errorcode & 0xFF not in _NOWHERE_TO_NOTE or (log.exists() and log.stat().st_size):
            raise
        return _connect_to_read(path, "mode=ro&immutable=1", busy_s)


def _connect_to_read(path: Path, options: str, busy_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -32000")
        if version_of(connection) != SCHEMA_VERSION:
            raise OtherVersionError(f"its version is {version_of(connection)}, this program's is {SCHEMA_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the database's tables; 0 for a new one."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All that is written within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # an interrupt can come after the commit: it must stay an interrupt
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What is read within is of one moment, whoever writes meanwhile."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        with contextlib.suppress(sqlite3.Error):  # the error that ended it matters more
            connection.execute("ROLLBACK")


def _create_schema(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        version = version_of(connection)
        if version == SCHEMA_VERSION:  # another process was faster
            return
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise OtherVersionError(f"its version is {version}, this program's is {SCHEMA_VERSION}")
        create_tables(connection)
        begin_epoch(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def begin_epoch(connection: sqlite3.Connection) -> None:
    """Tell readers that what they remember of the database is of another one."""
    connection.execute("INSERT OR REPLACE INTO counts VALUES ('epoch', ?)", (secrets.randbits(62),))


def _retry_busy(action: Callable[[], object], busy_s: float) -> None:
    """Run `action` again while another process switches the journal mode: SQLite does not wait there by itself."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
