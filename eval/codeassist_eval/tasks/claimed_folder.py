"""A cache folder that several runs use at the same time: each claims a numbered folder in it.

A claim is held by an SQLite lock, which the system gives back when a process dies.
"""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClaimedFolder:
    """A folder that nobody else uses until it is released or this process ends."""

    path: Path
    _lock: sqlite3.Connection

    def release(self) -> None:
        """Let others have the folder."""
        self._lock.close()


def claim_folder(cache: Path) -> ClaimedFolder:
    """Claim the first free folder in `cache`, making a new one if all are taken."""
    for number in itertools.count():
        folder = cache / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(folder / "in-use.db", timeout=0, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
        else:
            return ClaimedFolder(folder, lock)
    raise AssertionError("numbers do not end")
