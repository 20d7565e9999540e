"""What an engine says of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from codeassist.engine.cache.live_cache import SyncReport
from codeassist.engine.decoding.decode import Decoded
from codeassist.engine.decoding.spelling import Spelled


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its tokens, what the cache had to do for it, and the time both took."""

    decoded: Decoded
    sync: SyncReport
    sync_ms: float
    decode_ms: float

    @classmethod
    def of(
        cls,
        decoded: Decoded,
        report: SyncReport,
        started: float,
        synced: float,
        spelled: Spelled | None,
        spelling_ms: float,
    ) -> Generation:
        """An answer that has just ended, counted from two times of `perf_counter`. Adds to it what spelling took."""
        decoded.first_token_ms += spelling_ms
        decoded.num_passes += 0 if spelled is None else spelled.num_passes
        return cls(decoded, report, (synced - started) * 1e3, (perf_counter() - synced) * 1e3)
