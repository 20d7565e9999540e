"""Judging many predictions: in this process where they are few, in several where they are many.

Knows no benchmark's metrics and writes no files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from codeassist_eval.benchmark import Benchmark
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics import Score
from codeassist_eval.rows import read_rows, unique_by_id
from codeassist_eval.tasks import Task

# Starting workers costs about half a second; 500 Python predictions take about as long (2 cores, 2026-11-21).
_WORTH_WORKERS = 1000
_CHUNK = 50


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
    score: Callable[[Task, str], Score],
    tasks: Sequence[Task],
    predictions: Mapping[str, str],
    num_workers: int | None = None,
) -> dict[str, Score]:
    """Return the score of every task's prediction by task id, in the tasks' order. `num_workers` None: all cores."""
    texts = [predictions[task.task_id] for task in tasks]
    workers = num_workers or os.cpu_count() or 1
    if workers == 1 or len(tasks) < _WORTH_WORKERS:
        scores = list(map(score, tasks, texts))
    else:
        # spawn: the parent may hold a model and its threads, which a forked child must not inherit
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            scores = list(pool.map(score, tasks, texts, chunksize=_CHUNK))
    return {result.task_id: result for result in scores}
