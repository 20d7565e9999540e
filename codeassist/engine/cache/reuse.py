"""Which computed states serve a new token sequence: an alignment of the tokens, the freshness of slots, kept snippets.

Cached slots that hold no valid state are None and match nothing. A state follows from its token and the states before
it. Where none of those has changed since it was computed, computing it again changes nothing, even if they are
themselves approximate.

A snippet is the tuple of its tokens. States are free of position; whoever places them rotates the keys (CacheBlend
keeps a chunk's states and corrects them afterwards; here healing corrects them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from cachetools import LRUCache
from rapidfuzz.distance import Indel

from codeassist.engine.layers.attention import Move, States
from codeassist.engine.layers.model import PREFILL_CHUNK

MIN_KEPT_RUN = 8  # shorter matches between changes are chance (a newline, a bracket): their states mean another place

LEAST_PLACED = 32  # tokens in a row, of another prompt: what is shorter is as soon computed

_NEVER = -1

SlotState = Literal["exact", "stale", "shifted", "placed", "missing"]
"""What a slot holds: an exact state; one computed here, under tokens that have changed since; one re-rotated from
another slot; a snippet's from before; none."""
_ORIGINS: tuple[SlotState, ...] = ("stale", "shifted", "placed")  # of a state that is not exact
_COMPUTED, _SHIFTED, _PLACED = range(3)


@dataclass(frozen=True, slots=True)
class SlotRun:
    """Neighbouring slots, [start, stop), of one state."""

    state: SlotState
    start: int
    stop: int


def common_prefix(a: Sequence[int | None], b: Sequence[int | None]) -> int:
    """How many leading tokens are equal."""
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    low, high = 0, length  # a[:low] equal, a[:high] not
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def align(cached: Sequence[int | None], target: Sequence[int]) -> list[Move]:
    """Runs of `cached` that stand in `target`, in rising order of both; the first is the common prefix (if any).

    Several splices at once: the runs between them come from the shortest insert/delete script of the tokens.
    """
    start = common_prefix(cached, target)
    tail = common_prefix(cached[start:][::-1], target[start:][::-1])
    cached_end, target_end = len(cached) - tail, len(target) - tail
    moves = [Move(0, 0, start)] if start else []
    if start < cached_end and start < target_end:
        blocks = Indel.opcodes(cached[start:cached_end], target[start:target_end])
        moves += [
            Move(start + block.src_start, start + block.dest_start, block.src_end - block.src_start)
            for block in blocks
            if block.tag == "equal" and block.src_end - block.src_start >= MIN_KEPT_RUN
        ]
    if tail:
        moves.append(Move(cached_end, target_end, tail))
    return moves


def gaps(moves: Sequence[Move], length: int) -> list[range]:
    """The ranges of target slots that no move fills."""
    missing: list[range] = []
    end = 0
    for move in moves:
        if move.dst > end:
            missing.append(range(end, move.dst))
        end = move.dst + move.length
    if end < length:
        missing.append(range(end, length))
    return missing


def without(ranges: Sequence[range], taken: Sequence[range]) -> list[range]:
    """What is left of rising ranges without others."""
    left: list[range] = []
    for each in ranges:
        start = each.start
        for part in sorted(taken, key=lambda part: part.start):
            if start < part.stop and part.start < each.stop:
                left.append(range(start, part.start))
                start = part.stop
        left.append(range(start, each.stop))
    return [each for each in left if len(each) > 0]


def passes(slots: Sequence[int], most: int = PREFILL_CHUNK) -> list[list[int]]:
    """Cut rising slots into forward passes: long runs in chunks of their own, `most` at a time, short ones together.

    A pass over scattered slots needs a mask, which costs (so they are PREFILL_CHUNK at the most); a pass for each short
    run reads all weights again, which costs more.
    """
    most_scattered = min(most, PREFILL_CHUNK)
    parts: list[list[int]] = [[]]
    for slot in slots:
        current = parts[-1]
        is_run = not current or slot - current[0] == len(current)
        long_run_ends = len(current) >= most_scattered // 2 and current[-1] != slot - 1
        if len(current) >= (most if is_run else most_scattered) or long_run_ends:
            parts.append([])
        parts[-1].append(slot)
    return parts


