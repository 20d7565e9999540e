"""The engine: one model, the live caches of the documents it completes, and their memory bound.

Knows token ids only. Not thread-safe: one inference thread owns it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from codeassist.engine.cache.alignment import common_prefix
from codeassist.engine.cache.live_cache import LiveCache, SyncReport
from codeassist.engine.cache.snippet_states import SnippetStates
from codeassist.engine.decoding.decode import Decoded, DecodeParams, decode
from codeassist.engine.decoding.drafts import Speculator
from codeassist.engine.layers.model import PREFILL_CHUNK, Model, never
from codeassist.errors import ModelError
from codeassist.monitor.monitor import Monitor

log = logging.getLogger(__name__)

_MOST_LAYER_MS = 15.0  # a request that comes while an awaited prompt is read waits for one layer


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its tokens, what the cache had to do for it, and the time both took."""

    decoded: Decoded
    sync: SyncReport
    sync_ms: float
    decode_ms: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt's tokens and the ranges of them that matter: as `Engine.generate` takes them."""

    tokens: Sequence[int]
    refresh: Sequence[range]
    snippets: Sequence[range]


@dataclass(slots=True)
class _Document:
    """What the engine keeps of one document. `awaited`: a prompt that is to be read when nothing else is to be done."""

    cache: LiveCache
    speculator: Speculator
    awaited: Layout | None = None


