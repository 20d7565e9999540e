"""Bursts of file events, so long that the system may have dropped some: it keeps so many for us and no more.

No system reliably says that it has (watchdog hands on no event for it), so what counts is how many came in a row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_QUIET_S = 1.0  # after the last event a burst is over
_GAP_S = 30.0  # events farther apart are of two bursts: a busy machine may hand on none for seconds within one
_QUEUE_FILE = Path("/proc/sys/fs/inotify/max_queued_events")
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

    def take_long(self) -> bool:
        """Say, once for each, whether a long burst is over: what has changed meanwhile may not have been said."""
        with self._lock:
            is_over = self._num_events >= self._num_long and self._now() - self._last_s > _QUIET_S
            if is_over:
                self._num_events = 0
        return is_over


def long_burst() -> int:
    """How many events make a long burst: a quarter of what the kernel keeps, for several may be said as one."""
    try:
        return max(1, int(_QUEUE_FILE.read_text("ascii")) // 4)
    except (OSError, ValueError):  # another system
        return _FEW
