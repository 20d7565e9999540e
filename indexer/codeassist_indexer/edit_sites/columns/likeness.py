"""How like a line is to what was changed: to the old lines, to the new ones, to those around; and where a rule fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codeassist.edits.placed_change import PlacedChange
from codeassist.edits.proposals.replacement import Replacement
from codeassist_indexer.edit_sites.columns.column import Column
from codeassist_indexer.edit_sites.line_table import Bools, Floats, Ints, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

LIKE = (
    "like_old", "like_new", "like_old_last", "like_new_last", "old_over_new", "shape_old", "shape_new",
    "shape_old_last",
    "same_as_old", "same_as_new", "context_before", "context_after", "context_both", "context_last", "bigrams_old",
    "bigrams_new", "rule_fits", "rule_around", "rule_done", "rule_old_size",
    "num_rule_fits",
)  # fmt: skip

_MOST_LINES = 24
_MOST_REPLACEMENTS = 12


def likeness_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that LIKE names."""
    sizes = table.count(np.ones(len(table.is_name), np.float32))
    old = [line for placed in reversed(past.placed) for line in placed.change.old if line.strip()][:_MOST_LINES]
    new = [line for placed in reversed(past.placed) for line in placed.change.new if line.strip()][:_MOST_LINES]
    last = past.last.change
    like_old, like_new = _jaccard(table, old, sizes), _jaccard(table, new, sizes)
    bigrams = _Bigrams(table)
    before, after, both, of_last = _contexts(table, past, sizes)
    stripped = np.array([line.strip() for line in table.lines], dtype=object)
    return {
        "like_old": like_old, "like_new": like_new, "old_over_new": like_old - like_new,
        "like_old_last": _jaccard(table, [each for each in last.old if each.strip()][:8], sizes),
        "like_new_last": _jaccard(table, [each for each in last.new if each.strip()][:8], sizes),
        "shape_old": _shape_in(table, old, sizes), "shape_new": _shape_in(table, new, sizes),
        "shape_old_last": _shape_in(table, last.old, sizes),
        "same_as_old": _is_among(stripped, old), "same_as_new": _is_among(stripped, new),
        "context_before": before, "context_after": after, "context_both": both, "context_last": of_last,
        "bigrams_old": bigrams.likeness(old), "bigrams_new": bigrams.likeness(new),
        **_rule_columns(table, past.replacements[:_MOST_REPLACEMENTS]),
    }  # fmt: skip


def _is_among(stripped: np.ndarray, lines: Sequence[str]) -> Bools:
    wanted = {line.strip() for line in lines}
    return np.array([bool(line) and line in wanted for line in stripped], np.bool_)


def _jaccard(table: LineTable, lines: Sequence[str], sizes: Floats) -> Floats:
    """The greatest share of common tokens, rare ones counting more, that a line has with one of `lines`."""
    best = np.zeros(len(table), np.float32)
    weights = 0.1 + table.rarity
    whole = table.count(weights)
    for line in dict.fromkeys(lines):
        numbers = np.unique(table.encode(line))
        if not len(numbers):
            continue
        common = table.count(np.where(table.among(numbers), weights, 0).astype(np.float32))
        union = whole + weights[numbers].sum() - common
        best = np.maximum(best, common / np.maximum(union, 1e-6))
    return best


def _shape_in(table: LineTable, lines: Sequence[str], sizes: Floats) -> Bools:
    shapes = [table.shape(line) for line in lines if len(table.encode(line)) > 1]
    return np.isin(table.shapes, np.array(shapes, dtype=np.uint64)) & (sizes > 1)


class _Bigrams:
    """Pairs of kinds of neighbouring tokens: what is left of a line without its names."""

    def __init__(self, table: LineTable) -> None:
        self.table = table
        self.size = len(table.is_name) + 4
        kinds = table.kinds[table.tokens] + 3
        follows = np.flatnonzero(table.line_of[1:] == table.line_of[:-1])
        pairs = kinds[:-1][follows] * self.size + kinds[1:][follows]
        keys, self.pairs = np.unique(pairs, return_inverse=True)
        self.keys = keys
        self.line_of = table.line_of[:-1][follows]
        once = np.unique(self.line_of * max(len(keys), 1) + self.pairs)
        self.once_line, self.once_pair = once // max(len(keys), 1), once % max(len(keys), 1)
        self.sizes = np.bincount(self.once_line, minlength=len(table))

    def likeness(self, lines: Sequence[str]) -> Floats:
        best = np.zeros(len(self.table), np.float32)
        for line in dict.fromkeys(lines):
            kinds = self.table.kinds[self.table.encode(line)] + 3
            pairs = np.unique(kinds[:-1] * self.size + kinds[1:])
            if len(pairs) < 2:
                continue
            found = np.isin(self.keys, pairs)
            common = np.bincount(self.once_line, found[self.once_pair], minlength=len(self.table))
            best = np.maximum(best, common / np.maximum(self.sizes + len(pairs) - common, 1))
        return best.astype(np.float32)


