"""Bursts of file events, so long that the system may have dropped some: it keeps so many for us and no more.

watchdog hands on no event for it. What counts is how many came in a row; and what watchdog writes into its log, for
since 7.1 it forgets what it has read, too, when Linux says that events were dropped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

_GAP_S = 1.0  # events farther apart are of two bursts
_QUEUE_FILE = Path("/proc/sys/fs/inotify/max_queued_events")
_WATCHDOG = logging.getLogger("watchdog.observers")
_FEW = 512  # about as many fit into the buffer that watchdog gives Windows


class EventBurst:
    """Counts events that follow each other closely. One thread notes, another asks. `now` gives seconds."""

    def __init__(self, num_long: int | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._num_long = long_burst() if num_long is None else num_long
        self._now = now
        self._lock = threading.Lock()
        self._num_events = 0
        self._last_s = 0.0

    def note(self) -> None:
        """Count an event that has just come."""
        now_s = self._now()
        with self._lock:
            if now_s - self._last_s > _GAP_S and self._num_events < self._num_long:
                self._num_events = 0
            self._num_events += 1
            self._last_s = now_s

    def note_loss(self) -> None:
        """Take note that events were dropped: the burst is a long one."""
        with self._lock:
            self._num_events = max(self._num_events, self._num_long)
            self._last_s = self._now()

    def take_long(self) -> bool:
        """Say, once for each, whether a long burst is over: what has changed meanwhile may not have been said."""
        with self._lock:
            is_over = self._num_events >= self._num_long and self._now() - self._last_s > _GAP_S
            if is_over:
                self._num_events = 0
        return is_over


class LossListener(logging.Handler):
    """Tells a burst of every loss that watchdog writes into its log, from `listen` to `close`."""

    def __init__(self, burst: EventBurst) -> None:
        super().__init__(logging.WARNING)
        self._burst = burst

    def listen(self) -> None:
        """Begin to listen."""
        _WATCHDOG.addHandler(self)

    def close(self) -> None:
        """Listen no more."""
        _WATCHDOG.removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        if "overflow" in record.getMessage():
            self._burst.note_loss()


def long_burst() -> int:
    """How many events make a long burst: a quarter of what the kernel keeps, for several may be said as one."""
    try:
        return max(1, int(_QUEUE_FILE.read_text("ascii")) // 4)
    except (OSError, ValueError):  # another system
        return _FEW
