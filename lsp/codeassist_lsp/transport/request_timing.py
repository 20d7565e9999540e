"""When a request was read, worked on, and its answer written: by a clock that processes share where there is one.

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
class RequestTiming:
    """`read_s` is when the request's last byte was read, `asked_s` when the inference thread was asked, `done_s` when
    that was done, `written_s` when the answer was handed to the system; monotonic seconds. None: not yet, or never."""

    read_s: float
    asked_s: float | None = None
    done_s: float | None = None
    written_s: float | None = None

    def note_writing(self) -> None:
        """Look at the clock once the running task's answer is written: whoever started the task writes it, as the
        first thing when the task is done."""
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task of its own"
        task.add_done_callback(lambda done: self._written())

    def _written(self) -> None:
        self.written_s = monotonic()
