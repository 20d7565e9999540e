"""A loaded model that completes requests: the pipeline with this process's engine as its generator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import AnswerReader, Generated, Job, Prepared, Prompter, completion_of, never
from codeassist.errors import CodeAssistError, ModelError
from codeassist.models.placement import Placement, placements
from codeassist.progress import Progress, silent
from codeassist.prompts.prompt import Budget
from codeassist.prompts.templates import Template, is_trained, named, recognise, without_fim
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist.settings import Settings, UserModel

if TYPE_CHECKING:  # torch takes two seconds to import: only who opens a session pays for it
    from codeassist.engine.decoding.decode import DecodeParams
    from codeassist.engine.engine import Engine
    from codeassist.engine.prompt_cache import PromptCache
    from codeassist.models.model_store import InstalledModel
    from codeassist.monitor.monitor_set import AnalysisSource, MonitorSet
    from codeassist.monitor.name_monitor import NameMonitor
    from codeassist.tokenization.byte_trie import ByteTrie
    from codeassist.tokenization.tokens import Tokenizer


log = logging.getLogger(__name__)

_LEAST_TOKENS = 192


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
        looked, document = perf_counter(), job.document
        cache = document.cache(self.engine)
        total = self._tokens_in_time(cache, prepared)
        looked_ms = (perf_counter() - looked) * 1e3  # at what the cache holds of the prompt: where a sync begins
        if total is None:
            document.free("cut")
        else:
            prepared = self.prompter.cut(prepared, total)
            cache = document.cache(self.engine, "cut")
        answer = AnswerReader(prepared.request, prepared.word)
        prompt = prepared.prompt
        generation = self.engine.generate(
            cache,
            prompt.tokens,
            self._decode_params(prepared.request),
            cursor=prompt.prefix.stop,
            refresh=prompt.around_cursor,
            snippets=prompt.snippet_ranges,
            accept=lambda token, logprob: answer.read(self.tokenizer.token_bytes(token), logprob),
            monitor=monitor,
            word=prepared.word,
            stopped=job.cancelled,
        )
        decoded = generation.decoded
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
        return Generated(prepared, answer, end, trace, (perf_counter() - looked) * 1e3)

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

    def _tokens_in_time(self, cache: PromptCache, prepared: Prepared) -> int | None:
        """How many tokens can be read in time where not all of the prompt can, which is then left to idle time."""
        from codeassist.engine.prompt_cache import Layout

        patience_ms, prompt = prepared.request.patience_ms, prepared.prompt
        if patience_ms is None:
            return None
        total = max(_LEAST_TOKENS, int(patience_ms / self.engine.model.ms_per_token))
        if total >= len(prompt.tokens) or self.engine.reading_ms(cache, prompt.tokens) <= patience_ms:
            return None
        self.engine.await_reading(cache, Layout(prompt.tokens, prompt.around_cursor, prompt.snippet_ranges))
        return total

    def _decode_params(self, request: CompletionRequest) -> DecodeParams:
        from codeassist.engine.decoding.decode import DecodeParams

        return DecodeParams(
            request.max_new_tokens,
            self.stop_ids,
            request.temperature,
            request.seed,
            first_rank=request.alternative,
        )


def open_session(
    settings: Settings,
    model: InstalledModel,
    progress: Progress = silent,
    *,
    analysts: AnalysisSource | None = None,
    notices: tuple[str, ...] = (),
    speculate: bool = True,
) -> Session:
    """Load an installed model as the settings ask, converting it first if this is its first use.

    `analysts` know the names that monitors hold answers to. `notices` of choosing the model stand before the session's
    own. `speculate`: drafts are verified, as `Engine` says. Raises ModelError for a model that this engine cannot run,
    and for a device that is not there.
    """
    import torch

    from codeassist.engine.device_trial import OperationMissing
    from codeassist.engine.layers.int8_products import int8_supported

    if settings.model.threads is not None:
        torch.set_num_threads(settings.model.threads)
    is_there = {"has_cuda": torch.cuda.is_available(), "has_mps": torch.backends.mps.is_available()}
    lacking: tuple[str, ...] = ()
    for place in placements(settings.model, **is_there, has_int8=int8_supported()):
        if lacking and place.device != "cpu":
            continue
        try:
            there = replace(place, notice=None) if lacking else place
            return _open(settings, model, there, progress, analysts, (*notices, *lacking), speculate)
        except OperationMissing as error:
            if settings.model.device != "auto":
                raise
            log.warning("%s on %s: %s", model.name, place.device, error)
            lacking = (f"{error}, where it runs now",)
        except torch.OutOfMemoryError as error:
            log.warning("%s on %s with %d tokens: %s", model.name, place.device, place.context_tokens, error)
            torch.cuda.empty_cache()
    raise ModelError(f"{model.name} fits neither the GPU's memory nor this machine's; choose a smaller one")


def _open(
    settings: Settings,
    model: InstalledModel,
    place: Placement,
    progress: Progress,
    analysts: AnalysisSource | None,
    said: tuple[str, ...],
    speculate: bool,
) -> Session:
    """Load a model in one place. Raises torch.OutOfMemoryError where that does not hold it and one document."""
    import torch

    from codeassist.engine.cache.states_on_disk import StatesOnDisk, states_folder
    from codeassist.engine.device_trial import try_model
    from codeassist.engine.engine import Engine
    from codeassist.engine.layers.model import Model
    from codeassist.engine.loading.weights import drop_damaged, open_weights, prepare
    from codeassist.monitor.monitor_set import MonitorSet
    from codeassist.tokenization.byte_trie import open_trie
    from codeassist.tokenization.tokens import Tokenizer

    device = torch.device(place.device)
    converted = settings.places.cache / "weights"
    damage = drop_damaged(converted, model.sha256, (place.format,))
    folder = prepare(
        model.path,
        place.format,
        converted,
        model.sha256,
        lambda done, total: progress("converting the model", done, total),
        model.adapter,
    )
    weights = open_weights(folder)
    config = weights.config
    longest = min(config.max_positions, config.sliding_window or config.max_positions)
    notices = [*said, place.notice] if place.notice is not None else [*said]
    notices += [f"{each}; the model was converted anew" for each in damage]
    room = settings.completion.max_new_tokens + 64  # drafts reach beyond the answer
    context_tokens = place.context_tokens
    if context_tokens + room > longest:
        context_tokens = longest - room
        if context_tokens < 64:
            raise ModelError(f"{model.name} sees {longest} tokens, too few for {room} new ones; lower max_new_tokens")
        notices.append(f"{model.name} sees {longest} tokens: the prompt is cut to {context_tokens}")

    def read_tokenizer() -> tuple[Tokenizer, ByteTrie, MonitorSet]:
        read = Tokenizer.load(folder)
        tries = settings.places.cache / "tries"
        trie = open_trie(read, folder / "tokenizer.json", tries)
        return read, trie, MonitorSet(read, trie, analysts)

    with ThreadPoolExecutor(max_workers=1) as pool:  # half a second, beside the packing of the weights
        reading = pool.submit(read_tokenizer)
        loaded = Model(weights, device, max_positions=context_tokens + room)
        if place.device == "mps":
            try_model(loaded)
        if device.type != "cpu":
            loaded.new_cache(context_tokens + room)  # to see that there is memory for one
        tokenizer, trie, monitoring = reading.result()
    own = settings.models.get(model.name)
    template, lack = _template(model, own, tokenizer.special, config.published_names)
    if lack is not None:
        notices.append(f"{model.name} {lack}: what stands after the cursor is not seen")
    disk_bytes = settings.cache.disk_mib << 20
    states = states_folder(settings.places.cache, folder.name)
    on_disk = StatesOnDisk(states, config, disk_bytes) if disk_bytes else None
    engine = Engine(
        loaded,
        max_tokens=context_tokens + room,
        memory_bytes=settings.cache.memory_mib << 20,
        snippet_bytes=settings.cache.memory_mib << 18,  # a quarter as much again
        on_disk=on_disk,
        exact=settings.cache.mode == "exact",
        barriers=frozenset(tokenizer.special.values()),
        speculate=speculate,
    )
    prompter = Prompter(tokenizer, template, Budget(context_tokens), trie)
    form = None if own is None else own.edit_form
    calibration = model.edit_calibration if own is None or own.edit_calibration is None else own.edit_calibration
    return Session(model.name, engine, prompter, tuple(notices), monitoring, form, calibration)


def _template(
    model: InstalledModel, own: UserModel | None, special: Mapping[str, int], published_names: tuple[str, ...]
) -> tuple[Template, str | None]:
    """The template of a model, its entry's where that names one; and why it does not fill in where it does not."""
    if own is not None and own.template is not None:
        return named(own.template, special), None
    template = recognise(special)
    if template.fim is None:
        return template, "has no fill-in-the-middle"
    hub = () if own is None or own.hub is None else (own.hub,)
    if is_trained((*published_names, *hub, model.path.name.removesuffix(".gguf"), model.name)):
        return template, None
    opt_in = f'[models.{model.name}] template = "{template.name}" in your config.toml has it used all the same'
    return without_fim(template), f"owns the tokens of fill-in-the-middle and was not trained with them ({opt_in})"
