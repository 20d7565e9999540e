"""Runs side by side: every metric with its interval against the first run, and the tasks where they differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist_eval.errors import EvaluationError
from codeassist_eval.reports.saved_runs import Run, read_run
from codeassist_eval.tasks.paired_bootstrap import Counts, Interval, bootstrap, count_solved


@dataclass(frozen=True, slots=True)
class Difference:
    """One task that one of two runs solved and the other did not."""

    task_id: str
    target: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class AgainstFirst:
    """One run against the first: differences of the printed metrics, who solved what, and examples of both kinds."""

    label: str
    intervals: dict[str, Interval]
    solved: Counts
    gained: tuple[Difference, ...]
    lost: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All runs over the tasks that they have in common; `metrics` by run, in the order given."""

    num_tasks: int
    num_left_out: int  # tasks that some run has and another has not
    metrics: dict[str, dict[str, float]]
    seconds: dict[str, float]  # mean of a task, by run
    prompt_tokens: dict[str, float]
    against_first: tuple[AgainstFirst, ...]

    def as_document(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return dataclasses.asdict(self)


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read finished runs of one benchmark. Runs in folders of one name are told apart by the folders above."""
    runs = [read_run(folder) for folder in folders]
    names = {run.manifest["benchmark"] for run in runs}
    if len(names) > 1:
        raise EvaluationError(f"runs of different benchmarks cannot be compared: {', '.join(sorted(names))}")
    if len({run.label for run in runs}) < len(runs):
        runs = [dataclasses.replace(run, label=str(folder)) for run, folder in zip(runs, folders, strict=True)]
    return runs


def compare(runs: Sequence[Run], seed: int, num_examples: int) -> Comparison:
    """Compare at least one run, each of the others with the first, over the tasks that all have."""
    first, *others = runs
    task_ids = [task_id for task_id in first.scores if all(task_id in run.scores for run in others)]
    if not task_ids:
        raise EvaluationError(f"{', '.join(run.label for run in runs)}: have no task in common")
    aggregates = first.benchmark.aggregates
    every_id = {task_id for run in runs for task_id in run.scores}
    return Comparison(
        num_tasks=len(task_ids),
        num_left_out=len(every_id) - len(task_ids),
        metrics={
            run.label: {name: total(_values(run, name, task_ids)) for name, total in aggregates.items()} for run in runs
        },
        seconds={run.label: _mean([run.records[task_id].seconds for task_id in task_ids]) for run in runs},
        prompt_tokens={
            run.label: _mean([run.records[task_id].num_prompt_tokens for task_id in task_ids]) for run in runs
        },
        against_first=tuple(_against(first, run, task_ids, seed, num_examples) for run in others),
    )


def _against(first: Run, second: Run, task_ids: Sequence[str], seed: int, num_examples: int) -> AgainstFirst:
    intervals: dict[str, Interval] = {}
    for name, total in first.benchmark.aggregates.items():
        found = bootstrap(_values(first, name, task_ids), _values(second, name, task_ids), seed)
        intervals[name] = Interval(*(round(value * total.scale, 2) for value in dataclasses.astuple(found)))
    was = [value == 1 for value in _values(first, "em", task_ids)]
    now = [value == 1 for value in _values(second, "em", task_ids)]
    differing = [(task_id, after) for task_id, before, after in zip(task_ids, was, now, strict=True) if before != after]
    return AgainstFirst(
        label=second.label,
        intervals=intervals,
        solved=count_solved(was, now),
        gained=_examples(first, second, [task_id for task_id, after in differing if after], num_examples),
        lost=_examples(first, second, [task_id for task_id, after in differing if not after], num_examples),
    )


def _examples(first: Run, second: Run, task_ids: Sequence[str], count: int) -> tuple[Difference, ...]:
    return tuple(
        Difference(task_id, first.scores[task_id].target, first.scores[task_id].judged, second.scores[task_id].judged)
        for task_id in task_ids[:count]
    )


def _values(run: Run, metric: str, task_ids: Sequence[str]) -> list[float]:
    return [run.scores[task_id].values[metric] for task_id in task_ids]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
