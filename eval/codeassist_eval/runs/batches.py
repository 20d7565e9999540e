"""The engine of this machine for evaluation: prompts read one after the other, answers written together, bit for bit.

The pipeline is the product's; what writes the answers is another generator. Writing reads all weights for every token,
so that several answers cost hardly more than one; reading a prompt of some hundred tokens keeps the cores busy already
(docs/decisions/2026-11-21-local-batches.md).

An answer depends on nothing but its prompt: not on the tasks before it, nor on those beside it. Passes of other shapes
round differently, and int8 makes near ties of that fall either way. So nothing is drafted (a draft's length follows
from measured times), and of what a cache has in common with a prompt whole passes are kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import AnswerReader, Generated, Prepared, complete
from codeassist.completion.session import Session
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.reuse import common_prefix
from codeassist.engine.decoding.batch import Continued, copy_prefix, decode_together
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.layers.model import PREFILL_CHUNK
from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retrieval, Retriever
from codeassist_eval.contexts.registry import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record
from codeassist_eval.runs.schedule import GIVE_UP_AFTER, Failure, OfOneEngine, engine_s, record_of, request_of
from codeassist_eval.tasks.completer import BatchCompleter
from codeassist_eval.tasks.task import Task


@dataclass(frozen=True, slots=True)
class _Prefilled:
    """A prompt whose states stand in a cache, and everything that its completion is made of."""

    prepared: Prepared
    answer: AnswerReader
    continued: Continued
    num_encoded: int
    prefill_ms: float


class BatchedSession:
    """A session's model with `size` exact caches. Answers are those of the session without drafts on an empty cache.

    A prompt goes into the free cache that begins most like it, and gets its beginning copied from another one that has
    more of it, so that tasks of one file read what they share once.
    """

    def __init__(self, session: Session, size: int) -> None:
        engine = session.engine
        one = LiveCache(engine.model, engine.max_tokens)
        self.size = max(1, min(size, engine.memory_bytes // (engine.max_tokens * one.states.bytes_per_slot)))
        self._session = session
        self._caches = [one, *(LiveCache(engine.model, engine.max_tokens) for _ in range(self.size - 1))]
        self._alone = LiveCache(engine.model, engine.max_tokens)
        self._all = [*self._caches, self._alone]

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Complete one request. A retriever may ask for this while its own task's batch is being read."""
        (answer,) = self._complete([(request, retriever)], [self._alone])
        if isinstance(answer, CodeAssistError):
            raise answer
        return answer

    def complete_all(self, asked: Sequence[tuple[CompletionRequest, Retriever]]) -> list[Completion | CodeAssistError]:
        """Complete up to `size` requests, in their order; one that fails does not end the others."""
        assert len(asked) <= self.size
        return self._complete(asked, list(self._caches))

    def _complete(
        self, asked: Sequence[tuple[CompletionRequest, Retriever]], free: list[LiveCache]
    ) -> list[Completion | CodeAssistError]:
        ready: list[_Prefilled | CodeAssistError] = []
        for request, retriever in asked:
            try:
                ready.append(self._read(request, retriever, free))
            except EvaluationError:
                raise
            except CodeAssistError as error:
                ready.append(error)
        batch = [read for read in ready if isinstance(read, _Prefilled)]
        started = time.perf_counter()
        decode_together(self._session.engine.model, [read.continued for read in batch])
        decode_ms = (time.perf_counter() - started) * 1e3 / max(len(batch), 1)
        for read in batch:
            read.continued.cache.truncate(len(read.prepared.prompt.tokens))
        return [self._completion(read, decode_ms) if isinstance(read, _Prefilled) else read for read in ready]

    def _read(self, request: CompletionRequest, retriever: Retriever, free: list[LiveCache]) -> _Prefilled:
        """Find snippets, lay out the prompt and encode it into one of the `free` caches, which it is taken from."""
        session = self._session
        prepared = session.prompter.prepare(request, retriever, DocumentState(request.path))
        built = time.perf_counter()
        tokens = list(prepared.prompt.tokens)
        cache = max(free, key=lambda one: common_prefix(one.tokens, tokens))
        copy_prefix(max(self._all, key=lambda one: common_prefix(one.tokens, tokens)), cache, tokens)
        kept = min(common_prefix(cache.tokens, tokens), len(tokens) - 1)
        cache.truncate(kept - kept % PREFILL_CHUNK)
        hidden, report = cache.sync(tokens, exact=True)
        free.remove(cache)
        answer = AnswerReader(request)
        params = DecodeParams(request.max_new_tokens, session.stop_ids, request.temperature, request.seed)
        continued = Continued(
            cache, hidden, params, lambda token, logprob: answer.read(session.tokenizer.token_bytes(token), logprob)
        )
        return _Prefilled(prepared, answer, continued, report.num_encoded, (time.perf_counter() - built) * 1e3)

    def _completion(self, read: _Prefilled, decode_ms: float) -> Completion:
        """`decode_ms`: the batch's time of writing, in equal shares."""
        decoded, before = read.continued.answer, read.prepared.trace
        stages = {**before.stage_ms, "prefill": read.prefill_ms, "decode": decode_ms}
        trace = replace(
            before,
            stage_ms=stages,
            num_cached_tokens=before.num_prompt_tokens - read.num_encoded,
            num_new_tokens=len(decoded.tokens),
            notices=self._session.notices,
        )
        end = "stop_token" if decoded.end == "stop_token" else "max_tokens"
        generated = Generated(read.prepared, read.answer, end, trace)
        total_ms = sum(stages[name] for name in ("retrieve", "prompt", "prefill", "decode"))
        return complete(generated, self._session.model_name, total_ms)


class InBatches(OfOneEngine[BatchCompleter]):
    """The schedule of a batched session: as many tasks at a time as it takes, in order."""

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Record | Failure]:
        """Complete in order, a batch at a time."""
        in_a_row = 0
        before = self._clock()
        for start in range(0, len(tasks), self._completer.size):
            batch = tasks[start : start + self._completer.size]
            asked = [(request_of(task, self._limits), _Late(self._retriever_for, task)) for task in batch]
            worked_s = 0.0
            for task, answer in zip(batch, self._completer.complete_all(asked), strict=True):
                if isinstance(answer, CodeAssistError):
                    in_a_row += 1
                    yield Failure(task.task_id, answer)
                else:
                    in_a_row = 0
                    worked_s += engine_s(answer.trace.stage_ms)
                    yield record_of(task, answer, answer.trace.stage_ms["total"] / 1e3)
                if in_a_row == GIVE_UP_AFTER:
                    return
            now = self._clock()
            self.idle_s += max(0.0, now - before - worked_s)
            before = now


@dataclass(frozen=True, slots=True)
class _Late:
    """A task's retriever, made when it is asked: those of an index serve one task at a time, in order."""

    retriever_for: RetrieverFor
    task: Task

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return what the task's retriever finds."""
        return self.retriever_for(self.task).retrieve(request, max_chars)
