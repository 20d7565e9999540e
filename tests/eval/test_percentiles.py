"""One rule for all percentiles of the evaluation."""

from __future__ import annotations

import pytest

from codeassist_eval.percentiles import percentile, percentiles


def test_percentiles_lie_between_two_values_in_proportion() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([1.0, 2.0], 50) == 1.5
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], 95) == pytest.approx(4.8)
    assert percentile([7.0], 95) == 7.0


def test_several_percentiles_are_named_and_rounded() -> None:
    assert percentiles(range(101), (50, 95, 99)) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles([1.0, 2.26], digits=1) == {"p50": 1.6, "p95": 2.2}
    assert percentiles(()) is None
