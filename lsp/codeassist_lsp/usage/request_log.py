"""What became of the last requests, and where their time went.

Knows no model and no client: it is handed figures and hands out counts and percentiles. Nothing of a text is kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from codeassist_lsp.transport.request_timing import RequestTiming

# "answered": the model's suggestion; "cached": an answer known already; "empty": the model had nothing worth showing;
# "withheld": what it had was too unlikely; "outdated": the text changed meanwhile and it fits no more; "refused": off,
# too large, loading, ...
Outcome = Literal["answered", "cached", "empty", "withheld", "outdated", "refused", "cancelled", "failed"]
STAGES = ("debounce", "queue", "retrieve", "prompt", "sync", "first_token", "decode", "trim", "total")
MOMENTS = ("read_s", "asked_s", "done_s", "written_s")
_PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class Record:
    """One request. `stage_ms` has the stages that it went through; `total` is from its arrival to its answer.

    late_sources: of other files, what was not found in time.
    """

    outcome: Outcome
    kind: str
    stage_ms: Mapping[str, float]
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_new_tokens: int = 0
    timing: RequestTiming | None = None
    late_sources: tuple[str, ...] = ()


@dataclass(slots=True)
class RequestLog:
    """The last `capacity` requests, and how many there were of each outcome."""

    capacity: int = 500
    counts: Counter[Outcome] = field(default_factory=Counter[Outcome])
    _records: deque[Record] = field(init=False)

    def __post_init__(self) -> None:
        self._records = deque(maxlen=self.capacity)

    def add(self, record: Record) -> None:
        """Take note of a request that was answered."""
        self.counts[record.outcome] += 1
        self._records.append(record)

    def latency_ms(self) -> dict[str, dict[str, float]]:
        """For each stage the percentiles over the requests that went through it and were not cancelled."""
        found: dict[str, list[float]] = {}
        for record in self._records:
            if record.outcome not in ("cancelled", "refused"):
                for stage, took_ms in record.stage_ms.items():
                    found.setdefault(stage, []).append(took_ms)
        return {stage: percentiles(found[stage]) for stage in STAGES if stage in found}

    def tokens(self) -> dict[str, float]:
        """How many prompt tokens the last requests had, and how many of them were reused."""
        prompt = sum(record.num_prompt_tokens for record in self._records)
        reused = sum(record.num_cached_tokens for record in self._records)
        new = sum(record.num_new_tokens for record in self._records)
        return {"prompt": prompt, "reused": reused, "reused_share": reused / prompt if prompt else 0.0, "new": new}

    def recent(self) -> list[dict[str, Any]]:
        """Every kept request, the oldest first, ready for JSON."""
        return [
            {
                "outcome": record.outcome,
                "kind": record.kind,
                "stage_ms": {stage: round(took_ms, 3) for stage, took_ms in record.stage_ms.items()},
                "num_prompt_tokens": record.num_prompt_tokens,
                "num_cached_tokens": record.num_cached_tokens,
                "num_new_tokens": record.num_new_tokens,
                "late_sources": list(record.late_sources),
                **{name: None if record.timing is None else getattr(record.timing, name) for name in MOMENTS},
            }
            for record in self._records
        ]


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """The nearest-rank percentiles."""
    ordered = sorted(values)
    ranks = {p: -(-p * len(ordered) // 100) for p in _PERCENTILES}
    return {f"p{p}": round(ordered[rank - 1], 3) for p, rank in ranks.items()}
