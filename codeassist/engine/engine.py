"""The engine: one model, and the memory bound of the live caches that documents have with it.

Works on token ids. Not thread-safe: one inference thread owns it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import torch
from torch import Tensor

from codeassist.engine.cache.live_cache import LiveCache, SyncReport
from codeassist.engine.cache.quantized_states import quantize
from codeassist.engine.cache.reuse import KeptPrompt, SnippetStates, common_prefix
from codeassist.engine.cache.states_on_disk import StatesOnDisk
from codeassist.engine.decoding.decode import Alternative, DecodeParams, decode, decode_alternatives
from codeassist.engine.decoding.drafts import Speculator
from codeassist.engine.decoding.spelling import spell
from codeassist.engine.generation import Generation
from codeassist.engine.layers.model import Model, never
from codeassist.engine.prompt_cache import Layout, PromptCache
from codeassist.errors import ModelError
from codeassist.monitor.monitor import Monitor
from codeassist.tokenization.half_word import HalfWord

log = logging.getLogger(__name__)

_WORTH_KEEPING = 256  # tokens that were computed since; while the user works on, and when he leaves
_WORTH_KEEPING_AT_LAST = 32
_MOST_LAYER_MS = 15.0  # a request that comes while an awaited prompt is read waits for one layer
_AWAITED_TOKENS = 128  # read at a time: what is read stays read, whatever the next request wants of the rest


class Engine:
    """Continues token sequences on live caches; the least recently used are emptied first.

    `max_tokens` is the longest prompt and answer together, `branch_tokens` how many more alternatives may take;
    `memory_bytes` bounds all caches (one is always kept).
    `exact` keeps only common prefixes: the slow oracle, and a setting. `barriers` are tokens that drafts never contain
    (a prompt's markers); without `speculate`, every token takes a pass of its own. `snippet_bytes` bounds the states
    kept of snippets that left a prompt; `on_disk` keeps those of prompts, from one start of the program to the next.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_tokens: int,
        memory_bytes: int,
        branch_tokens: int = 0,
        exact: bool = False,
        speculate: bool = True,
        snippet_bytes: int = 0,
        on_disk: StatesOnDisk | None = None,
        barriers: frozenset[int] = frozenset(),
    ) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.branch_tokens = branch_tokens
        self.memory_bytes = memory_bytes
        self.exact = exact
        self.speculate = speculate
        self.barriers = barriers
        self.snippet_states = SnippetStates(snippet_bytes)
        self.on_disk = None if exact else on_disk
        self._held: OrderedDict[PromptCache, None] = OrderedDict()  # those that hold states, the last used one last

    def open(self, name: str = "", *, is_exact: bool = False) -> PromptCache:
        """Return a cache of its own for who completes one document. It takes no memory before its first use."""
        return PromptCache(name, is_exact=is_exact)

    def generate(
        self,
        cache: PromptCache,
        prompt: Sequence[int],
        params: DecodeParams,
        *,
        cursor: int | None = None,
        refresh: Sequence[range] = (),
        snippets: Sequence[range] = (),
        original: Sequence[int] = (),
        accept: Callable[[int, float], bool],
        monitor: Monitor | None = None,
        word: HalfWord | None = None,
        stopped: Callable[[], bool] = never,
    ) -> Generation:
        """Continue `prompt`, reusing what the cache holds. Raises Cancelled when stopped before decoding.

        `refresh` are the ranges whose states matter most, `snippets` those whose states are worth keeping by
        themselves. `original`: tokens that the answer is probably a changed copy of; they are drafted from, no more.
        `word` is written first; the answer's first token then begins with what it leaves in `word.left`.
        The answer takes up the text before the token index `cursor` (default: the prompt's end). Its own states are
        forgotten at the end: the cache then holds the prompt, ready for the next keystroke.
        Where a GPU's memory is full, all caches are dropped and the prompt is read again; raises ModelError where that
        does not help.
        """
        started = perf_counter()
        hidden, report = self._read_for_answer(cache, Layout(prompt, refresh, snippets), cursor, original, stopped)
        live = self.use(cache)
        drafter = cache.speculator
        synced = perf_counter()
        spelled = None if word is None else spell(live, hidden, word, monitor, stopped)
        spelling_ms = (perf_counter() - synced) * 1e3
        if spelled is not None and drafter is not None:
            drafter.observe(spelled.tokens, 0, 0, None)
        decoded = decode(
            live,
            hidden,
            params,
            accept=accept,
            drafter=drafter,
            monitor=monitor,
            first_logits=None if spelled is None else spelled.logits,
            stopped=stopped,
        )
        live.truncate(len(prompt))
        return Generation.of(decoded, report, started, synced, spelled, spelling_ms)

    def generate_alternatives(
        self,
        cache: PromptCache,
        prompt: Sequence[int],
        alternatives: Sequence[Alternative],
        *,
        cursor: int | None = None,
        refresh: Sequence[range] = (),
        snippets: Sequence[range] = (),
        word: HalfWord | None = None,
        stopped: Callable[[], bool] = never,
    ) -> list[Generation]:
        """Continue `prompt` in several ways at once, as `generate` each of them."""
        started = perf_counter()
        hidden, report = self._read_for_answer(cache, Layout(prompt, refresh, snippets), cursor, (), stopped)
        live = self.use(cache)
        synced = perf_counter()
        monitors = [each.monitor for each in alternatives if each.monitor is not None]
        spelled = None if word is None else spell(live, hidden, word, monitors[0] if monitors else None, stopped)
        if word is not None:
            for monitor in monitors[1:]:
                monitor.begin_within(word.left)
        spelling_ms = (perf_counter() - synced) * 1e3
        first_logits = None if spelled is None else spelled.logits
        drafter = cache.speculator
        if drafter is not None:
            if spelled is not None:
                drafter.observe(spelled.tokens, 0, 0, None)
            alternatives = [replace(each, drafter=drafter.branch()) for each in alternatives]
        answers = decode_alternatives(live, hidden, alternatives, first_logits=first_logits, stopped=stopped)
        live.truncate(len(prompt))
        return [Generation.of(each, report, started, synced, spelled, spelling_ms) for each in answers]

    def logprobs(
        self,
        cache: PromptCache,
        prompt: Sequence[int],
        continuation: Sequence[int],
        *,
        refresh: Sequence[range] = (),
        stopped: Callable[[], bool] = never,
    ) -> Tensor:
        """Return what the model expects after `prompt` and after each token of `continuation`: (1 + T, V) float32.

        Row i holds log-probabilities of what may stand in the place of continuation[i], the last row of what may come
        after it. The prompt is read as `generate` reads it, the continuation in one pass. The cache then holds both, so
        that a prompt that begins with them goes on from there. Raises Cancelled when stopped before it is read.
        """
        hidden, _ = self._sync_or_make_room(cache, Layout(prompt, refresh, ()), stopped)
        if continuation:
            hidden = torch.cat([hidden, self.use(cache).extend(continuation)])
        return torch.log_softmax(self.model.logits(hidden).float(), dim=-1)

    def use(self, cache: PromptCache) -> LiveCache:
        """Return the live cache itself, an empty one where there is none yet. Others make room for it."""
        if cache.live is None:
            cache.live = LiveCache(self.model, self.max_tokens + self.branch_tokens)
        self._held[cache] = None
        self._held.move_to_end(cache)
        used = sum(held.num_bytes for held in self._held)
        while used > self.memory_bytes and len(self._held) > 1:
            dropped, _ = self._held.popitem(last=False)
            used -= dropped.num_bytes
            dropped.empty()
        return cache.live

    def missing(self, cache: PromptCache, prompt: Layout) -> list[range]:
        """What of a prompt would have to be read, rising. A token takes about `model.ms_per_token`."""
        live = cache.live
        if self.exact or cache.is_exact:
            known = 0 if live is None else min(common_prefix(live.tokens, list(prompt.tokens)), live.num_exact)
            return [range(known, len(prompt.tokens))]
        return self.use(cache).missing(prompt.tokens, prompt.snippets, self.snippet_states, self._kept(cache))

    def await_reading(self, cache: PromptCache, prompt: Layout) -> None:
        """Have a prompt read by `read_awaited`, unless the cache is used for another one before."""
        self.use(cache)
        cache.awaited = prompt

    def next_awaited(self) -> PromptCache | None:
        """The most recently used cache with a prompt that is to be read, or None."""
        return next((cache for cache in reversed(self._held) if cache.awaited is not None), None)

    def read_awaited(self, cache: PromptCache, stopped: Callable[[], bool] = never) -> None:
        """Read the cache's awaited prompt. Raises Cancelled between two layers, and goes on there the next time."""
        layout, live = cache.awaited, cache.live
        if layout is None or live is None:
            return
        layer_ms = self.model.ms_per_token / self.model.config.num_layers
        most = min(self.model.pass_tokens, _AWAITED_TOKENS, int(_MOST_LAYER_MS / max(layer_ms, 1e-6)))
        self._read(cache, live, layout, stopped, max(16, most))
        cache.awaited = None

    def heal(self, cache: PromptCache, max_tokens: int, stopped: Callable[[], bool] = never) -> int:
        """Re-encode up to `max_tokens` of the cache's inexact states; return how many stay inexact.

        Raises Cancelled between two layers when `stopped()`.
        """
        return 0 if cache.live is None else cache.live.heal(max_tokens, stopped)

    def next_to_heal(self) -> PromptCache | None:
        """The most recently used cache that has inexact states worth healing, or None."""
        return next((cache for cache in reversed(self._held) if cache.can_heal), None)

    def next_to_keep(self) -> PromptCache | None:
        """The most recently used cache with states that are worth keeping on the disk, or None."""
        if self.on_disk is None:
            return None
        return next((cache for cache in reversed(self._held) if _is_worth_keeping(cache, _WORTH_KEEPING)), None)

    def keep(self, cache: PromptCache, stopped: Callable[[], bool] = never) -> None:
        """Have a cache's states kept on the disk. Raises Cancelled between two layers when `stopped()`."""
        live = cache.live
        if self.on_disk is None or live is None:
            return
        tokens = [token for token in live.tokens if token is not None]
        if len(tokens) == len(live.tokens):  # else a reading was stopped: what follows is to come
            self.on_disk.keep(cache.name, tokens, quantize(live.states, len(tokens), stopped))
        cache.num_unkept = 0

    def put_away(self, cache: PromptCache) -> None:
        """Free a cache's states; what of them is worth it is kept on the disk."""
        if _is_worth_keeping(cache, _WORTH_KEEPING_AT_LAST):
            self.keep(cache)
        self.forget(cache)

    def close(self) -> None:
        """Put all caches away, and wait until the disk has them."""
        for cache in self.held:
            self.put_away(cache)
        if self.on_disk is not None:
            self.on_disk.close()

    @property
    def held(self) -> tuple[PromptCache, ...]:
        """The caches that hold states, the most recently used one last."""
        return tuple(self._held)

    def forget(self, cache: PromptCache) -> None:
        """Free a cache's states: its document was closed, or they cannot be trusted."""
        self._held.pop(cache, None)
        cache.empty()

    def forget_all(self) -> None:
        """Free all caches' states."""
        for cache in self.held:
            self.forget(cache)

    def _read_for_answer(
        self,
        cache: PromptCache,
        prompt: Layout,
        cursor: int | None,
        original: Sequence[int],
        stopped: Callable[[], bool],
    ) -> tuple[Tensor, SyncReport]:
        """Have the cache hold a prompt, and its drafts follow it; return the last token's state."""
        hidden, report = self._sync_or_make_room(cache, prompt, stopped)
        cache.snippets = prompt.snippets
        if self.speculate:
            if cache.speculator is None:
                cache.speculator = Speculator(self.barriers)
            cursor = len(prompt.tokens) if cursor is None else cursor
            cache.speculator.start(prompt.tokens, report.changed, cursor, original)
        return hidden, report

    def _sync_or_make_room(
        self, cache: PromptCache, prompt: Layout, stopped: Callable[[], bool]
    ) -> tuple[Tensor, SyncReport]:
        """As `_sync`; where a GPU's memory is full, all caches are dropped and the prompt is read again."""
        try:
            return self._sync(cache, prompt, stopped)
        except torch.OutOfMemoryError:
            self._make_room()
            try:
                return self._sync(cache, prompt, stopped)
            except torch.OutOfMemoryError as error:
                self._make_room()
                raise ModelError(
                    f"the GPU's memory does not hold {len(prompt.tokens)} tokens of context beside what else uses it; "
                    "lower model.context_tokens, or set model.device to cpu"
                ) from error

    def _sync(self, cache: PromptCache, prompt: Layout, stopped: Callable[[], bool]) -> tuple[Tensor, SyncReport]:
        live = self.use(cache)
        cache.awaited = None
        return self._read(cache, live, prompt, stopped)

    def _read(
        self,
        cache: PromptCache,
        live: LiveCache,
        prompt: Layout,
        stopped: Callable[[], bool],
        pass_tokens: int | None = None,
    ) -> tuple[Tensor, SyncReport]:
        hidden, report = live.sync(
            prompt.tokens,
            prompt.refresh,
            snippets=prompt.snippets,
            store=self.snippet_states,
            kept=self._kept(cache),
            exact=self.exact or cache.is_exact,
            pass_tokens=pass_tokens,
            stopped=stopped,
        )
        cache.num_unkept += report.num_encoded - report.num_refreshed
        return hidden, report

    def _kept(self, cache: PromptCache) -> Iterator[KeptPrompt]:
        """What the disk has of a cache's document, then of others, looked up when it is asked for."""
        if self.on_disk is not None and cache.outlives:
            own = self.on_disk.prompts_of(cache.name)
            yield from own
            yield from (each for each in self.on_disk.recent_prompts() if each not in own)

    def _make_room(self) -> None:
        """Drop every cache: something else took the memory that there was when the model was loaded."""
        log.warning("the GPU's memory is full: %d caches are dropped", len(self._held))
        self.forget_all()
        self.snippet_states = SnippetStates(self.snippet_states.max_bytes)
        torch.cuda.empty_cache()


def _is_worth_keeping(cache: PromptCache, num_tokens: int) -> bool:
    return cache.outlives and not cache.is_exact and cache.num_unkept >= num_tokens
