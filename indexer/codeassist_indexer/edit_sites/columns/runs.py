"""Runs of two and three tokens that the edits took away or put in: signs, numbers and short names count too.

`sys.version_info >= (3, 8)` is no name, yet where it was edited once it stands elsewhere as it stood there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column
from codeassist_indexer.edit_sites.line_table import Bools, Floats, Ints, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

_SETS = ("gone", "came", "last_gone", "last_came", "stayed")
RUNS = tuple(f"{what}_{size}_{how}" for size in ("pairs", "triples") for what in _SETS for how in ("most", "sum"))

_MOST_LINES = 40


def run_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that RUNS names."""
    old = _encoded(table, (line for placed in past.placed for line in placed.change.old))
    new = _encoded(table, (line for placed in past.placed for line in placed.change.new))
    last_old, last_new = _encoded(table, past.last.change.old), _encoded(table, past.last.change.new)
    found: dict[str, Column] = {}
    for size, name in ((2, "pairs"), (3, "triples")):
        runs = _Runs(table, size)
        was, now, last_was, last_now = (runs.numbers(lines) for lines in (old, new, last_old, last_new))
        sets = (
            np.setdiff1d(was, now), np.setdiff1d(now, was), np.setdiff1d(last_was, last_now),
            np.setdiff1d(last_now, last_was), np.intersect1d(was, now),
        )  # fmt: skip
        for what, numbers in zip(_SETS, sets, strict=True):
            found[f"{what}_{name}_most"], found[f"{what}_{name}_sum"] = runs.held(numbers)
    return found


def _encoded(table: LineTable, lines: Iterable[str]) -> list[Ints]:
    return [table.encode(line) for line in list(dict.fromkeys(lines))[-_MOST_LINES:]]


class _Runs:
    """Runs of `size` neighbouring tokens of a line, numbered; rare ones count more."""

    def __init__(self, table: LineTable, size: int) -> None:
        self._num_lines, self._size = len(table), size
        self._base = len(table.is_name) + 1
        self._line_of = table.line_of[: max(0, len(table.tokens) - size + 1)]
        whole = self._line_of == table.line_of[size - 1 :]
        self._line_of = self._line_of[whole]
        self._keys, self._run_of, counts = np.unique(
            self._key(table.tokens)[whole], return_inverse=True, return_counts=True
        )
        self._rarity = (1 - np.log(counts) / np.log(max(2, self._num_lines + 1))).astype(np.float32)

    def _key(self, tokens: Ints) -> Ints:
        length = max(0, len(tokens) - self._size + 1)
        key = np.zeros(length, np.int64)
        for step in range(self._size):
            key = key * self._base + tokens[step : step + length]
        return key

    def numbers(self, lines: Sequence[Ints]) -> Ints:
        """The keys of all runs of some lines, sorted."""
        keys = [self._key(line) for line in lines]
        return np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)

    def held(self, keys: Ints) -> tuple[Floats, Floats]:
        """How rare the rarest of some runs is that a line holds, and the sum over all that it holds."""
        is_one: Bools = np.isin(self._keys, keys)
        most = np.zeros(self._num_lines, np.float32)
        if not is_one.any():
            return most, most
        chosen = is_one[self._run_of]
        rows, weights = self._line_of[chosen], 0.1 + self._rarity[self._run_of[chosen]]
        np.maximum.at(most, rows, weights)
        return most, np.bincount(rows, weights, minlength=self._num_lines).astype(np.float32)
