"""The moment at which what one request asks of an index is stopped, as a whole and part by part.

Knows no source and no request: it stops SQLite's queries, and says when a loop over small ones should end.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from codeassist_indexer.storage.store import Store


@dataclass(slots=True)
class Deadline:
    """The moment, `after_ms` after `began_s`, at which one request's queries are stopped; None: never.

    `has_stopped` says whether one was. `has_cut`: whether anything was cut short since who reads it set it to False.
    For one thread.
    """

    after_ms: float | None
    has_stopped: bool = False
    has_cut: bool = False
    began_s: float = field(default_factory=time.perf_counter)
    _part_ends: float | None = None

    def is_over(self) -> bool:
        """Say whether it has passed."""
        return self.after_ms is not None and (time.perf_counter() - self.began_s) * 1000 > self.after_ms

    def is_part_over(self) -> bool:
        """Say whether it, or the part that is under way, has passed."""
        return self.is_over() or (self._part_ends is not None and time.perf_counter() > self._part_ends)

    def cuts_short(self) -> bool:
        """Say whether a loop over small queries must end, because it or its part has passed; note that one did."""
        self.has_cut |= self.is_part_over()
        return self.has_cut

    def part(self, share: float) -> AbstractContextManager[None]:
        """Let what is done in the block take `share` of the whole time at most, and end with the part around it."""
        return self._part(time.perf_counter(), share)

    def until(self, share: float) -> AbstractContextManager[None]:
        """Let what is done in the block end when `share` of the whole time has passed, and with the part around it."""
        return self._part(self.began_s, share)

    @contextlib.contextmanager
    def _part(self, since_s: float, share: float) -> Iterator[None]:
        around = self._part_ends
        if self.after_ms is not None:
            ends = since_s + share * self.after_ms / 1000
            self._part_ends = ends if around is None else min(ends, around)
        try:
            yield
        finally:
            self._part_ends = around

    @contextlib.contextmanager
    def stops_queries(self, store: Store) -> Iterator[None]:
        """Stop what this thread asks of `store` in the block once the deadline has passed: it then raises."""
        if self.after_ms is None:
            yield
            return
        with store.stopped_by(self._look):
            yield

    def _look(self) -> bool:
        """Say whether the running query must stop: the deadline has passed."""
        if not self.is_part_over():
            return False
        self.has_stopped = self.has_cut = True
        return True
