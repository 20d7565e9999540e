"""A circuit breaker: after failures in a row nothing is asked for a while, then once, to see. Pure but for its clock.

Who types must not wait for a server that is away, at every key.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Breaker:
    """Closed, it lets everything through. `most_failures` in a row open it for `first_s`; then it lets one request
    through, whose success closes it and whose failure opens it again, for twice as long each time, up to `most_s`.
    """

    def __init__(
        self,
        most_failures: int = 2,
        first_s: float = 5.0,
        most_s: float = 120.0,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._most_failures = most_failures
        self._first_s = first_s
        self._most_s = most_s
        self._now_s = now_s
        self._num_failures = 0
        self._opened_s = 0.0
        self.reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether failures in a row have opened it and nothing has succeeded since."""
        return self._num_failures >= self._most_failures

    @property
    def lets_through(self) -> bool:
        """Whether a request may be made now. Once open, the request that is let through has to be reported."""
        return not self.is_open or self._now_s() - self._opened_s >= self._open_for_s

    def succeeded(self) -> None:
        """Note that a request was answered."""
        self._num_failures = 0
        self.reason = None

    def failed(self, reason: str) -> None:
        """Note that one was not, and why."""
        self._num_failures += 1
        self._opened_s = self._now_s()
        self.reason = reason

    @property
    def _open_for_s(self) -> float:
        return min(self._first_s * 2.0 ** min(self._num_failures - self._most_failures, 32), self._most_s)
