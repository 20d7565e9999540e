"""What was counted of suggestions, in an SQLite database of the user's own that several servers write to at once.

Writing happens on a thread of its own: a database that is broken or locked costs counting only.
"""

from __future__ import annotations

import dataclasses
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from codeassist.errors import CodeAssistError
from codeassist_lsp.usage.request_log import STAGES
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome

log = logging.getLogger(__name__)

_TABLE = "suggestions"
_TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": int}
_COLUMNS: dict[str, Any] = {
    **{each.name: _TYPES[str(each.type)] for each in dataclasses.fields(SuggestionOutcome) if each.name != "stage_ms"},
    **{f"{stage}_ms": float for stage in STAGES},
}
_BUSY_S = 5.0
_MOST_WAITING = 2_000
_KEPT_DAYS = 365


def database_path(data: Path) -> Path:
    """Where what is counted lies in the data folder."""
    return data / "feedback.db"


class FeedbackWriter:
    """Writes outcomes in the background; the newest of each suggestion counts. For any thread.

    `on_problem` is called in the writing thread when a database cannot be written, once for each problem. What could
    not be written is tried again with what comes next.
    """

    def __init__(self, on_problem: Callable[[str], None] = lambda problem: None, busy_s: float = _BUSY_S) -> None:
        self._on_problem = on_problem
        self._busy_s = busy_s
        self._arrived: queue.SimpleQueue[tuple[Path, SuggestionOutcome] | None] = queue.SimpleQueue()
        self._waiting: dict[Path, dict[str, SuggestionOutcome]] = {}
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._num_unwritten = 0
        self.problem: str | None = None

    def put(self, path: Path, outcome: SuggestionOutcome) -> None:
        """Write an outcome soon, in the place of a former one of the same suggestion."""
        with self._lock:
            self._num_unwritten += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
                self._thread.start()
        self._arrived.put((path, outcome))

    @property
    def num_unwritten(self) -> int:
        """How many changes are not in a database yet."""
        return self._num_unwritten

    def close(self, timeout_s: float) -> None:
        """Write what waits, for so long at most."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._arrived.put(None)
            thread.join(timeout_s)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            arrived = [self._arrived.get()]
            while not self._arrived.empty():
                arrived.append(self._arrived.get())
            for each in arrived:
                if each is None:
                    is_over = True
                else:
                    waiting = self._waiting.setdefault(each[0], {})
                    waiting[each[1].id] = each[1]
            for path in tuple(self._waiting):
                self._write(path)
            with self._lock:
                still = sum(len(waiting) for waiting in self._waiting.values())
                self._num_unwritten = still + self._arrived.qsize()

    def _write(self, path: Path) -> None:
        waiting = self._waiting[path]
        try:
            write(path, waiting.values(), self._busy_s)
        except CodeAssistError as error:
            self._say(str(error))
        except Exception as error:  # the boundary of the thread: what comes next may be written
            log.exception("suggestions are not counted")
            self._say(f"suggestions are not counted ({type(error).__name__}); the log says why")
        else:
            self.problem = None
            del self._waiting[path]
        while len(waiting) > _MOST_WAITING:
            del waiting[next(iter(waiting))]

    def _say(self, problem: str) -> None:
        self.problem = problem
        if problem not in self._said:
            self._said.add(problem)
            log.warning("%s", problem)
            self._on_problem(problem)


def write(path: Path, outcomes: Iterable[SuggestionOutcome], busy_s: float = _BUSY_S) -> None:
    """Write outcomes, all or none; the database is made, for its owner alone, if there is none.

    Raises CodeAssistError where that cannot be done.
    """
    from sqlite_utils import Database  # brings numpy, which who only reads does without

    rows = [_row(outcome) for outcome in outcomes]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise _failed(path, error.strerror or type(error).__name__) from error
    try:
        database = Database(_open(path, busy_s))
        try:
            table = database.table(_TABLE)
            with database.conn:
                database.conn.execute("BEGIN IMMEDIATE")
                table.create(_COLUMNS, pk="id", if_not_exists=True)  # pyright: ignore[reportArgumentType]
                newest_s = max((row["at_s"] for row in rows), default=0.0)
                database.conn.execute(f"DELETE FROM {_TABLE} WHERE at_s < ?", (newest_s - _KEPT_DAYS * 86_400,))
                table.upsert_all(rows, pk="id", alter=True)  # pyright: ignore[reportArgumentType]
        finally:
            database.conn.close()
    except sqlite3.Error as error:
        raise _failed(path, str(error)) from error


def read(path: Path, since_s: float = 0.0) -> list[SuggestionOutcome]:
    """Return what was counted of suggestions since a time, the oldest first. Raises CodeAssistError."""
    if not path.exists():
        return []
    try:
        connection = _open(path, _BUSY_S)
        try:
            connection.row_factory = sqlite3.Row
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (_TABLE,)).fetchone():
                return []
            rows = connection.execute(f"SELECT * FROM {_TABLE} WHERE at_s >= ? ORDER BY at_s", (since_s,))
            return [_tally(dict(row)) for row in rows]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CodeAssistError(f"{path} cannot be read ({error}); if it is broken, remove it") from error


def _open(path: Path, busy_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:  # another process is switching to it, which SQLite does not wait for
        log.debug("%s is in use", path)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _row(outcome: SuggestionOutcome) -> dict[str, Any]:
    row = {name: getattr(outcome, name) for name in _COLUMNS if hasattr(outcome, name)}
    return row | {f"{stage}_ms": outcome.stage_ms.get(stage) for stage in STAGES}


def _tally(row: dict[str, Any]) -> SuggestionOutcome:
    stage_ms = {stage: row[f"{stage}_ms"] for stage in STAGES if row.get(f"{stage}_ms") is not None}
    plain: dict[str, Any] = {name: row[name] for name in _COLUMNS if name in row and not name.endswith("_ms")}
    plain |= {name: bool(row.get(name)) for name in ("is_shown", "is_accepted", "is_jumped")}
    return SuggestionOutcome(**plain, stage_ms=stage_ms)


def _failed(path: Path, why: str) -> CodeAssistError:
    return CodeAssistError(
        f"suggestions are not counted: {path} cannot be written ({why}); if it is broken, remove it "
        "(feedback.count = false switches counting off)"
    )
