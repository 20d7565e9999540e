"""What a typing benchmark records of each keystroke, and the figures that the records add up to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codeassist_eval.metrics.score import is_rest_of_line
from codeassist_eval.percentiles import percentile
from codeassist_eval.typing.typing_trace import Kind


@dataclass(frozen=True, slots=True)
class Sample:
    """A keystroke at which everything was measured: a full recomputation, llama.cpp, and everyone's answer.

    `rest` is what was typed next on the line; None where there is no truth to compare with.
    """

    full_ms: float
    llama_ms: float | None
    llama_encoded: int | None
    no_idle_text: str
    human_text: str
    full_text: str
    rest: str | None


@dataclass(frozen=True, slots=True)
class KeystrokeRecord:
    """One keystroke. Times are from the keystroke to the first token, without idle time between keystrokes.

    `exact_slots` counts the prompt's exact slots then, `human_exact_slots` with healing in the idle time of human
    speed; `idle_ms` is what was left of that time after the answer.
    """

    kind: Kind
    prompt_tokens: int
    encoded_tokens: int
    ms: float
    exact_slots: int
    human_exact_slots: int
    idle_ms: float
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session's keystrokes in order."""

    name: str
    keystrokes: tuple[KeystrokeRecord, ...]

    @property
    def full_ms_per_token(self) -> float:
        """The median cost of a full recomputation, over the session's samples."""
        return statistics.median(k.sample.full_ms / k.prompt_tokens for k in self.keystrokes if k.sample is not None)


def typing_figures(sessions: Sequence[SessionRecord]) -> dict[str, Any]:
    """The figures over all keystrokes of at least one session; shares and ratios are from 0 to 1, `em_` in points."""
    keystrokes = [keystroke for session in sessions for keystroke in session.keystrokes]
    ratios = [ratio for session in sessions for ratio in keystroke_ratios(session)]
    sampled = [(k, k.sample) for k in keystrokes if k.sample is not None]
    samples = [sample for _, sample in sampled]
    with_truth = [(sample, sample.rest) for sample in samples if sample.rest is not None and sample.rest.strip()]
    em_ours = _points([is_rest_of_line(sample.no_idle_text, rest) for sample, rest in with_truth])
    em_human = _points([is_rest_of_line(sample.human_text, rest) for sample, rest in with_truth])
    em_full = _points([is_rest_of_line(sample.full_text, rest) for sample, rest in with_truth])
    ours_ms = [k.ms for k in keystrokes]
    full_ms = [sample.full_ms for sample in samples]
    return {
        "keystroke_p50_ratio": percentile(ratios, 50),
        "keystroke_p95_ratio": percentile(ratios, 95),
        "encoded_tokens_p50": percentile([k.encoded_tokens for k in keystrokes], 50),
        "em_delta": None if em_ours is None or em_full is None else em_ours - em_full,
        "same_first_line": _share([same_first_line(sample.human_text, sample.full_text) for sample in samples]),
        "exact_share": _share([k.human_exact_slots / k.prompt_tokens for k in keystrokes]),
        "no_idle": {
            "em": em_ours,
            "same_first_line": _share([same_first_line(sample.no_idle_text, sample.full_text) for sample in samples]),
            "exact_share": _share([k.exact_slots / k.prompt_tokens for k in keystrokes]),
        },
        "human_speed": {"em": em_human, "idle_ms_p50": percentile([k.idle_ms for k in keystrokes], 50)},
        "full_recompute": {"em": em_full, "ms_p50": percentile(full_ms, 50), "ms_p95": percentile(full_ms, 95)},
        "keystroke_ms": {"p50": percentile(ours_ms, 50), "p95": percentile(ours_ms, 95)},
        "llama_cpp": _beside_llama(sampled),
        "prompt_tokens_p50": percentile([k.prompt_tokens for k in keystrokes], 50),
        "num_sessions": len(sessions),
        "num_keystrokes": len(keystrokes),
        "num_samples": len(samples),
        "num_with_truth": len(with_truth),
        "by_kind": _by_kind(keystrokes, ratios),
    }


def keystroke_ratios(session: SessionRecord) -> list[float]:
    """Each keystroke's time over the full recomputation of the same prompt.

    Where that was not measured it is the prompt's tokens times the session's median cost of one.
    """
    per_token = session.full_ms_per_token
    return [
        k.ms / (k.sample.full_ms if k.sample is not None else per_token * k.prompt_tokens) for k in session.keystrokes
    ]


def same_first_line(one: str, other: str) -> bool:
    """Whether two answers show the same first line; blank space at its end does not show."""
    return _first_line(one) == _first_line(other)


def _first_line(text: str) -> str:
    lines = text.strip("\r\n").splitlines()
    return lines[0].rstrip() if lines else ""


def _beside_llama(sampled: Sequence[tuple[KeystrokeRecord, Sample]]) -> dict[str, Any] | None:
    """llama.cpp at the sampled keystrokes, and ours at the same ones."""
    pairs = [(k.ms, s.llama_ms, s.llama_encoded) for k, s in sampled if s.llama_ms is not None]
    if not pairs:
        return None
    theirs = [their_ms for _, their_ms, _ in pairs]
    ours = [our_ms for our_ms, _, _ in pairs]
    return {
        "ms_p50": percentile(theirs, 50),
        "ms_p95": percentile(theirs, 95),
        "encoded_tokens_p50": percentile([encoded for _, _, encoded in pairs if encoded is not None], 50),
        "p50_ratio": percentile(ours, 50) / percentile(theirs, 50),
        "p95_ratio": percentile(ours, 95) / percentile(theirs, 95),
        "share_slower": _share([our_ms > their_ms for our_ms, their_ms, _ in pairs]),
    }


def _by_kind(keystrokes: Sequence[KeystrokeRecord], ratios: Sequence[float]) -> dict[str, dict[str, float]]:
    kinds = sorted({k.kind for k in keystrokes})
    figures: dict[str, dict[str, float]] = {}
    for kind in kinds:
        chosen = [(k, ratio) for k, ratio in zip(keystrokes, ratios, strict=True) if k.kind == kind]
        figures[kind] = {
            "num_keystrokes": len(chosen),
            "ms_p50": percentile([k.ms for k, _ in chosen], 50),
            "ratio_p50": percentile([ratio for _, ratio in chosen], 50),
            "ratio_p95": percentile([ratio for _, ratio in chosen], 95),
            "encoded_tokens_p50": percentile([k.encoded_tokens for k, _ in chosen], 50),
        }
    return figures


def _share(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _points(hits: Sequence[bool]) -> float | None:
    return 100 * _share(hits) if hits else None
