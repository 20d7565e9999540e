"""A cache folder that several runs use at the same time: each claims a numbered slot of its own.

Knows nothing of what is cached. A slot is held by an SQLite lock, which the system gives back when a process dies.
"""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Slot:
    """A folder that nobody else uses until it is released or this process ends."""

    folder: Path
    _lock: sqlite3.Connection

    def release(self) -> None:
        """Let others have the folder."""
        self._lock.close()


def claim_slot(cache: Path) -> Slot:
    """Claim the first free slot below `cache`, making a new one if all are taken."""
    for number in itertools.count():
        folder = cache / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(folder / "in-use.db", timeout=0, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
        else:
            return Slot(folder, lock)
    raise AssertionError("numbers do not end")
