"""A loaded model that completes requests: the pipeline with this process's engine as its generator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import (
    AnswerReader,
    Generated,
    Job,
    Prepared,
    Prompter,
    complete,
    completion_of,
    never,
)
from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retriever

if TYPE_CHECKING:  # torch takes two seconds to import: only who opens a session pays for it
    from codeassist.engine.decoding.decode import DecodeParams
    from codeassist.engine.engine import Engine
    from codeassist.engine.generation import Generation
    from codeassist.engine.prompt_cache import PromptCache
    from codeassist.monitor.monitor_set import MonitorSet
    from codeassist.monitor.name_monitor import NameMonitor
    from codeassist.tokenization.tokens import Tokenizer


log = logging.getLogger(__name__)

_LEAST_TOKENS = 192
_LEAST_BEGUN = 32  # tokens of a snippet, its header with them, that are worth showing


@dataclass(frozen=True, slots=True)
class Session:
    """Completes requests, one at a time. `monitoring` begins the monitors of requests that ask for them, if any.

    `edit_form`: how its entry says that it is asked for next edits, `edit_calibration` how sure it must be there; None
    where it does not.
    """

    model_name: str
    engine: Engine
    prompter: Prompter
    notices: tuple[str, ...] = ()
    monitoring: MonitorSet | None = None
    edit_form: str | None = None
    edit_calibration: Path | None = None
    stop_ids: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        special = self.tokenizer.special
        stops = {special[text] for text in self.prompter.template.stops if text in special}
        object.__setattr__(self, "stop_ids", frozenset(stops | set(self.tokenizer.eos_ids)))

    @property
    def tokenizer(self) -> Tokenizer:
        """Return the model's."""
        return self.prompter.tokenizer

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = never,
        document: DocumentState | None = None,
    ) -> Completion:
        """Complete one request. Raises Cancelled when `cancelled()` before the first token; later, what there is
        is returned with the finish reason "cancelled".

        `document` keeps what the next request in it can use again; without one, nothing is kept.
        """
        if document is None:
            with closing(DocumentState(request.path)) as document:
                return self.complete(request, retriever, cancelled, document)
        return completion_of(self, Job(request, retriever, document, cancelled))

    @property
    def num_at_once(self) -> int:
        """Return one: the cores are busy with a single prompt already."""
        return 1

    def generate(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
        """Answer jobs one after the other, as `Generator` says."""
        for job in jobs:
            try:
                generated = self._answered(job)
            except CodeAssistError as error:
                yield job, error
            else:
                yield job, generated

    def _answered(self, job: Job) -> Generated:
        # First: what it analyses on its own thread is looked for meanwhile.
        monitor = self._monitor(job.request)
        try:
            prepared = self.prompter.prepare(job.request, job.retriever, job.document)
            return self._generate(prepared, job, monitor)
        finally:
            if monitor is not None:
                monitor.close()

    def _monitor(self, request: CompletionRequest) -> NameMonitor | None:
        """Begin what a request's names are held to; None where it asks for nothing."""
        if self.monitoring is None or request.monitor_deadline_ms is None:
            return None
        return self.monitoring.begin(request, request.monitor_deadline_ms)

    def _generate(self, prepared: Prepared, job: Job, monitor: NameMonitor | None) -> Generated:
        """Answer a prompt. One that would take longer to read than its request waits is cut."""
        looked = perf_counter()
        whole = prepared
        prepared, cache = self._in_time(whole, job.document)
        looked_ms = (perf_counter() - looked) * 1e3  # at what the cache holds of the prompt: where a sync begins
        answer = AnswerReader(prepared.request, prepared.word)
        prompt = prepared.prompt
        with self._rest_awaited(whole, prepared, job.document):
            generation = self.engine.generate(
                cache,
                prompt.tokens,
                self._decode_params(prepared.request),
                cursor=prompt.prefix.stop,
                refresh=prompt.around_cursor,
                snippets=prompt.snippet_ranges,
                accept=self._reading(answer),
                monitor=monitor,
                word=prepared.word,
                stopped=job.cancelled,
            )
        return self._generated(prepared, answer, generation, monitor, looked_ms)

    def _generate_together(
        self, prepared: Prepared, jobs: Sequence[Job], monitors: Sequence[NameMonitor | None]
    ) -> list[Generated]:
        """Answer jobs that differ in nothing but which alternative they want."""
        from codeassist.engine.decoding.decode import Alternative

        looked = perf_counter()
        whole = prepared
        prepared, cache = self._in_time(whole, jobs[0].document)
        looked_ms = (perf_counter() - looked) * 1e3
        prompt = prepared.prompt
        answers = [AnswerReader(job.request, prepared.word) for job in jobs]
        with self._rest_awaited(whole, prepared, jobs[0].document):
            generations = self.engine.generate_alternatives(
                cache,
                prompt.tokens,
                [
                    Alternative(self._decode_params(job.request), self._reading(answer), monitor)
                    for job, answer, monitor in zip(jobs, answers, monitors, strict=True)
                ],
                cursor=prompt.prefix.stop,
                refresh=prompt.around_cursor,
                snippets=prompt.snippet_ranges,
                word=prepared.word,
                stopped=jobs[0].cancelled,
            )
        return [
            self._generated(replace(prepared, request=job.request), answer, generation, monitor, looked_ms)
            for job, answer, generation, monitor in zip(jobs, answers, generations, monitors, strict=True)
        ]

    def _in_time(self, prepared: Prepared, document: DocumentState) -> tuple[Prepared, PromptCache]:
        """The prompt as it can be read in time, and the cache that it is for."""
        started, cache = perf_counter(), document.cache(self.engine)
        patience_ms, ms_per_token = prepared.request.patience_ms, self.engine.model.ms_per_token
        missing = [] if patience_ms is None else self.engine.missing(cache, prepared.layout)
        late = self._late_snippets(prepared, missing) if cache.tokens else []  # the first answer sees all of them
        total = len(prepared.prompt.tokens)
        if patience_ms is not None and (sum(map(len, missing)) - sum(map(len, late))) * ms_per_token > patience_ms:
            total = max(_LEAST_TOKENS, int(patience_ms / ms_per_token))
        if total < len(prepared.prompt.tokens):
            return self.prompter.cut(prepared, total), document.cache(self.engine, "cut")
        document.free("cut")
        if late:
            prepared = prepared.hasty(prepared.prompt.without(late), started)
        return prepared, cache

    def _late_snippets(self, prepared: Prepared, missing: Sequence[range]) -> list[range]:
        """What of snippets would have to be read, and is not worth the wait; the least worthy are the first to go.

        Where none stands in the document's cache, some are waited for as long as for the file's own part.
        """
        snippets_ms = prepared.request.snippets_ms
        if snippets_ms is None:
            return []
        slots = {slot for part in missing for slot in part}
        new = [(part, [slot for slot in part if slot in slots]) for part in reversed(prepared.prompt.snippet_ranges)]
        room = snippets_ms / self.engine.model.ms_per_token
        if all(len(unread) == len(part) for part, unread in new):
            room = max(room, len(slots) - sum(len(unread) for _, unread in new))
        late: list[range] = []
        for part, unread in new:
            if len(unread) <= room:
                room -= len(unread)
            else:  # what was read of its beginning already is shown
                begun = unread[0] - part.start
                late.append(range(unread[0] if begun >= _LEAST_BEGUN else part.start, part.stop))
        return late

    @contextmanager
    def _rest_awaited(self, whole: Prepared, read: Prepared, document: DocumentState) -> Generator[None]:
        """Have a whole prompt read when there is nothing else to do, once what could be read in time was answered."""
        try:
            yield
        finally:
            if read is not whole:
                self.engine.await_reading(document.cache(self.engine), whole.layout)

    def _reading(self, answer: AnswerReader) -> Callable[[int, float], bool]:
        return lambda token, logprob: answer.read(self.tokenizer.token_bytes(token), logprob)

    def _generated(
        self,
        prepared: Prepared,
        answer: AnswerReader,
        generation: Generation,
        monitor: NameMonitor | None,
        looked_ms: float,
    ) -> Generated:
        decoded, prompt = generation.decoded, prepared.prompt
        stage_ms = {
            "prefill": looked_ms + generation.sync_ms,
            "first_token": decoded.first_token_ms,
            "decode": generation.decode_ms,
            **({} if monitor is None else {"monitor": sum(decoded.monitor_ms), "monitor_wait": monitor.waited_ms}),
        }
        trace = replace(
            prepared.trace,
            stage_ms={**prepared.trace.stage_ms, **stage_ms},
            num_cached_tokens=len(prompt.tokens) - generation.sync.num_encoded,
            num_new_tokens=len(decoded.tokens),
            notices=(*self.notices, *prepared.trace.notices),
            monitor_acts=() if monitor is None else monitor.acts(),
            monitor_ms=tuple(decoded.monitor_ms),
            weighing_ms=tuple(decoded.weighing_ms),
        )
        match decoded.end:
            case "stop_token" | "cancelled":
                end = decoded.end
            case _:
                end = "max_tokens"
        return Generated(prepared, answer, end, trace, looked_ms + generation.sync_ms + generation.decode_ms)

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        """Complete one request in several ways, in the same passes. See `Completer`."""
        if num_wanted == 1:
            yield completion_of(self, job)
            return
        jobs = [replace(job, request=replace(job.request, alternative=n)) for n in range(num_wanted)]
        monitors = [self._monitor(each.request) for each in jobs]
        try:
            prepared = self.prompter.prepare(job.request, job.retriever, job.document)
            generated = self._generate_together(prepared, jobs, monitors)
        finally:
            for monitor in monitors:
                if monitor is not None:
                    monitor.close()
        for each in generated:
            yield complete(each, self.model_name)

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        """Have what monitors of later requests in the document have to know loaded, once, on their own thread."""
        monitoring = self.monitoring
        if monitoring is None or request.monitor_deadline_ms is None or document.warmed_by is monitoring:
            return
        if monitoring.warm(request):
            document.warmed_by = monitoring

    @property
    def problem(self) -> None:
        """Return None: a model that is loaded answers."""

    def close(self) -> None:
        """Analyse nothing more, and put all documents' caches away. On the thread that owns the engine."""
        if self.monitoring is not None:
            self.monitoring.close()
        self.engine.close()

    def _decode_params(self, request: CompletionRequest) -> DecodeParams:
        from codeassist.engine.decoding.decode import DecodeParams

        return DecodeParams(
            request.max_new_tokens,
            self.stop_ids,
            request.temperature,
            request.seed,
            first_rank=request.alternative,
        )
