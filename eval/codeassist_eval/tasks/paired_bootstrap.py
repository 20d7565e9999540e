"""Statistics of two runs over the same tasks: intervals of the difference, and who got what right.

Two lists of values, task by task, in; numbers out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 10_000
_BLOCK = 500  # resamples drawn at a time: 500 x 2,000 tasks are 8 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean of the differences, and the half-open 95% interval of a paired bootstrap around it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks both runs solved, only the first, only the second, neither; `p_value` is McNemar's, exact."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float


def bootstrap(first: Sequence[float], second: Sequence[float], seed: int) -> Interval:
    """Return the interval of `second - first` over at least one task. Tasks are drawn, both runs' values together."""
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    generator = np.random.default_rng(seed)
    size = len(differences)
    means = np.concatenate(
        [differences[generator.integers(0, size, (_BLOCK, size))].mean(axis=1) for _ in range(_RESAMPLES // _BLOCK)]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(differences.mean()), float(low), float(high))


def probability_of_better(differences: NDArray[np.float64], seed: int) -> float:
    """Return the share of resamples of at least one task whose mean difference is above 0."""
    size = len(differences)
    generator = np.random.default_rng(seed)
    means = np.concatenate(
        [differences[generator.integers(0, size, (_BLOCK, size))].mean(axis=1) for _ in range(_RESAMPLES // _BLOCK)]
    )
    return float((means > 0).mean())


def count_solved(first: Sequence[bool], second: Sequence[bool]) -> Counts:
    """Count the tasks by who solved them, and how likely so lopsided a split is where both are equally good."""
    pairs = list(zip(first, second, strict=True))
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    p_value = _two_sided_binomial(min(only_first, only_second), only_first + only_second)
    return Counts(pairs.count((True, True)), only_first, only_second, pairs.count((False, False)), p_value)


def _two_sided_binomial(fewer: int, total: int) -> float:
    """The probability that of `total` fair coins one side shows at most `fewer` times, either side."""
    tail = sum(math.comb(total, k) for k in range(fewer + 1)) / 2**total
    return min(1.0, 2 * tail)
