"""How tasks go through an engine: one after the other, or many at once.

A schedule also says for how long the engine could have worked and did not: that is what the harness costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest
from codeassist_eval.contexts.registry import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record, UsedContext
from codeassist_eval.tasks.completer import Completer, ParallelCompleter
from codeassist_eval.tasks.task import Task

C = TypeVar("C")

# A server that died, or a model that cannot run, fails every task: three in a row are not the tasks' fault.
GIVE_UP_AFTER = 3
# Stages in which an engine works; RepoCoder's first guess is one made while retrieving.
_ENGINE_STAGES = ("prefill", "decode", "request", "retrieve_first_guess")


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


class Schedule(Protocol):
    """Puts tasks through an engine."""

    @property
    def idle_s(self) -> float:
        """Seconds in which the engine had nothing to do though tasks were left; of a server, times its share of it."""
        ...

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Yield what became of each task, as it is done; end early where failures in a row blame the engine.

        An `EvaluationError` is not a failure of one task: the run's own input is wrong, and it is raised at once.
        """
        ...


class OfOneEngine(Generic[C]):
    """What every schedule is made of: who completes, where context comes from, and the clock that tells idle time."""

    def __init__(
        self,
        completer: C,
        retriever_for: RetrieverFor,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._completer = completer
        self._retriever_for = retriever_for
        self._limits = limits
        self._clock = clock
        self.idle_s = 0.0


class OneByOne(OfOneEngine[Completer]):
    """The schedule of an engine that does one thing at a time, which is what this machine's cores allow."""

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Complete in order."""
        in_a_row = 0
        before = self._clock()
        for task in tasks:
            try:
                started = self._clock()
                completion = self._completer.complete(request_of(task, self._limits), self._retriever_for(task))
                record = record_of(task, completion, self._clock() - started)
            except EvaluationError:
                raise
            except CodeAssistError as error:
                in_a_row += 1
                yield Failure(task.task_id, error)
                before = self._clock()  # how much of a failure was the engine's work is not known
                if in_a_row == GIVE_UP_AFTER:
                    return
            else:
                in_a_row = 0
                yield record
                now = self._clock()
                self.idle_s += max(0.0, now - before - engine_s(record.stage_ms))
                before = now


class SideBySide(OfOneEngine[ParallelCompleter]):
    """The schedule of an engine that works on many tasks at once: a server.

    Snippets are found and prompts laid out here, in the tasks' order; requests leave in that order, so that those which
    share a beginning follow each other into the server's cache. Answers are yielded as they come.
    """

    def __init__(
        self,
        completer: ParallelCompleter,
        retriever_for: RetrieverFor,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(completer, retriever_for, limits, clock)
        self._in_flight: dict[Future[Completion], tuple[Task, float]] = {}
        self._since = 0.0

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Keep as many requests under way as the completer takes. What is under way at an early end is cancelled."""
        waiting = iter(tasks)
        num_left = len(tasks)
        in_a_row = 0
        self._since = self._clock()
        try:
            while num_left or self._in_flight:
                finished: list[Record | Failure] = []
                if num_left and len(self._in_flight) < self._completer.num_at_once:
                    task = next(waiting)
                    failure = self._start(task)
                    num_left -= 1
                    finished += [failure] if failure else []
                is_full = not num_left or len(self._in_flight) >= self._completer.num_at_once
                finished += self._finished(None if is_full and not finished else 0.0, is_more_left=num_left > 0)
                for outcome in finished:
                    in_a_row = in_a_row + 1 if isinstance(outcome, Failure) else 0
                    yield outcome
                    if in_a_row == GIVE_UP_AFTER:
                        return
        finally:
            for future in self._in_flight:
                future.cancel()
            wait(self._in_flight)
            self._in_flight.clear()

    def _start(self, task: Task) -> Failure | None:
        """Send one task on its way. The time since the last look had one request less under way."""
        started = self._clock()
        try:
            future = self._completer.start(request_of(task, self._limits), self._retriever_for(task))
        except EvaluationError:
            raise
        except CodeAssistError as error:
            return Failure(task.task_id, error)
        self._count_idle()
        self._in_flight[future] = (task, started)
        return None

    def _finished(self, timeout_s: float | None, *, is_more_left: bool) -> list[Record | Failure]:
        """What has been answered, after at most `timeout_s` (None: when there is something)."""
        done, _ = wait(self._in_flight, timeout_s, FIRST_COMPLETED) if self._in_flight else (set(), None)
        if is_more_left:
            self._count_idle()
        found: list[Record | Failure] = []
        for future in done:
            task, started = self._in_flight.pop(future)
            try:
                found.append(record_of(task, future.result(), self._clock() - started))
            except CodeAssistError as error:
                found.append(Failure(task.task_id, error))
        return found

    def _count_idle(self) -> None:
        """Count the time since the last call, as far as fewer requests than possible were under way."""
        now = self._clock()
        free = 1 - len(self._in_flight) / self._completer.num_at_once
        self.idle_s += max(0.0, free) * (now - self._since)
        self._since = now


def request_of(task: Task, limits: Limits) -> CompletionRequest:
    """What an engine is asked for a task."""
    return CompletionRequest(
        path=task.path,
        prefix=task.prefix,
        suffix=task.suffix,
        max_new_tokens=limits.max_new_tokens,
        max_lines=limits.max_lines,
        seed=limits.seed,
    )


def record_of(task: Task, completion: Completion, seconds: float) -> Record:
    """What is written of a task that is done."""
    return Record(
        task_id=task.task_id,
        pred=completion.text,
        raw_text=completion.raw_text,
        finish_reason=completion.finish_reason,
        num_prompt_tokens=completion.trace.num_prompt_tokens,
        num_cached_tokens=completion.trace.num_cached_tokens,
        num_new_tokens=completion.trace.num_new_tokens,
        seconds=seconds,
        stage_ms=dict(completion.trace.stage_ms),
        snippets=tuple(
            UsedContext(s.path, s.start_line, s.end_line, s.source, s.score, used.num_tokens)
            for used in completion.snippets
            for s in [used.snippet]
        ),
        confidence=completion.confidence,
    )


def engine_s(stage_ms: Mapping[str, float]) -> float:
    """How many seconds of a completion were the engine's own work."""
    return sum(stage_ms.get(stage, 0.0) for stage in _ENGINE_STAGES) / 1e3