class Engine:
    """Continues token sequences, one live cache a document, the least recently used dropped first.

    `max_tokens` is the longest prompt and answer together; `memory_bytes` bounds all caches (one is always kept).
    `exact` keeps only common prefixes: the slow oracle, and a setting. `barriers` are tokens that drafts never contain
    (a prompt's markers); without `speculate`, every token takes a pass of its own. `snippet_bytes` bounds the states
    kept of snippets that left a prompt.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_tokens: int,
        memory_bytes: int,
        exact: bool = False,
        speculate: bool = True,
        snippet_bytes: int = 0,
        barriers: frozenset[int] = frozenset(),
    ) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.memory_bytes = memory_bytes
        self.exact = exact
        self.speculate = speculate
        self.barriers = barriers
        self.snippet_states = SnippetStates(snippet_bytes)
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    def generate(
        self,
        document: str,
        prompt: Sequence[int],
        params: DecodeParams,
        *,
        cursor: int | None = None,
        refresh: Sequence[range] = (),
        snippets: Sequence[range] = (),
        accept: Callable[[int, float], bool],
        monitor: Monitor | None = None,
        stopped: Callable[[], bool] = never,
    ) -> Generation:
        """Continue `prompt`, reusing what the document's cache holds. Raises Cancelled when stopped before decoding.

        `refresh` are the ranges whose states matter most, `snippets` those whose states are worth keeping by
        themselves.
        The answer takes up the text before the token index `cursor` (default: the prompt's end). Its own states are
        forgotten at the end: the cache then holds the prompt, ready for the next keystroke.
        Where a GPU's memory is full, all caches are dropped and the prompt is read again; raises ModelError where that
        does not help.
        """
        started = perf_counter()
        layout = Layout(prompt, refresh, snippets)
        try:
            hidden, report = self._sync(document, layout, stopped)
        except torch.OutOfMemoryError:
            self._make_room()
            try:
                hidden, report = self._sync(document, layout, stopped)
            except torch.OutOfMemoryError as error:
                self._make_room()
                raise ModelError(
                    f"the GPU's memory does not hold {len(prompt)} tokens of context beside what else uses it; "
                    "lower model.context_tokens, or set model.device to cpu"
                ) from error
        entry = self._documents[document]
        cache = entry.cache
        drafter = None
        if self.speculate:
            drafter = entry.speculator
            drafter.start(prompt, report.changed, len(prompt) if cursor is None else cursor)
        synced = perf_counter()
        decoded = decode(cache, hidden, params, accept=accept, drafter=drafter, monitor=monitor, stopped=stopped)
        cache.truncate(len(prompt))
        return Generation(decoded, report, (synced - started) * 1e3, (perf_counter() - synced) * 1e3)

    def cache_of(self, document: str) -> LiveCache:
        """The document's live cache, an empty one when there is none yet."""
        return self._entry(document).cache

    def reading_ms(self, document: str, prompt: Sequence[int]) -> float:
        """About how long it would take to read what the document's cache does not hold of a prompt."""
        entry = self._documents.get(document)
        if self.exact or entry is None:
            known = 0 if entry is None else min(common_prefix(entry.cache.tokens, list(prompt)), entry.cache.num_exact)
            num_missing = len(prompt) - known
        else:
            num_missing = entry.cache.num_missing(prompt)
        return num_missing * self.model.ms_per_token

    def await_reading(self, document: str, prompt: Layout) -> None:
        """Have a prompt read by `read_awaited`, unless the document is completed before."""
        self._entry(document).awaited = prompt

    def next_awaited(self) -> str | None:
        """The most recent document with a prompt that is to be read, or None."""
        return next((name for name, entry in reversed(self._documents.items()) if entry.awaited is not None), None)

    def read_awaited(self, document: str, stopped: Callable[[], bool] = never) -> None:
        """Read the document's awaited prompt. Raises Cancelled between two layers, and goes on there the next time."""
        entry = self._documents.get(document)
        if entry is None or entry.awaited is None:
            return
        layout = entry.awaited
        layer_ms_per_token = self.model.ms_per_token / self.model.config.num_layers
        pass_tokens = max(16, min(PREFILL_CHUNK, int(_MOST_LAYER_MS / max(layer_ms_per_token, 1e-6))))
        self._read(entry, layout, stopped, pass_tokens)
        entry.awaited = None

    def heal(self, document: str, max_tokens: int, stopped: Callable[[], bool] = never) -> int:
        """Re-encode up to `max_tokens` of the document's inexact states; return how many stay inexact.

        Raises Cancelled between two layers when `stopped()`.
        """
        entry = self._documents.get(document)
        return 0 if entry is None else entry.cache.heal(max_tokens, stopped)

    def num_stale(self, document: str) -> int:
        """How many of the document's states are inexact."""
        entry = self._documents.get(document)
        return 0 if entry is None else entry.cache.num_stale

    def next_to_heal(self) -> str | None:
        """The most recently completed document that has inexact states worth healing, or None."""
        return next((name for name, entry in reversed(self._documents.items()) if entry.cache.can_heal), None)

    def cached(self) -> dict[str, tuple[int, int]]:
        """For each document with a cache: how many slots it has and how many of them are exact. Changes nothing."""
        return {name: (len(entry.cache.tokens), entry.cache.num_exact) for name, entry in self._documents.items()}

    def forget(self, document: str) -> None:
        """Drop a closed document's cache."""
        self._documents.pop(document, None)

    def _sync(self, document: str, prompt: Layout, stopped: Callable[[], bool]) -> tuple[Tensor, SyncReport]:
        entry = self._entry(document)
        entry.awaited = None
        return self._read(entry, prompt, stopped)

    def _read(
        self, entry: _Document, prompt: Layout, stopped: Callable[[], bool], pass_tokens: int | None = None
    ) -> tuple[Tensor, SyncReport]:
        return entry.cache.sync(
            prompt.tokens,
            prompt.refresh,
            snippets=prompt.snippets,
            store=self.snippet_states,
            exact=self.exact,
            pass_tokens=pass_tokens,
            stopped=stopped,
        )

    def _make_room(self) -> None:
        """Drop every cache: something else took the memory that there was when the model was loaded."""
        log.warning("the GPU's memory is full: %d documents' caches are dropped", len(self._documents))
        self._documents.clear()
        self.snippet_states = SnippetStates(self.snippet_states.max_bytes)
        torch.cuda.empty_cache()

    def _entry(self, document: str) -> _Document:
        """The document's entry, most recently used now; the least recently used make room."""
        entry = self._documents.pop(document, None)
        if entry is None:
            entry = _Document(LiveCache(self.model, self.max_tokens), Speculator(self.barriers))
        self._documents[document] = entry
        used = sum(_num_bytes(e.cache) for e in self._documents.values())
        while used > self.memory_bytes and len(self._documents) > 1:
            _, dropped = self._documents.popitem(last=False)
            used -= _num_bytes(dropped.cache)
        return entry


def _num_bytes(cache: LiveCache) -> int:
    return len(cache.tokens) * cache.states.bytes_per_slot
