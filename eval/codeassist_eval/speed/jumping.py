"""What waiting for new snippets costs and brings, at the first request after a jump within a file.

Each task's file is completed at another line first, and all that idle time has to do is done. Then somebody goes to the
task's cursor: he is answered from what is read in time, then once more with all snippets.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, score
from codeassist_eval.metrics.score import Score, aggregate
from codeassist_eval.percentiles import percentiles
from codeassist_eval.tasks.task import Task

_MAX_NEW_TOKENS = 50
_PATIENCE_MS = 1e9  # of the file itself all is read
_FAR_LINES, _NEAR_LINES = 25, 8  # from the task's cursor, where the file has so many


@dataclass(frozen=True, slots=True)
class JumpFigures:
    """Of answers that wait for new snippets as long as told, or for all of them: milliseconds until the prompt was
    read, the benchmark's metrics, and how many snippets they saw. `num_hasty` of the tasks had snippets left out."""

    snippets_ms: float | None
    read_ms: Mapping[str, float]
    metrics: Mapping[str, float]
    snippets_mean: float
    num_hasty: int


@dataclass(frozen=True, slots=True)
class Jump:
    """The answers at one task's cursor, the one that waits least first."""

    task: Task
    answers: tuple[Completion, ...]

    @property
    def scores(self) -> tuple[Score, ...]:
        """The benchmark's, of each answer."""
        return tuple(score(self.task, each.text) for each in self.answers)


def jump(
    session: Session,
    tasks: Sequence[Task],
    retriever_for: Callable[[Task], Retriever],
    waits: Sequence[float | None],
    seed: int,
    progress: Progress,
) -> list[Jump]:
    """Answer at each task's cursor once for each of `waits`, rising, in milliseconds for new snippets; None: for all.

    What an answer has read stands for the next one, which then reads the rest: its time is for both together.
    """
    jumps: list[Jump] = []
    for number, task in enumerate(tasks):
        progress("jumping", number, len(tasks))
        retriever = retriever_for(task)
        document = DocumentState(task.task_id, policy=SnippetPolicy())
        session.complete(_elsewhere(task, seed), retriever, document=document)
        cache = document.cache(session.engine)
        while session.engine.heal(cache, 512):
            pass
        answers: list[Completion] = []
        for wait_ms in waits:
            here = CompletionRequest(
                task.path,
                task.prefix,
                task.suffix,
                _MAX_NEW_TOKENS,
                max_lines=1,
                patience_ms=_PATIENCE_MS,
                snippets_ms=wait_ms,
            )
            answers.append(session.complete(here, retriever, document=document))
        document.discard()
        jumps.append(Jump(task, tuple(answers)))
    return jumps


def figures_of(jumps: Sequence[Jump], waits: Sequence[float | None]) -> list[JumpFigures]:
    """Return the figures for each wait."""
    figures: list[JumpFigures] = []
    for which, wait_ms in enumerate(waits):
        answers = [each.answers[which] for each in jumps]
        read_ms = percentiles(
            (sum(answer.trace.stage_ms["prefill"] for answer in each.answers[: which + 1]) for each in jumps), digits=1
        )
        assert read_ms is not None, "there are tasks"
        figures.append(
            JumpFigures(
                wait_ms,
                read_ms,
                aggregate([each.scores[which] for each in jumps], BENCHMARK.aggregates),
                round(sum(len(answer.snippets) for answer in answers) / len(answers), 2),
                sum(answer.trace.is_hasty for answer in answers),
            )
        )
    return figures


def _elsewhere(task: Task, seed: int) -> CompletionRequest:
    """A request at the first letter of another line of the task's file, drawn with the seed."""
    lines = (task.prefix + task.suffix).split("\n")
    at = task.prefix.count("\n")
    written = [number for number, line in enumerate(lines) if line.strip()]
    for least in (_FAR_LINES, _NEAR_LINES, 0):
        far = [number for number in written if abs(number - at) >= least]
        if far:
            break
    line = random.Random(f"{seed} {task.task_id}").choice(far or [0])
    column = len(lines[line]) - len(lines[line].lstrip())
    before = "\n".join([*lines[:line], lines[line][:column]])
    after = "\n".join([lines[line][column:], *lines[line + 1 :]])
    return CompletionRequest(task.path, before, after, _MAX_NEW_TOKENS, max_lines=1)
