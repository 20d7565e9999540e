"""What a benchmark is to the runner: how its files are read, a prediction judged, and judgements added up.

Each fills one `Benchmark` in a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.metrics.score import Aggregate, Score
from codeassist_eval.tasks.rows import Row
from codeassist_eval.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark. `score` is a module-level function, so that worker processes can be handed it.

    `expand` makes more tasks of those that were drawn, with the run's seed; such a benchmark replays edits.
    """

    name: str
    load: Callable[[Path], tuple[Task, ...]]
    # Task id and predicted text of one row of a prediction file, which is about these tasks.
    prediction_of: Callable[[Row, Sequence[Task]], tuple[str, str]]
    score: Callable[[Task, str], Score]
    aggregates: Mapping[str, Aggregate]
    max_new_tokens: int
    max_lines: int | None
    expand: Callable[[Sequence[Task], int], Sequence[Task]] | None = None


def plain_prediction(row: Row, tasks: Sequence[Task]) -> tuple[str, str]:
    """Read CrossCodeEval's and our own prediction rows: `task_id` and `pred`."""
    return row.require("task_id", str), row.require("pred", str)
