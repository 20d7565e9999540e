"""The rest of a group: what stood beside what was put in, and where it stands too; places whose surroundings are those
of an edit.

Who adds `GREEN` below `RED = 1` adds its case below the case of `RED`; who hands over `scale` behind `height` hands it
over behind `height` elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from codeassist.edits.placed_change import PlacedChange
from codeassist.edits.proposals.replacement import NAME
from codeassist_indexer.edit_sites.columns.column import Column, log, shifted
from codeassist_indexer.edit_sites.line_table import Floats, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges, names_in

GROUP = (
    "sibling_most", "sibling_sum", "sibling_near", "sibling_above", "neighbour_most", "neighbour_near",
    "same_above", "same_below", "same_around", "same_above_rarity", "window_like", "window_like_last", "block_like",
    "gone_parts_near", "came_parts_near", "edited_parts_near",
)  # fmt: skip

_SIBLING_ROWS = 8
_WINDOW = 4
_MOST_EDITS = 6


def group_columns(table: LineTable, past: PastChanges, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns that GROUP names; `columns` are those of names."""
    recent = past.placed[-_MOST_EDITS:]
    siblings = {name for placed in recent for name in _siblings(table, placed)} - set(past.came)
    beside = {
        name for made in past.replacements if made.new for side in (made.before[::-1], made.after)
        for name in [next((token for token in side if NAME.fullmatch(token)), None)] if name is not None
    }  # fmt: skip
    sibling, sibling_sum = _held(table, siblings)
    neighbour, _ = _held(table, beside)
    parts = {
        f"{what}_near": np.max([shifted(table, np.asarray(columns[what]), by, 0) for by in (-2, -1, 1, 2)], axis=0)
        for what in ("gone_parts", "came_parts", "edited_parts")
    }
    return {
        "sibling_most": sibling, "sibling_sum": sibling_sum, "sibling_above": shifted(table, sibling, -1, 0),
        "sibling_near": np.max([shifted(table, sibling, by, 0) for by in (-2, -1, 1, 2)], axis=0),
        "neighbour_most": neighbour,
        "neighbour_near": np.max([shifted(table, neighbour, by, 0) for by in (-2, -1, 1, 2)], axis=0),
        **_same_around(table, past.placed), **_windows(table, past), "block_like": _blocks(table, recent), **parts,
    }  # fmt: skip


def _held(table: LineTable, names: set[str]) -> tuple[Floats, Floats]:
    """How rare the rarest of some names is that a line holds, and the sum over all that it holds."""
    weights = np.where(table.among(table.numbers(names)), 0.2 + table.rarity, 0).astype(np.float32)
    most = np.zeros(len(table), np.float32)
    np.maximum.at(most, table.line_of, weights[table.tokens])
    return most, table.count(weights)


def _rows(table: LineTable, placed: PlacedChange) -> tuple[int, int, int, int]:
    """The file's rows [first, behind), and those of the change now."""
    file = table.paths.index(placed.path)
    first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
    return first, behind, min(first + placed.start_line, behind), min(first + placed.end_line, behind)


def _siblings(table: LineTable, placed: PlacedChange) -> Iterator[str]:
    """Names of the lines around a change that are shaped as one that it put in, which that one does not hold."""
    first, behind, start, end = _rows(table, placed)
    kept = {line.strip() for line in placed.change.old}
    for row in range(start, min(end, start + 12)):
        line = table.lines[row]
        own = names_in([line])
        if line.strip() in kept or not own:
            continue
        for other in (*range(start - 1, start - 1 - _SIBLING_ROWS, -1), *range(end, end + _SIBLING_ROWS)):
            if first <= other < behind and table.shapes[other] == table.shapes[row]:
                yield from names_in([table.lines[other]]).keys() - own.keys()


def _same_around(table: LineTable, changes: tuple[PlacedChange, ...]) -> dict[str, Column]:
    """Whether the lines with text above and below a place are just those around an edit."""
    stripped = [line.strip() for line in table.lines]
    numbers_of: dict[str, int] = {}
    number = np.array([numbers_of.setdefault(line, len(numbers_of)) for line in stripped], dtype=np.int64)
    has_name = table.count(table.is_name.astype(np.float32)) > 0
    counts = np.bincount(number, minlength=len(numbers_of))
    above, below = _with_text(table, number, has_name, 1), _with_text(table, number, has_name, -1)
    same_above, same_below = np.zeros(len(table), np.bool_), np.zeros(len(table), np.bool_)
    both = np.zeros(len(table), np.bool_)
    for placed in changes:
        first, behind, start, end = _rows(table, placed)
        over = above[start] if first < start < behind else -1
        under = below[end] if end < behind else -1
        is_over, is_under = (above == over) & (over >= 0), (below == under) & (under >= 0)
        same_above, same_below, both = same_above | is_over, same_below | is_under, both | (is_over & is_under)
    rarity = np.where(same_above & (above >= 0), 1 / log(1 + counts[np.maximum(above, 0)].astype(np.float32)), 0)
    return {"same_above": same_above, "same_below": same_below, "same_around": both, "same_above_rarity": rarity}


def _with_text(
    table: LineTable, number: NDArray[np.int64], has_name: NDArray[np.bool_], step: int
) -> NDArray[np.int64]:
    """The number of the next line with a name: above a line (step 1), or the line itself and below it (step -1)."""
    out = np.full(len(number), -1, np.int64)
    for file in range(len(table.paths)):
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        values, known = number[first:behind][::step], has_name[first:behind][::step]
        if not len(values):
            continue
        at = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
        filled = np.where(at >= 0, values[at], -1)
        out[first:behind] = np.concatenate([[-1], filled[:-1]]) if step == 1 else filled[::-1]
    return out


def _windows(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """How like the names of the lines around a line are to those around an edit."""
    weights = np.where(table.is_name, 0.1 + table.rarity, 0).astype(np.float32)
    whole = _summed(table, table.count(weights))
    best, of_last = np.zeros(len(table), np.float32), np.zeros(len(table), np.float32)
    for placed in past.placed[-_MOST_EDITS:]:
        first, behind, start, end = _rows(table, placed)
        rows = [*range(max(first, start - _WINDOW), start), *range(end, min(behind, end + _WINDOW))]
        numbers = table.numbers(name for row in rows for name in names_in([table.lines[row]]))
        common = _summed(table, table.count(np.where(table.among(numbers), weights, 0).astype(np.float32)))
        of_last = (common / np.maximum(whole + weights[numbers].sum() - common, 1e-3)).astype(np.float32)
        best = np.maximum(best, of_last)
    return {"window_like": best, "window_like_last": of_last}


def _summed(table: LineTable, values: Floats) -> Floats:
    return np.sum([shifted(table, values, by, 0) for by in range(-_WINDOW, _WINDOW + 1)], axis=0)


def _blocks(table: LineTable, changes: tuple[PlacedChange, ...]) -> Floats:
    """What share of the lines of a change's old text, up to six, is shaped as the lines from here on."""
    best = np.zeros(len(table), np.float32)
    for placed in changes:
        old = [line for line in placed.change.old if line.strip()][:6]
        if len(old) < 2:
            continue
        same = [
            shifted(table, (table.shapes == table.shape(line)).astype(np.float32), by, 0) for by, line in enumerate(old)
        ]
        best = np.maximum(best, np.mean(same, axis=0))
    return best
