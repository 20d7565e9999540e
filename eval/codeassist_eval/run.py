"""The runner: tasks through a completer, written as they come, judged when all are there.

Knows neither models nor retrieval: it is handed a completer, and a retriever for each task.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retriever
from codeassist_eval.benchmark import Benchmark
from codeassist_eval.completer import Completer
from codeassist_eval.contexts import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics import Score
from codeassist_eval.run_folder import (
    METRICS,
    PREDICTIONS,
    SCORES,
    Record,
    UsedContext,
    open_log,
    recover,
    write_json,
    write_scores,
)
from codeassist_eval.scoring import score_all
from codeassist_eval.summary import summarize
from codeassist_eval.tasks import Task

# A server that died, or a model that cannot run, fails every task: three in a row are not the tasks' fault.
_GIVE_UP_AFTER = 3


class Watcher(Protocol):
    """Who watches a run: a progress bar, or nobody."""

    def task_done(self, record: Record, score: Score) -> None:
        """Take note of one finished task, also of those that an earlier run finished."""
        ...


class NoWatcher:
    """Nobody watches."""

    def task_done(self, record: Record, score: Score) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each completion may be, and the seed it is drawn with."""

    max_new_tokens: int
    max_lines: int | None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that could not be completed, and the error that says why."""

    task_id: str
    error: CodeAssistError


def run_tasks(
    benchmark: Benchmark,
    tasks: Sequence[Task],
    completer: Completer,
    retriever_for: RetrieverFor,
    limits: Limits,
    out: Path,
    watcher: Watcher | None = None,
    clock: Callable[[], float] = time.perf_counter,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Complete what `out` lacks of `tasks`, then write scores and metrics there and return the metrics.

    `extra` goes into the metrics as it is. Raise `EvaluationError` if a task could not be completed; what was done
    stays, and the same call goes on from there.
    """
    watcher = watcher or NoWatcher()
    started = clock()
    records = _earlier(out / PREDICTIONS, tasks)
    todo = [task for task in tasks if task.task_id not in records]
    scores = {
        task.task_id: benchmark.score(task, records[task.task_id].pred) for task in tasks if task.task_id in records
    }
    for task_id, score in scores.items():
        watcher.task_done(records[task_id], score)
    by_id = {task.task_id: task for task in todo}
    failures: list[Failure] = []
    with open_log(out / PREDICTIONS) as log:
        for outcome in _outcomes(todo, completer, retriever_for, limits, clock):
            if isinstance(outcome, Failure):
                failures.append(outcome)
                continue
            log.append(outcome)
            records[outcome.task_id] = outcome
            scores[outcome.task_id] = score = benchmark.score(by_id[outcome.task_id], outcome.pred)
            watcher.task_done(outcome, score)
    if failures:
        raise _incomplete(failures, len(records), len(tasks), out)
    return finish(
        benchmark, tasks, records, scores, out, {**(extra or {}), "wall_seconds": round(clock() - started, 3)}
    )


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


def _earlier(path: Path, tasks: Sequence[Task]) -> dict[str, Record]:
    records = recover(path)
    known = {task.task_id for task in tasks}
    stranger = next((task_id for task_id in records if task_id not in known), None)
    if stranger is not None:
        raise EvaluationError(f"{path}: has a prediction for '{stranger}', no task of this run; choose another --out")
    return records


def _outcomes(
    tasks: Sequence[Task],
    completer: Completer,
    retriever_for: RetrieverFor,
    limits: Limits,
    clock: Callable[[], float],
) -> Iterator[Record | Failure]:
    """Complete the tasks one by one; end early where failures in a row say that the engine is what fails.

    An `EvaluationError` is not a failure of one task: the run's own input is wrong, and it is raised at once.
    """
    in_a_row = 0
    for task in tasks:
        try:
            record = _complete(task, completer, retriever_for(task), limits, clock)
        except EvaluationError:
            raise
        except CodeAssistError as error:
            in_a_row += 1
            yield Failure(task.task_id, error)
            if in_a_row == _GIVE_UP_AFTER:
                return
        else:
            in_a_row = 0
            yield record


def _complete(
    task: Task, completer: Completer, retriever: Retriever, limits: Limits, clock: Callable[[], float]
) -> Record:
    request = CompletionRequest(
        path=task.path,
        prefix=task.prefix,
        suffix=task.suffix,
        max_new_tokens=limits.max_new_tokens,
        max_lines=limits.max_lines,
        seed=limits.seed,
    )
    started = clock()
    completion = completer.complete(request, retriever)
    seconds = clock() - started
    return Record(
        task_id=task.task_id,
        pred=completion.text,
        raw_text=completion.raw_text,
        finish_reason=completion.finish_reason,
        num_prompt_tokens=completion.num_prompt_tokens,
        num_cached_tokens=completion.num_cached_tokens,
        num_new_tokens=completion.num_new_tokens,
        seconds=seconds,
        stage_ms=dict(completion.stage_ms),
        snippets=tuple(
            UsedContext(s.path, s.start_line, s.end_line, s.source, s.score, used.num_tokens)
            for used in completion.snippets
            for s in [used.snippet]
        ),
        confidence=completion.confidence,
    )


def _incomplete(failures: Sequence[Failure], num_done: int, num_tasks: int, out: Path) -> EvaluationError:
    first = failures[0]
    stopped = f"; stopped after {_GIVE_UP_AFTER} failures in a row" if len(failures) >= _GIVE_UP_AFTER else ""
    return EvaluationError(
        f"{len(failures)} tasks failed, the first is '{first.task_id}': {first.error}{stopped}. "
        f"{num_done} of {num_tasks} are in {out}; the same command goes on from there"
    )
