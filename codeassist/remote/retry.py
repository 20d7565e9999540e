"""When to ask a server again: exponential backoff with jitter, unless the server says when. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_attempts` attempts in all; waits double from `first_s` up to `most_s`.

    The defaults wait about 90 seconds in all. `longest_wait_s` is the most that a server may ask for.
    """

    max_attempts: int = 10
    first_s: float = 0.5
    most_s: float = 30.0
    longest_wait_s: float = 120.0

    def wait_s(self, num_failed: int, asked_s: float | None, chooser: random.Random) -> float | None:
        """How long to wait after so many failed attempts, at least one; None: give up.

        `asked_s` is what the server asked for: it is waited in full, with jitter on top, so that those who were sent
        away together do not come back together.
        """
        if num_failed >= self.max_attempts or (asked_s is not None and asked_s > self.longest_wait_s):
            return None
        backoff = min(self.first_s * 2 ** (num_failed - 1), self.most_s)
        if asked_s is not None:
            return asked_s + chooser.uniform(0, min(backoff, self.first_s))
        return chooser.uniform(backoff / 2, backoff)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date; None where it says neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())
