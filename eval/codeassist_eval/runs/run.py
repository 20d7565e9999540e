"""The runner: tasks through a schedule, written as they come, judged when all are there.

It is handed a schedule, which has both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Score
from codeassist_eval.metrics.scoring import score_all
from codeassist_eval.runs.record_log import RecordLog
from codeassist_eval.runs.run_folder import (
    METRICS,
    PREDICTIONS,
    SCORES,
    Record,
    read_records,
    write_json,
    write_scores,
)
from codeassist_eval.runs.schedule import GIVE_UP_AFTER, Failure, Schedule
from codeassist_eval.runs.summary import summarize
from codeassist_eval.tasks.task import Task


class Watcher(Protocol):
    """Who watches a run: a progress bar, or nobody."""

    def task_done(self, record: Record, score: Score) -> None:
        """Take note of one finished task, also of those that an earlier run finished."""
        ...


class NoWatcher:
    """Nobody watches."""

    def task_done(self, record: Record, score: Score) -> None:
        """Do nothing."""


# More figures from all records and scores of a run that is complete.
Extra = Callable[[Mapping[str, Record], Mapping[str, Score]], Mapping[str, Any]]


def nothing_extra(records: Mapping[str, Record], scores: Mapping[str, Score]) -> Mapping[str, Any]:
    """Return no further figures."""
    return {}


def run_tasks(
    benchmark: Benchmark,
    tasks: Sequence[Task],
    schedule: Schedule,
    out: Path,
    watcher: Watcher | None = None,
    clock: Callable[[], float] = time.perf_counter,
    extra: Extra = nothing_extra,
) -> dict[str, Any]:
    """Complete what `out` lacks of `tasks`, then write scores and metrics there and return the metrics.

    What `extra` returns goes into the metrics as it is. Raise `EvaluationError` if a task could not be completed; what
    was done stays, and the same call goes on from there.
    """
    watcher = watcher or NoWatcher()
    log = RecordLog(out / PREDICTIONS, read_records)
    records = _earlier(log, tasks)
    todo = [task for task in tasks if task.task_id not in records]
    scores = {
        task.task_id: benchmark.score(task, records[task.task_id].pred) for task in tasks if task.task_id in records
    }
    for task_id, score in scores.items():
        watcher.task_done(records[task_id], score)
    by_id = {task.task_id: task for task in todo}
    failures: list[Failure] = []
    started = clock()
    for outcome in schedule.outcomes(todo):
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        log.append(outcome)
        records[outcome.task_id] = outcome
        scores[outcome.task_id] = score = benchmark.score(by_id[outcome.task_id], outcome.pred)
        watcher.task_done(outcome, score)
    wall_s = clock() - started
    if failures:
        raise _incomplete(failures, len(records), len(tasks), out)
    costs = {"wall_seconds": round(wall_s, 3), "harness": _harness(schedule.idle_s, wall_s, len(todo))}
    return finish(benchmark, tasks, records, scores, out, {**extra(records, scores), **costs})


def _harness(idle_s: float, wall_s: float, num_tasks: int) -> dict[str, Any]:
    """What the runner itself cost: the time in which the engine waited for it, of the tasks that ran just now."""
    share = idle_s / wall_s if num_tasks and wall_s > 0 else 0.0
    return {"tasks": num_tasks, "seconds": round(idle_s, 3), "share": round(share, 5)}


def finish(
    benchmark: Benchmark,
    tasks: Sequence[Task],
    records: Mapping[str, Record],
    scores: Mapping[str, Score],
    out: Path,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Write `scores.jsonl` and `metrics.json`, with `extra` in it, of a complete run; return the metrics."""
    metrics = {**summarize(tasks, scores, records, benchmark.aggregates), **extra}
    write_scores(out / SCORES, {task.task_id: scores[task.task_id] for task in tasks})
    write_json(out / METRICS, metrics)
    return metrics


@dataclass(frozen=True, slots=True)
class Judgement:
    """What predictions are worth whose making is not known."""

    metrics: dict[str, Any]
    scores: dict[str, Score]


def judge(benchmark: Benchmark, tasks: Sequence[Task], predictions: Mapping[str, str]) -> Judgement:
    """Score a prediction for each task."""
    scores = score_all(benchmark.score, tasks, predictions)
    return Judgement(summarize(tasks, scores, {}, benchmark.aggregates), scores)


def write_judgement(out: Path, judgement: Judgement) -> None:
    """Write `scores.jsonl` and `metrics.json`; raise `EvaluationError` where `out` holds a run's."""
    if (out / PREDICTIONS).exists():
        raise EvaluationError(f"{out} is the folder of a run; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_scores(out / SCORES, judgement.scores)
    write_json(out / METRICS, judgement.metrics)


def _earlier(log: RecordLog[Record], tasks: Sequence[Task]) -> dict[str, Record]:
    records = log.read()
    known = {task.task_id for task in tasks}
    stranger = next((task_id for task_id in records if task_id not in known), None)
    if stranger is not None:
        raise EvaluationError(
            f"{log.path}: has a prediction for '{stranger}', no task of this run; choose another --out"
        )
    return records


def _incomplete(failures: Sequence[Failure], num_done: int, num_tasks: int, out: Path) -> EvaluationError:
    first = failures[0]
    stopped = f"; stopped after {GIVE_UP_AFTER} failures in a row" if len(failures) >= GIVE_UP_AFTER else ""
    return EvaluationError(
        f"{len(failures)} tasks failed, the first is '{first.task_id}': {first.error}{stopped}. "
        f"{num_done} of {num_tasks} are in {out}; the same command goes on from there"
    )
