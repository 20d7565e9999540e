"""The changes of whole lines that lead from one text to another, and where a change belongs once others were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz.distance import LCSseq

from codeassist.edits.change import LineChange
from codeassist.edits.lines import fits, lines_of

_MOST_LINES = 20_000  # 50 MiB and half a second to compare; more that differs is one change


def line_changes(path: str, before: str, after: str) -> tuple[LineChange, ...]:
    """Return what leads from one text to the other, from the top down; each counts with those above it made."""
    old, new = lines_of(before), lines_of(after)
    head = _num_same(old, new)
    tail = _num_same(old[head:][::-1], new[head:][::-1])
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    if not old and not new:
        return ()
    if max(len(old), len(new)) > _MOST_LINES:
        return (LineChange(path, head, old, new),)
    changes: list[LineChange] = []
    for block in LCSseq.opcodes(old, new):
        if block.tag == "equal":
            continue
        gone, come = old[block.src_start : block.src_end], new[block.dest_start : block.dest_end]
        start = head + block.dest_start
        if changes and changes[-1].end_line == start:
            last = changes.pop()
            gone, come, start = last.old + gone, last.new + come, last.start_line
        changes.append(LineChange(path, start, gone, come))
    return tuple(changes)


def rebased(change: LineChange, later: Sequence[LineChange]) -> LineChange | None:
    """Return the change where it belongs once `later` ones were made, in their order, to the text that it is for.

    None where one of them touched its lines. Changes of other files do not count.
    """
    start, end = change.start_line, change.start_line + len(change.old)
    for other in later:
        if other.path != change.path:
            continue
        other_end = other.start_line + len(other.old)
        if other.start_line >= end and not (start == end == other.start_line == other_end):
            continue
        if other_end > start or (start == end == other.start_line):
            return None
        moved = len(other.new) - len(other.old)
        start, end = start + moved, end + moved
    return replace(change, start_line=start)


def carried_over(change: LineChange, before: str, after: str) -> LineChange | None:
    """Return a change of the text `before` where it belongs in `after`; None where its lines are not there any more."""
    moved = change if before == after else rebased(change, line_changes(change.path, before, after))
    return moved if moved is not None and fits(moved, lines_of(after)) else None


def _num_same(one: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        number += 1
    return number
