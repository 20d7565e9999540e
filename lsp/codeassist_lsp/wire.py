"""When a request was read and its answer written, by a clock that all processes of a machine share where it has one.

Knows no message.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they arrived, and when they were read."""

    data: bytes
    read_s: float


@dataclass(slots=True)
class Wire:
    """`read_s` is when the request's last byte was read, `written_s` when the answer was handed to the system; None:
    not yet, or the client is gone. Monotonic seconds."""

    read_s: float
    written_s: float | None = None

    def note_writing(self) -> None:
        """Look at the clock once the running task's answer is written: whoever started the task writes it, as the
        first thing when the task is done."""
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task of its own"
        task.add_done_callback(lambda done: self._written())

    def _written(self) -> None:
        self.written_s = monotonic()
