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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from codeassist.completion.pipeline import AnswerReader, Generated, Job, Prepared
from codeassist.completion.session import Session
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.reuse import common_prefix
from codeassist.engine.decoding.batch import Continued, copy_prefix, decode_together
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.decoding.spelling import spell
from codeassist.engine.layers.model import PREFILL_CHUNK
from codeassist.errors import CodeAssistError


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
        size = max(1, min(size, engine.memory_bytes // (engine.max_tokens * one.states.bytes_per_slot)))
        self._session = session
        self._caches = [one, *(LiveCache(engine.model, engine.max_tokens) for _ in range(size - 1))]
        self._alone = LiveCache(engine.model, engine.max_tokens)
        self._all = [*self._caches, self._alone]
        self._is_reading = False

    @property
    def model_name(self) -> str:
        """Return the model's."""
        return self._session.model_name

    @property
    def num_at_once(self) -> int:
        """Return the batch's size."""
        return len(self._caches)

    def generate(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
        """Answer jobs a batch at a time, as `Generator` says.

        A retriever may ask for an answer of its own while its job's batch is being read.
        """
        if self._is_reading:
            yield from self._answered(jobs, [self._alone])
            return
        waiting = iter(jobs)
        while batch := list(islice(waiting, self.num_at_once)):
            yield from self._answered(batch, list(self._caches))

    def _answered(
        self, jobs: Iterable[Job], free: list[LiveCache]
    ) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
        ready = [(job, self._read_or_fail(job, free)) for job in jobs]
        batch = [read for _, read in ready if isinstance(read, _Prefilled)]
        started = time.perf_counter()
        decode_together(self._session.engine.model, [read.continued for read in batch])
        decode_ms = (time.perf_counter() - started) * 1e3 / max(len(batch), 1)
        for read in batch:
            read.continued.cache.truncate(len(read.prepared.prompt.tokens))
        for job, read in ready:
            yield job, self._generated(read, decode_ms) if isinstance(read, _Prefilled) else read

    def _read_or_fail(self, job: Job, free: list[LiveCache]) -> _Prefilled | CodeAssistError:
        is_first, self._is_reading = not self._is_reading, True
        try:
            return self._read(job, free)
        except CodeAssistError as error:
            return error
        finally:
            self._is_reading = not is_first

    def _read(self, job: Job, free: list[LiveCache]) -> _Prefilled:
        """Find snippets, lay out the prompt and encode it into one of the `free` caches, which it is taken from."""
        session, request = self._session, job.request
        prepared = session.prompter.prepare(request, job.retriever, job.document)
        built = time.perf_counter()
        tokens = list(prepared.prompt.tokens)
        cache = max(free, key=lambda one: common_prefix(one.tokens, tokens))
        copy_prefix(max(self._all, key=lambda one: common_prefix(one.tokens, tokens)), cache, tokens)
        kept = min(common_prefix(cache.tokens, tokens), len(tokens) - 1)
        cache.truncate(kept - kept % PREFILL_CHUNK)
        hidden, report = cache.sync(tokens, exact=True)
        free.remove(cache)
        answer = AnswerReader(request, prepared.word)
        first_logits = None if prepared.word is None else spell(cache, hidden, prepared.word).logits
        params = DecodeParams(request.max_new_tokens, session.stop_ids, request.temperature, request.seed)
        continued = Continued(
            cache,
            hidden,
            params,
            lambda token, logprob: answer.read(session.tokenizer.token_bytes(token), logprob),
            first_logits,
        )
        return _Prefilled(prepared, answer, continued, report.num_encoded, (time.perf_counter() - built) * 1e3)

    def _generated(self, read: _Prefilled, decode_ms: float) -> Generated:
        """`decode_ms`: the batch's time of writing, in equal shares."""
        decoded, before = read.continued.answer, read.prepared.trace
        trace = replace(
            before,
            stage_ms={**before.stage_ms, "prefill": read.prefill_ms, "decode": decode_ms},
            num_cached_tokens=before.num_prompt_tokens - read.num_encoded,
            num_new_tokens=len(decoded.tokens),
            notices=self._session.notices,
        )
        end = "stop_token" if decoded.end == "stop_token" else "max_tokens"
        return Generated(read.prepared, read.answer, end, trace, read.prefill_ms + decode_ms)
