"""How tasks go through the pipeline: as many at once as its generator works on.

A schedule also says for how long the engine could have worked and did not: that is what the harness costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job
from codeassist.errors import CodeAssistError
from codeassist.request import AnswerToken, Completion, CompletionRequest, Extent, Retrieval
from codeassist_eval.contexts.registry import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record, UsedContext
from codeassist_eval.tasks.completer import Completer
from codeassist_eval.tasks.task import Task
from codeassist_indexer.open_document.reader import READER

# A server that died, or a model that cannot run, fails every task: three in a row are not the tasks' fault.
GIVE_UP_AFTER = 3
_PROBABILITY_DECIMALS = 5
# Stages in which an engine works; RepoCoder's first guess is one made while retrieving.
_ENGINE_STAGES = ("prefill", "decode", "request", "retrieve_first_guess")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each completion may be, and the seed it is drawn with.

    `as_editor`: a line where the place asks for a line, else a block of at most `max_lines`, as an editor is shown.
    """

    max_new_tokens: int
    max_lines: int | None
    seed: int = 0
    as_editor: bool = False


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


class Tasks:
    """The schedule of every generator: tasks are handed over in order, as many at once as it works on.

    What is under way at an early end is cancelled.
    """

    def __init__(
        self,
        completer: Completer,
        retriever_for: RetrieverFor,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._completer = completer
        self._retriever_for = retriever_for
        self._limits = limits
        self._clock = clock
        self.idle_s = 0.0

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Yield what became of each task, as it is done."""
        task_of: dict[Job, Task] = {}

        def jobs() -> Iterator[Job]:
            for task in tasks:
                job = Job(request_of(task, self._limits), _Late(self._retriever_for, task), DocumentState(task.path))
                task_of[job] = task
                yield job

        in_a_row = 0
        began = before = self._clock()
        not_idle_s = 0.0
        for job, outcome in self._completer.completions(jobs()):
            task = task_of.pop(job)
            if isinstance(outcome, EvaluationError):
                raise outcome
            if isinstance(outcome, CodeAssistError):
                in_a_row += 1
                not_idle_s += self._clock() - before  # how much of a failure was the engine's work is not known
                yield Failure(task.task_id, outcome)
            else:
                in_a_row = 0
                not_idle_s += engine_s(outcome.trace.stage_ms) / self._completer.num_parallel
                yield record_of(task, outcome, outcome.trace.stage_ms["total"] / 1e3)
            if in_a_row == GIVE_UP_AFTER:
                return
            before = self._clock()
            self.idle_s = max(0.0, before - began - not_idle_s)


@dataclass(frozen=True, slots=True)
class _Late:
    """A task's retriever, made when it is asked: those of an index serve one task at a time, in order."""

    retriever_for: RetrieverFor
    task: Task

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return what the task's retriever finds."""
        return self.retriever_for(self.task).retrieve(request, max_chars)


def request_of(task: Task, limits: Limits) -> CompletionRequest:
    """What an engine is asked for a task."""
    extent: Extent = "block" if limits.as_editor and _is_block(task) else "lines"
    return CompletionRequest(
        path=task.path,
        prefix=task.prefix,
        suffix=task.suffix,
        max_new_tokens=limits.max_new_tokens,
        max_lines=1 if limits.as_editor and extent == "lines" else limits.max_lines,
        seed=limits.seed,
        extent=extent,
    )


def _is_block(task: Task) -> bool:
    return READER.extent(task.prefix, task.suffix, task.path) == "block"


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
        tokens=tuple(
            AnswerToken(token.text, round(token.probability, _PROBABILITY_DECIMALS))
            for token in completion.trace.tokens
        ),
    )


def engine_s(stage_ms: Mapping[str, float]) -> float:
    """How many seconds of a completion were the engine's own work."""
    return sum(stage_ms.get(stage, 0.0) for stage in _ENGINE_STAGES) / 1e3
