"""What a confidence threshold keeps and what it spares: coverage against precision over a run's predictions. Pure.

A prediction's confidence and whether it was right are all it sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

THRESHOLDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """With answers below `threshold` withheld: the percent of tasks that are shown an answer (`coverage`), the percent
    of those that are right (`precision`), and the percent of all right answers that are lost (`lost`)."""

    threshold: float
    coverage: float
    precision: float | None
    lost: float


def confidence_curve(
    judged: Sequence[tuple[float, bool]], thresholds: Sequence[float] = THRESHOLDS
) -> list[CurvePoint]:
    """One point a threshold. judged: (confidence, whether the prediction was right) of every task with an answer."""
    num_right = sum(right for _, right in judged)
    points: list[CurvePoint] = []
    for threshold in thresholds:
        shown = [right for confidence, right in judged if confidence >= threshold]
        points.append(
            CurvePoint(
                threshold,
                coverage=100 * len(shown) / len(judged) if judged else 0.0,
                precision=100 * sum(shown) / len(shown) if shown else None,
                lost=100 * (num_right - sum(shown)) / num_right if num_right else 0.0,
            )
        )
    return points