class KeptPrompt(Protocol):
    """A prompt from before, whose states lie somewhere else."""

    @property
    def tokens(self) -> Sequence[int]:
        """Return its tokens."""
        ...

    def read(self, runs: Sequence[range]) -> Sequence[States] | None:
        """Return the states of runs of its slots, on the CPU; None where they are lost."""
        ...


def kept_runs(
    kept: Iterable[KeptPrompt], target: list[int], missing: Sequence[range]
) -> Iterator[tuple[KeptPrompt, list[Move]]]:
    """Which long runs of kept prompts fill the missing ranges of `target`; what one fills the next does not."""
    missing = [gap for gap in missing if len(gap) >= LEAST_PLACED]
    if not missing:
        return
    for prompt in kept:
        tokens = list(prompt.tokens)
        moves = [
            Move(move.src, gap.start + move.dst, move.length)
            for gap in missing
            for move in align(tokens, target[gap.start : gap.stop])
            if move.length >= LEAST_PLACED
        ]
        if moves:
            yield prompt, moves
            filled = [range(move.dst, move.dst + move.length) for move in moves]
            missing = [gap for gap in without(missing, filled) if len(gap) >= LEAST_PLACED]
            if not missing:
                return


class Freshness:
    """When each of `capacity` slots was computed, and when it last changed, counted in changes of the cache; and how
    what it holds came there."""

    def __init__(self, capacity: int) -> None:
        self._now = 0
        self._computed_at = np.full(capacity, _NEVER, dtype=np.int64)
        self._changed_at = np.zeros(capacity, dtype=np.int64)
        self._origin = np.zeros(capacity, dtype=np.int8)

    def move(self, moves: Sequence[Move]) -> None:
        """Take note that runs of slots moved: those that stayed in place are as they were, all others are not."""
        computed_at, changed_at = self._computed_at.copy(), self._changed_at.copy()
        self.change(range(len(computed_at)))
        for move in moves:
            moved = slice(move.dst, move.dst + move.length)
            if move.src == move.dst:
                self._computed_at[moved] = computed_at[moved]
                self._changed_at[moved] = changed_at[moved]
            else:
                self._origin[moved] = _SHIFTED

    def place(self, slots: Sequence[int]) -> None:
        """Take note that these slots took a snippet's states from before."""
        self.change(slots)
        self._origin[_index(slots)] = _PLACED

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
        self._origin[where] = _COMPUTED

    def inexact_states(self, slots: range) -> list[SlotState]:
        """What each of these slots holds, none of which is exact or without a state."""
        return [_ORIGINS[origin] for origin in self._origin[slots.start : slots.stop]]

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


class SnippetStates:
    """States of snippets that were in a prompt once, kept for when they are retrieved again.

    Bounded: the least recently used go first. `num_hits` and `num_misses` count look-ups.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_hits = 0
        self.num_misses = 0
        self._kept: LRUCache[tuple[int, ...], States] = LRUCache(max_bytes, lambda states: states.num_bytes)

    @property
    def num_bytes(self) -> int:
        """Bytes that the states take."""
        return int(self._kept.currsize)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, tokens: tuple[int, ...]) -> bool:
        return tokens in self._kept

    def get(self, tokens: tuple[int, ...]) -> States | None:
        """The states of exactly these tokens, computed after whatever stood before them then."""
        states = self._kept.get(tokens)
        if states is None:
            self.num_misses += 1
        else:
            self.num_hits += 1
        return states

    def put(self, tokens: tuple[int, ...], states: States) -> None:
        """Keep states, in place of older ones of the same tokens. What is too large on its own is not kept."""
        if states.num_bytes <= self.max_bytes:
            self._kept[tokens] = states