def _contexts(table: LineTable, past: PastChanges, sizes: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """How like the line above, and this line, are to those around an edit: would the edit fit in front of this line?"""
    best = [np.zeros(len(table), np.float32) for _ in range(4)]
    above = np.zeros(len(table), np.float32)
    for placed in reversed(past.placed[-6:]):
        lines_before, lines_after = _lines_around(table, placed)
        like_before = _jaccard(table, lines_before, sizes)
        above = np.zeros(len(table), np.float32)
        above[1:] = np.where(table.file_of[1:] == table.file_of[:-1], like_before[:-1], 0)
        here = _jaccard(table, lines_after, sizes)
        best[0], best[1] = np.maximum(best[0], above), np.maximum(best[1], here)
        best[2] = np.maximum(best[2], above + here)
        if placed is past.last:
            best[3] = above + here
    return best[0], best[1], best[2], best[3]


def _lines_around(table: LineTable, placed: PlacedChange) -> tuple[list[str], list[str]]:
    """The last line with a token above a change, and the first one below it."""
    file = table.paths.index(placed.path)
    first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
    above = range(min(first + placed.start_line, behind) - 1, max(first, first + placed.start_line - 4) - 1, -1)
    below = range(first + placed.end_line, min(behind, first + placed.end_line + 3))
    return [table.lines[row] for row in above if table.lines[row].strip()][:1], [
        table.lines[row] for row in below if table.lines[row].strip()
    ][:1]


def _rule_columns(table: LineTable, replacements: Sequence[Replacement]) -> dict[str, Column]:
    fits, around = np.zeros(len(table), np.float32), np.zeros(len(table), np.float32)
    done, size = np.zeros(len(table), np.float32), np.zeros(len(table), np.float32)
    for made in replacements:
        for at, num_around in zip(*_matches(table, made.old, made.before, made.after), strict=True):
            row = table.line_of[at] if at < len(table.line_of) else -1
            if row < 0 or (not made.old and num_around < 2):
                continue
            fits[row] += 1
            around[row] = max(around[row], num_around + len(made.old))
            size[row] = max(size[row], len(made.old))
        if made.new:
            for at, num_around in zip(*_matches(table, made.new, made.before, made.after), strict=True):
                done[table.line_of[at]] = max(done[table.line_of[at]], num_around + len(made.new))
    return {
        "rule_fits": np.minimum(fits, 5),
        "rule_around": around,
        "rule_done": done,
        "rule_old_size": size,
        "num_rule_fits": float(np.minimum(fits, 5).sum()),
    }


def _matches(table: LineTable, tokens: Sequence[str], before: Sequence[str], after: Sequence[str]) -> tuple[Ints, Ints]:
    """Where a run of tokens stands, and how many of those around it are the same. At most 4,000 places."""
    empty = np.zeros(0, np.int64)
    numbers = [table.vocabulary.get(token, -1) for token in tokens]
    if -1 in numbers or len(table.tokens) < len(numbers):
        return empty, empty
    if numbers:
        at = np.flatnonzero(table.tokens[: len(table.tokens) - len(numbers) + 1] == numbers[0])
        for shift, number in enumerate(numbers[1:], start=1):
            at = at[table.tokens[at + shift] == number]
        at = at[table.line_of[at] == table.line_of[at + len(numbers) - 1]]
    else:
        anchor = table.vocabulary.get(before[-1], -1) if before else table.vocabulary.get(after[0], -1) if after else -1
        at = np.flatnonzero(table.tokens == anchor) + (1 if before else 0)
        at = at[at < len(table.tokens)]
        if before:
            at = at[table.line_of[at] == table.line_of[at - 1]] if after else at
    at = at[:4000]
    rows = table.line_of[at]
    same = np.zeros(len(at), np.int64)
    for direction, wanted, begin in ((-1, before[::-1], -1), (1, after, len(numbers))):
        going = np.ones(len(at), np.bool_)
        for step, token in enumerate(wanted):
            place = at + begin + direction * step
            inside = (place >= 0) & (place < len(table.tokens))
            safe = np.where(inside, place, 0)
            going &= inside & (table.line_of[safe] == rows) & (table.tokens[safe] == table.vocabulary.get(token, -1))
            same += going
    return at, same
