"""How requests went: one trace each, filled in on its way, and counts and percentiles of the last ones.

Nothing of a text is kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any, Literal

from codeassist.request import ActOutcome, Completion, MonitorAct

# "answered": the model's suggestion; "cached": an answer known already; "empty": the model had nothing worth showing;
# "withheld": what it had was too unlikely; "outdated": the text changed meanwhile and it fits no more; "refused": off,
# too large, loading, ...
Outcome = Literal["answered", "cached", "empty", "withheld", "outdated", "refused", "cancelled", "failed"]
STAGES = ("debounce", "queue", "retrieve", "prompt", "sync", "first_token", "decode", "trim", "total")
MOMENTS = ("read_s", "asked_s", "done_s", "written_s")
_PERCENTILES = (50, 90, 95, 99)


@dataclass(slots=True)
class RequestTrace:
    """One request, from when the trace is made. `stage_ms` has the stages that it went through.

    Monotonic seconds, by a clock that processes share where there is one: `read_s` is when the request's last byte was
    read, `asked_s` when the inference thread was asked, `done_s` when that was done, `written_s` when the answer was
    handed to the system; None: not yet, or never. late_sources: of other files, what was not found in time.
    `tokens_by_source`: what each source of context brought into the prompt, for each of its snippets its tokens.
    """

    kind: str
    read_s: float | None = None
    asked_s: float | None = None
    done_s: float | None = None
    written_s: float | None = None
    outcome: Outcome = "failed"
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_new_tokens: int = 0
    late_sources: tuple[str, ...] = ()
    monitor_acts: tuple[MonitorAct, ...] = ()
    tokens_by_source: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    _began_s: float = field(default_factory=perf_counter)

    def note_writing(self) -> None:
        """Look at the clock once the running task's answer is written: whoever started the task writes it, as the
        first thing when the task is done."""
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task of its own"
        task.add_done_callback(lambda done: self._written())

    def model_said(self, first: Completion, queue_ms: float) -> None:
        """Take over what the model's first answer took, after it had waited for the inference thread."""
        said = first.trace
        stages = said.stage_ms
        self.stage_ms |= {
            "queue": queue_ms,
            "retrieve": stages["retrieve"],
            "prompt": stages["prompt"],
            "sync": stages["prefill"],
            "first_token": stages["first_token"],
            "decode": stages["decode"],
        }
        self.num_prompt_tokens = said.num_prompt_tokens
        self.num_cached_tokens = said.num_cached_tokens
        self.num_new_tokens = said.num_new_tokens
        self.late_sources = tuple(said.late_sources)
        self.monitor_acts = tuple(said.monitor_acts)
        for used in first.snippets:
            self.tokens_by_source.setdefault(used.snippet.source, []).append(used.num_tokens)

    def end(self) -> None:
        """Note what the request took in all."""
        self.stage_ms["total"] = (perf_counter() - self._began_s) * 1e3

    def _written(self) -> None:
        self.written_s = monotonic()


@dataclass(slots=True)
class RequestLog:
    """The last `capacity` requests, and how many there were of each outcome.

    `monitored`: what monitors did at the places of all answers; "suspected": names that were forbidden though the model
    was so sure of them that the analysis may be wrong.
    """

    capacity: int = 500
    counts: Counter[Outcome] = field(default_factory=Counter[Outcome])
    monitored: Counter[ActOutcome | Literal["suspected"]] = field(
        default_factory=Counter['ActOutcome | Literal["suspected"]']
    )
    _traces: deque[RequestTrace] = field(init=False)

    def __post_init__(self) -> None:
        self._traces = deque(maxlen=self.capacity)

    def add(self, trace: RequestTrace) -> None:
        """Take note of a request that was answered."""
        self.counts[trace.outcome] += 1
        self.monitored.update(act.outcome for act in trace.monitor_acts)
        self.monitored["suspected"] += sum(act.is_suspect for act in trace.monitor_acts)
        trace.monitor_acts = ()  # names in them are of a text
        self._traces.append(trace)

    def latency_ms(self) -> dict[str, dict[str, float]]:
        """For each stage the percentiles over the requests that went through it and were not cancelled."""
        found: dict[str, list[float]] = {}
        for trace in self._traces:
            if trace.outcome not in ("cancelled", "refused"):
                for stage, took_ms in trace.stage_ms.items():
                    found.setdefault(stage, []).append(took_ms)
        return {stage: percentiles(found[stage]) for stage in STAGES if stage in found}

    def tokens(self) -> dict[str, float]:
        """How many prompt tokens the last requests had, and how many of them were reused."""
        prompt = sum(trace.num_prompt_tokens for trace in self._traces)
        reused = sum(trace.num_cached_tokens for trace in self._traces)
        new = sum(trace.num_new_tokens for trace in self._traces)
        return {"prompt": prompt, "reused": reused, "reused_share": reused / prompt if prompt else 0.0, "new": new}

    def sources(self) -> dict[str, dict[str, int]]:
        """What each source of context brought into the last requests' prompts, the most first, and how often it was
        late."""
        found: dict[str, dict[str, int]] = {}
        for trace in self._traces:
            for source in {**trace.tokens_by_source, **dict.fromkeys(trace.late_sources)}:
                counts = found.setdefault(source, {"requests": 0, "snippets": 0, "tokens": 0, "late": 0})
                tokens = trace.tokens_by_source.get(source, [])
                counts["requests"] += bool(tokens)
                counts["snippets"] += len(tokens)
                counts["tokens"] += sum(tokens)
                counts["late"] += source in trace.late_sources
        return dict(sorted(found.items(), key=lambda item: (-item[1]["tokens"], item[0])))

    def recent(self) -> list[dict[str, Any]]:
        """Every kept request, the oldest first, ready for JSON."""
        return [
            {
                "outcome": trace.outcome,
                "kind": trace.kind,
                "stage_ms": {stage: round(took_ms, 3) for stage, took_ms in trace.stage_ms.items()},
                "num_prompt_tokens": trace.num_prompt_tokens,
                "num_cached_tokens": trace.num_cached_tokens,
                "num_new_tokens": trace.num_new_tokens,
                "late_sources": list(trace.late_sources),
                **{name: getattr(trace, name) for name in MOMENTS},
            }
            for trace in self._traces
        ]


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """The nearest-rank percentiles."""
    ordered = sorted(values)
    ranks = {p: -(-p * len(ordered) // 100) for p in _PERCENTILES}
    return {f"p{p}": round(ordered[rank - 1], 3) for p, rank in ranks.items()}
