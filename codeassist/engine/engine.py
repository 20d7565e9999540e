"""The engine: one model, the live caches of the documents it completes, and their memory bound.

Knows token ids only. Not thread-safe: one inference thread owns it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from codeassist.engine.decode import Decoded, DecodeParams, Drafter, decode
from codeassist.engine.live_cache import LiveCache, SyncReport
from codeassist.engine.model import Model, never


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its tokens, what the cache had to do for it, and the time both took."""

    decoded: Decoded
    sync: SyncReport
    sync_ms: float
    decode_ms: float


class Engine:
    """Continues token sequences, one live cache a document, the least recently used dropped first.

    `max_tokens` is the longest prompt and answer together; `memory_bytes` bounds all caches (one is always kept).
    `exact` keeps only common prefixes: the slow oracle, and a setting.
    """

    def __init__(self, model: Model, *, max_tokens: int, memory_bytes: int, exact: bool) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.memory_bytes = memory_bytes
        self.exact = exact
        self._caches: OrderedDict[str, LiveCache] = OrderedDict()

    def generate(
        self,
        document: str,
        prompt: Sequence[int],
        params: DecodeParams,
        *,
        refresh: Sequence[range] = (),
        accept: Callable[[int], bool],
        drafter: Drafter | None = None,
        stopped: Callable[[], bool] = never,
    ) -> Generation:
        """Continue `prompt`, reusing what the document's cache holds. Raises Cancelled when stopped before decoding.

        The answer's own states are forgotten at the end: the cache holds the prompt, ready for the next keystroke.
        """
        cache = self.cache_of(document)
        started = perf_counter()
        hidden, report = cache.sync(prompt, refresh, exact=self.exact, stopped=stopped)
        synced = perf_counter()
        decoded = decode(cache, hidden, params, accept=accept, drafter=drafter, stopped=stopped)
        cache.truncate(len(prompt))
        return Generation(decoded, report, (synced - started) * 1e3, (perf_counter() - synced) * 1e3)

    def cache_of(self, document: str) -> LiveCache:
        """The document's cache, made when there is none; older ones make room."""
        cache = self._caches.pop(document, None) or LiveCache(self.model, self.max_tokens)
        self._caches[document] = cache
        used = sum(len(c.tokens) * c.states.bytes_per_slot for c in self._caches.values())
        while used > self.memory_bytes and len(self._caches) > 1:
            _, dropped = self._caches.popitem(last=False)
            used -= len(dropped.tokens) * dropped.states.bytes_per_slot
        return cache

    def forget(self, document: str) -> None:
        """Drop a closed document's cache."""
        self._caches.pop(document, None)
