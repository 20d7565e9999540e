"""Edited tasks through the live cache and, for the same state, through a full recomputation.

The cache is exact before the first step, as after a user's pause, and nothing heals it in between: what an answer is
worth right after an edit is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from codeassist.completion.session import Session
from codeassist.engine.layers.model import PREFILL_CHUNK
from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist_eval.contexts.registry import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record
from codeassist_eval.runs.schedule import GIVE_UP_AFTER, Failure, Limits, engine_s, record_of, request_of
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.edits import FULL_STAGE, LIVE_STAGE, base_id, edited_task
from codeassist_eval.typing.typing_replay import Side, first_token_ms, twin
from codeassist_eval.typing.typing_sessions import FixedRetriever


class Replayed:
    """A schedule that replays tasks which `edits.expand` made. `Record.reference` is the full recomputation's answer.

    Tasks made from one task follow each other: their last state is the same, so it is recomputed once. The snippets
    are those found for the last state, at every step: retrieval is sticky while a user types.
    """

    def __init__(
        self,
        session: Session,
        retriever_for: RetrieverFor,
        limits: Limits,
        seed: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._live = Side(session)
        self._full = Side(twin(session, exact=True))
        self._retriever_for = retriever_for
        self._limits = limits
        self._seed = seed
        self._clock = clock
        self._recomputed: tuple[str, Completion] | None = None
        self._engine_s = 0.0
        self.idle_s = 0.0

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Replay in order."""
        in_a_row = 0
        before = self._clock()
        for task in tasks:
            self._engine_s = 0.0
            try:
                outcome: Record | Failure = self._replay(task)
                in_a_row = 0
            except EvaluationError:
                raise
            except CodeAssistError as error:
                outcome = Failure(task.task_id, error)
                self._recomputed = None
                in_a_row += 1
            yield outcome
            if in_a_row == GIVE_UP_AFTER:
                return
            now = self._clock()
            if isinstance(outcome, Record):
                self.idle_s += max(0.0, now - before - self._engine_s)
            before = now

    def _replay(self, task: Task) -> Record:
        request = request_of(task, self._limits)
        found = self._retriever_for(task).retrieve(request, self._live.session.prompter.budget.snippet_chars)
        retriever = FixedRetriever(found.snippets)
        full = self._recompute(task, request, retriever)
        edited = edited_task(task, self._seed)
        self._show(replace(request, prefix=edited.before.prefix, suffix=edited.before.suffix), retriever)
        for step in edited.steps[:-1]:
            typed = replace(request, prefix=step.prefix, suffix=step.suffix, max_new_tokens=1)
            self._complete(self._live, typed, retriever)
        started = self._clock()
        live = self._complete(self._live, request, retriever)
        record = record_of(task, live, self._clock() - started)
        stages = {
            **record.stage_ms,
            **{f"retrieve_{name}": ms for name, ms in found.stage_ms.items()},
            LIVE_STAGE: first_token_ms(live),
            FULL_STAGE: first_token_ms(full),
        }
        return replace(record, stage_ms=stages, reference=full.text)

    def _recompute(self, task: Task, request: CompletionRequest, retriever: Retriever) -> Completion:
        """The answer from an empty cache."""
        name = base_id(task.task_id)
        if self._recomputed is None or self._recomputed[0] != name:
            self._full.document.close()
            self._live.document.close()  # of another task, whose states are of no use
            self._recomputed = name, self._complete(self._full, request, retriever)
        return self._recomputed[1]

    def _show(self, request: CompletionRequest, retriever: Retriever) -> None:
        """Bring the live cache to a state, and make every slot of it exact."""
        self._complete(self._live, replace(request, max_new_tokens=1), retriever)
        started = self._clock()
        engine, cache = self._live.session.engine, self._live.cache
        while cache.can_heal:
            engine.heal(cache, PREFILL_CHUNK)
        self._engine_s += self._clock() - started

    def _complete(self, side: Side, request: CompletionRequest, retriever: Retriever) -> Completion:
        completion = side.complete(request, retriever)
        self._engine_s += engine_s(completion.trace.stage_ms)
        return completion
