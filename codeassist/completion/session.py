"""One completion from request to result: retrieve, lay out, continue, trim.

READ FIRST. Knows no editor, no database and no tensor: a Retriever finds snippets, an Engine continues tokens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from codeassist.completion.confidence import Confidence
from codeassist.completion.snippet_order import SnippetOrder
from codeassist.completion.stops import BlockStop, LineStop
from codeassist.errors import ModelError
from codeassist.models.placement import Placement, placements
from codeassist.progress import Progress, silent
from codeassist.prompts import prompt as prompts
from codeassist.prompts.templates import Template, recognise
from codeassist.request import Completion, CompletionRequest, FinishReason, Retriever, Snippet
from codeassist.settings import Settings
from codeassist.tokenization.file_tokens import FileTokens, KnownTokens

if TYPE_CHECKING:  # torch takes two seconds to import: only who opens a session pays for it
    from codeassist.engine.decoding.decode import DecodeParams
    from codeassist.engine.engine import Engine
    from codeassist.models.model_store import InstalledModel
    from codeassist.monitor.monitor_set import MonitorSet
    from codeassist.tokenization.tokens import Tokenizer


log = logging.getLogger(__name__)

# The cache of the cut prompts of a document, beside that of the whole ones: neither may undo the other's work.
_HASTE = "\0haste"
_LEAST_TOKENS = 192


def never() -> bool:
    """The stop flag of a request that nobody cancels."""
    return False


@dataclass(slots=True)
class Session:
    """A loaded model that completes requests. One request at a time.

    `sticky`: snippets that stood in a document's last prompt stay, as long as they are found; None takes the best ones.
    `monitoring` begins the monitors of requests that ask for them; None begins none.
    """

    model_name: str
    engine: Engine
    tokenizer: Tokenizer
    template: Template
    budget: prompts.Budget
    refresh_tokens: int = 8
    repository: str = "workspace"
    notices: tuple[str, ...] = ()
    sticky: SnippetOrder | None = None
    monitoring: MonitorSet | None = None
    stop_ids: frozenset[int] = field(init=False)
    known_tokens: KnownTokens = field(init=False)

    def __post_init__(self) -> None:
        special = self.tokenizer.special
        stops = {special[text] for text in self.template.stops if text in special}
        self.stop_ids = frozenset(stops | set(self.tokenizer.eos_ids))
        self.known_tokens = KnownTokens(self.tokenizer)

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = never,
        document: str | None = None,
    ) -> Completion:
        """Complete one request. Raises Cancelled when `cancelled()` before the first token; later, what there is
        is returned with the finish reason "cancelled".

        `document` names the live cache, the request's path by default: several repositories may have the same paths.
        """
        started = perf_counter()
        name = request.path if document is None else document
        monitor = None if self.monitoring is None else self.monitoring.begin(request)
        retrieval = retriever.retrieve(request, self.budget.snippet_chars)
        snippets = retrieval.snippets if self.sticky is None else self.sticky.arrange(name, retrieval.snippets)
        retrieved = perf_counter()
        texts = self.known_tokens.of(name, request.prefix, request.suffix)
        prompt = self._lay_out(request, snippets, self.budget, texts)
        laid_out = perf_counter()
        budget = self._budget_in_time(name, prompt, request.patience_ms)
        looked_ms = (perf_counter() - laid_out) * 1e3  # at what the cache holds of the prompt: where a sync begins
        notices = self.notices
        if budget is not None:
            prompt = self._lay_out(request, snippets, budget, texts)
            name += _HASTE
            notices = (*notices, f"only {len(prompt.tokens)} tokens were looked at: the rest is still being read")
        else:
            self.engine.forget(name + _HASTE)
        built = perf_counter()
        block = request.extent == "block"
        stop = BlockStop(request.prefix, request.max_lines) if block else LineStop(request.max_lines)
        confidence = Confidence(request.min_confidence)

        def accept(token: int, logprob: float) -> bool:
            goes_on = stop.feed(self.tokenizer.token_bytes(token))
            return confidence.feed(logprob) and goes_on

        try:
            generation = self.engine.generate(
                name,
                prompt.tokens,
                self._decode_params(request),
                cursor=prompt.prefix.stop,
                refresh=prompt.around_cursor,
                snippets=prompt.snippet_ranges,
                accept=accept,
                monitor=monitor,
                stopped=cancelled,
            )
        finally:
            if monitor is not None:
                monitor.close()
        decoded = generation.decoded
        total = perf_counter()
        return Completion(
            text=stop.cut() if confidence.is_enough else "",
            raw_text=stop.text,
            finish_reason=_finish_reason(decoded.end, stop) if confidence.is_enough else "unlikely",
            model=self.model_name,
            num_prompt_tokens=len(prompt.tokens),
            num_cached_tokens=len(prompt.tokens) - generation.sync.num_encoded,
            num_new_tokens=len(decoded.tokens),
            stage_ms={
                **{f"retrieve_{name}": ms for name, ms in retrieval.stage_ms.items()},
                "retrieve": (retrieved - started) * 1e3,
                "prompt": (built - retrieved) * 1e3 - looked_ms,
                "prefill": looked_ms + generation.sync_ms,
                "first_token": decoded.first_token_ms,
                "decode": generation.decode_ms,
                **({} if monitor is None else {"monitor": sum(decoded.monitor_ms), "monitor_wait": monitor.waited_ms}),
                "total": (total - started) * 1e3,
            },
            snippets=prompt.snippets,
            confidence=confidence.value,
            notices=notices,
            is_hasty=budget is not None,
            monitor_acts=() if monitor is None else monitor.acts(),
            monitor_ms=tuple(decoded.monitor_ms),
            late_sources=retrieval.late_sources,
        )

    def prepare(self, document: str) -> None:
        """Have a document tokenised for the requests to come; from any thread, while the model runs say."""
        self.known_tokens.prepare(document)

    def warm(self, request: CompletionRequest) -> None:
        """Have what monitors of later requests in the file have to know loaded, on their own thread."""
        if self.monitoring is not None:
            self.monitoring.warm(request)

    def forget(self, document: str) -> None:
        """Drop the caches of a closed document."""
        self.engine.forget(document)
        self.engine.forget(document + _HASTE)

    @property
    def problem(self) -> None:
        """Return None: a model that is loaded answers."""

    def close(self) -> None:
        """Analyse nothing more. What the model holds goes with it."""
        if self.monitoring is not None:
            self.monitoring.close()

    def _lay_out(
        self, request: CompletionRequest, snippets: Sequence[Snippet], budget: prompts.Budget, texts: FileTokens
    ) -> prompts.Prompt:
        return prompts.build(
            request,
            snippets,
            self.template,
            self.tokenizer,
            budget,
            repository=self.repository,
            refresh_tokens=self.refresh_tokens,
            file_tokens=texts,
        )

    def _budget_in_time(self, name: str, prompt: prompts.Prompt, patience_ms: float | None) -> prompts.Budget | None:
        """What can be read in that time where all of the prompt cannot, which is then left to idle time; else None."""
        from codeassist.engine.engine import Layout

        if patience_ms is None:
            return None
        total = max(_LEAST_TOKENS, int(patience_ms / self.engine.model.ms_per_token))
        if total >= len(prompt.tokens) or self.engine.reading_ms(name, prompt.tokens) <= patience_ms:
            return None
        self.engine.await_reading(name, Layout(prompt.tokens, prompt.around_cursor, prompt.snippet_ranges))
        return prompts.Budget(total, self.budget.snippet_share / 2, self.budget.suffix_share)

    def _decode_params(self, request: CompletionRequest) -> DecodeParams:
        from codeassist.engine.decoding.decode import DecodeParams

        return DecodeParams(
            request.max_new_tokens,
            self.stop_ids,
            request.temperature,
            request.seed,
            first_rank=request.alternative,
        )


def _finish_reason(end: str, stop: LineStop | BlockStop) -> FinishReason:
    if stop.reached:
        return stop.reason
    match end:
        case "stop_token":
            return "eos"
        case "cancelled":
            return "cancelled"
        case _:
            return "max_tokens"


def open_session(
    settings: Settings, model: InstalledModel, progress: Progress = silent, *, speculate: bool = True
) -> Session:
    """Load an installed model as the settings ask, converting it first if this is its first use.

    `speculate`: drafts are verified, as `Engine` says. Raises ModelError for a model that this engine cannot run, and
    for a device that is not there.
    """
    import torch

    from codeassist.engine.layers.linear import int8_supported

    if settings.model.threads is not None:
        torch.set_num_threads(settings.model.threads)
    for place in placements(settings.model, has_cuda=torch.cuda.is_available(), has_int8=int8_supported()):
        try:
            return _open(settings, model, place, progress, speculate)
        except torch.OutOfMemoryError as error:
            log.warning("%s on %s with %d tokens: %s", model.name, place.device, place.context_tokens, error)
            torch.cuda.empty_cache()
    raise ModelError(f"{model.name} fits neither the GPU's memory nor this machine's; choose a smaller one")


def _open(settings: Settings, model: InstalledModel, place: Placement, progress: Progress, speculate: bool) -> Session:
    """Load a model in one place. Raises torch.OutOfMemoryError where that does not hold it and one document."""
    import torch

    from codeassist.engine.engine import Engine
    from codeassist.engine.layers.model import Model
    from codeassist.engine.loading.weights import open_weights, prepare
    from codeassist.monitor.monitor_set import MonitorSet
    from codeassist.monitor.trie import open_trie
    from codeassist.tokenization.tokens import Tokenizer

    device = torch.device(place.device)
    folder = prepare(
        model.path,
        place.format,
        settings.places.cache / "weights",
        model.sha256,
        lambda done, total: progress("converting the model", done, total),
    )
    weights = open_weights(folder)
    config = weights.config
    longest = min(config.max_positions, config.sliding_window or config.max_positions)
    notices = [place.notice] if place.notice is not None else []
    room = settings.completion.max_new_tokens + 64  # drafts reach beyond the answer
    context_tokens = place.context_tokens
    if context_tokens + room > longest:
        context_tokens = longest - room
        if context_tokens < 64:
            raise ModelError(f"{model.name} sees {longest} tokens, too few for {room} new ones; lower max_new_tokens")
        notices.append(f"{model.name} sees {longest} tokens: the prompt is cut to {context_tokens}")

    def read_tokenizer() -> tuple[Tokenizer, MonitorSet]:
        read = Tokenizer.load(folder)
        tries = settings.places.cache / "tries"
        monitoring = MonitorSet(read, lambda: open_trie(read, folder / "tokenizer.json", tries))
        if settings.monitor.mode == "on":
            monitoring.prepare()
        return read, monitoring

    with ThreadPoolExecutor(max_workers=1) as pool:  # half a second, beside the packing of the weights
        reading = pool.submit(read_tokenizer)
        loaded = Model(weights, device, max_positions=context_tokens + room)
        if device.type != "cpu":
            loaded.new_cache(context_tokens + room)  # to see that there is memory for one
        tokenizer, monitoring = reading.result()
    template = recognise(tokenizer.special)
    if template.fim is None:
        notices.append(f"{model.name} has no fill-in-the-middle: what stands behind the cursor is not seen")
    engine = Engine(
        loaded,
        max_tokens=context_tokens + room,
        memory_bytes=settings.cache.memory_mib << 20,
        snippet_bytes=settings.cache.memory_mib << 18,  # a quarter as much again
        exact=settings.cache.mode == "exact",
        barriers=frozenset(tokenizer.special.values()),
        speculate=speculate,
    )
    budget = prompts.Budget(context_tokens)
    return Session(
        model.name,
        engine,
        tokenizer,
        template,
        budget,
        notices=tuple(notices),
        monitoring=monitoring,
    )
