"""What is seen once all lines have a score: of the first lines how they stand among each other, and of the whole
request whether anything is left.

Features and scores in, features out. The names are part of a ranker's files, as those of `features` are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codeassist_indexer.edit_sites.columns.names import TASK
from codeassist_indexer.edit_sites.features import NAMES
from codeassist_indexer.edit_sites.line_table import Floats, Ints

MOST_CANDIDATES = 1000
"""Of more lines only these are scored: each costs 20 µs (one core of an AMD EPYC, 2026-11). Of 2,622 next edits of
real commits 24 lie in none of them."""
MOST_BEST = 40

AMONG = (
    "score", "below_first", "above_next", "rank", "num_closer", "num_alike", "beside_over", "num_beside",
    "first_over_fourth", "first_over_eleventh",
)  # fmt: skip
_OF_MINING = frozenset({"num_edits", "num_edits_in_file", "num_files", "num_replacements", "num_gone", "num_came"})
"""What says more about how tasks are drawn from commits than about the edits: of a commit with several changes, one
that is whole has two edits or more and no file without one."""
_KEPT = tuple(name for name in NAMES if name not in _OF_MINING)
BEST: tuple[str, ...] = (*AMONG, *_KEPT)
"""The columns by which the first lines are judged again."""

_NUM_BEST, _NUM_SCORES = 8, 4
_OF_ALL = tuple(
    name
    for name in (
        *TASK,
        "num_rule_fits",
        "edited_at_head",
        "edited_in_function",
        "came_unused",
        "gone_still_used",
        "last_only_imports",
        "came_is_unused_import",
    )
    if name not in _OF_MINING
)
_OF_FIRST = tuple(
    name
    for name in _KEPT
    if name not in {"file_was_edited", "files_since", "is_same_file", "nearest_edit", "distance", "is_between_edits",
                    "stride_distance", "sequence_distance", "same_stem", "same_folder", "same_extension", "is_test_now",
                    "imports_edited_file", "last_in_test_file"}
    and not name.startswith("file_")
)  # fmt: skip
REST: tuple[str, ...] = (
    *(f"best_{number}" for number in range(_NUM_BEST)), *(f"score_{number}" for number in range(_NUM_SCORES)),
    "best_sum", *_OF_ALL, *(f"first_{name}" for name in _OF_FIRST),
)  # fmt: skip
"""The columns by which it is judged whether anything is left to be changed."""

_CHEAP = {
    "gone_most": 1.0, "came_most": 0.5, "like_old": 1.0, "context_both": 1.0, "rule_around": 0.2, "around_most": 0.2,
    "gone_parts": 0.2,
}  # fmt: skip
_COLUMN = {name: number for number, name in enumerate(NAMES)}
_KEPT_COLUMNS = [_COLUMN[name] for name in _KEPT]
_FIRST_COLUMNS = [_COLUMN[name] for name in _OF_FIRST]
_CLOSE_SCORE, _LIKE_SCORE, _BESIDE = 0.5, 1.0, 2


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a table: rows: [n] their numbers; file_of, line_in_file: [n]; features: float32 [n, F]."""

    rows: Ints
    file_of: Ints
    line_in_file: Ints
    features: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, numbers: Ints) -> Lines:
        """Return some of them."""
        return Lines(self.rows[numbers], self.file_of[numbers], self.line_in_file[numbers], self.features[numbers])

    def column(self, name: str) -> Floats:
        """Return a feature of all of them."""
        return self.features[:, _COLUMN[name]]


def candidates(lines: Lines) -> Lines:
    """Return the lines worth scoring, in their order: all, or MOST_CANDIDATES that share most with the edits."""
    if len(lines) <= MOST_CANDIDATES:
        return lines
    worth = 0.5 / (1 + lines.column("distance"))
    for name, weight in _CHEAP.items():
        worth = worth + weight * lines.column(name)
    return lines.take(np.sort(np.argsort(-worth, kind="stable")[:MOST_CANDIDATES]))


def best_features(best: Lines, scores: Floats) -> Floats:
    """Return the columns BEST of the first lines, which come in falling order of scores: float32 [n, len(BEST)]."""
    number = len(best)
    if not number:
        return np.zeros((0, len(BEST)), np.float32)
    order = np.where(best.column("is_below") > 0, 0.0, 100.0) + best.column("distance")
    over = scores[:, None] - scores[None, :]
    is_beside = (np.abs(best.line_in_file[:, None] - best.line_in_file[None, :]) <= _BESIDE) & (
        best.file_of[:, None] == best.file_of[None, :]
    )
    following = np.append(scores[1:], scores[-1] - 9)
    among = np.stack(
        [
            scores, scores - scores[0], scores - following, np.arange(number),
            ((over < _CLOSE_SCORE) & (order[None, :] < order[:, None])).sum(1), (over < _LIKE_SCORE).sum(1),
            np.where(is_beside, -over, -np.inf).max(1), is_beside.sum(1),
            np.full(number, scores[0] - scores[min(3, number - 1)]),
            np.full(number, scores[0] - scores[min(10, number - 1)]),
        ],
        axis=1,
    )  # fmt: skip
    return np.concatenate([among.astype(np.float32), best.features[:, _KEPT_COLUMNS]], axis=1)


def rest_features(best: Lines, scores: Floats, probabilities: Floats) -> Floats:
    """Return the one row of the columns REST, of at least one line: [1, len(REST)]."""
    falling = np.sort(probabilities)[::-1]
    first = best.features[int(np.argmax(probabilities)), _FIRST_COLUMNS]
    row = [
        *_padded(falling, _NUM_BEST, 0.0), *_padded(np.sort(scores)[::-1], _NUM_SCORES, -9.0), probabilities.sum(),
        *(best.features[0, _COLUMN[name]] for name in _OF_ALL), *first,
    ]  # fmt: skip
    return np.array([row], dtype=np.float32)


def _padded(values: Floats, size: int, by: float) -> Floats:
    return np.concatenate([values[:size], np.full(max(0, size - len(values)), by)])
