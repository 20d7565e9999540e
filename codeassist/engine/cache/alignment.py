"""What of a cached token sequence can serve a wanted one: an order-preserving alignment. Pure.

Cached slots that hold no valid state are None and match nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Indel

from codeassist.engine.layers.kv_cache import Move

MIN_KEPT_RUN = 8  # shorter matches between changes are chance (a newline, a bracket): their states mean another place


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


def align(cached: list[int | None], target: list[int]) -> list[Move]:
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
