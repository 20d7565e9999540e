"""When each slot's state was computed, and when it last changed: which states would come out the same again.

A state follows from its token and the states before it. Where none of those has changed since it was computed,
computing it again changes nothing, even if they are themselves approximate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codeassist.engine.layers.kv_cache import Move

_NEVER = -1


class Freshness:
    """Times of `capacity` slots, counted in changes of the cache."""

    def __init__(self, capacity: int) -> None:
        self._now = 0
        self._computed_at = np.full(capacity, _NEVER, dtype=np.int64)
        self._changed_at = np.zeros(capacity, dtype=np.int64)

    def move(self, moves: Sequence[Move]) -> None:
        """Take note that runs of slots moved: those that stayed in place are as they were, all others are not."""
        computed_at, changed_at = self._computed_at.copy(), self._changed_at.copy()
        self.change(range(len(computed_at)))
        for move in moves:
            if move.src == move.dst:
                stay = slice(move.dst, move.dst + move.length)
                self._computed_at[stay] = computed_at[stay]
                self._changed_at[stay] = changed_at[stay]

    def change(self, slots: Sequence[int]) -> None:
        """Take note that these slots hold something that was not computed here, or is just being computed."""
        self._now += 1
        where = _index(slots)
        self._computed_at[where] = _NEVER
        self._changed_at[where] = self._now

    def compute(self, slots: Sequence[int]) -> None:
        """Take note that one pass has computed these slots under the states that stand before each of them."""
        self._now += 1
        where = _index(slots)
        self._computed_at[where] = self._now
        self._changed_at[where] = self._now

    def first_outdated(self, slots: Sequence[int]) -> int | None:
        """The first of these slots, which rise, before which something changed after it was computed; None: none."""
        if not slots:
            return None
        last_changes = np.maximum.accumulate(self._changed_at[: slots[-1]], dtype=np.int64)
        before = np.concatenate(([_NEVER], last_changes))  # before[i]: the last change of any slot before i
        chosen = np.asarray(slots)
        outdated = (self._computed_at[chosen] == _NEVER) | (before[chosen] > self._computed_at[chosen])
        return int(chosen[outdated.argmax()]) if outdated.any() else None


def _index(slots: Sequence[int]) -> slice | list[int]:
    return slice(slots.start, slots.stop) if isinstance(slots, range) else list(slots)
