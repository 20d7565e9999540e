"""The typing benchmark's figures on known numbers."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from codeassist_eval.speed.typing import as_session
from codeassist_eval.typing.typing_figures import (
    KeystrokeRecord,
    Sample,
    SessionRecord,
    keystroke_ratios,
    same_first_line,
    typing_figures,
)


def sample(no_idle: str, human: str, full: str, rest: str | None, llama_ms: float | None = 20.0) -> Sample:
    return Sample(100.0, llama_ms, None if llama_ms is None else 7, no_idle, human, full, rest)


SESSION = SessionRecord(
    "a",
    (
        KeystrokeRecord("type", 50, 4, 10.0, 25, 50, 150.0, sample("x)", "x)", "x)", "x)")),
        KeystrokeRecord("type", 50, 6, 20.0, 25, 25, 0.0, sample("y", "x)  ", "x)", "x)")),
        KeystrokeRecord("move", 100, 8, 30.0, 50, 100, 100.0),
        KeystrokeRecord("type", 50, 2, 40.0, 50, 50, 100.0, sample("a\nb", "c", "a", None)),
    ),
)


def test_an_unsampled_keystroke_is_held_against_its_prompts_length() -> None:
    assert SESSION.full_ms_per_token == 2.0
    assert keystroke_ratios(SESSION) == pytest.approx([0.1, 0.2, 0.15, 0.4])


def test_figures() -> None:
    figures = typing_figures([SESSION])
    assert figures["keystroke_p50_ratio"] == pytest.approx(0.175)
    assert figures["keystroke_p95_ratio"] == pytest.approx(0.37)
    assert figures["encoded_tokens_p50"] == 5
    assert figures["em_delta"] == -50.0
    assert figures["no_idle"]["em"] == 50.0
    assert figures["human_speed"]["em"] == 100.0
    assert figures["same_first_line"] == pytest.approx(2 / 3)
    assert figures["no_idle"]["same_first_line"] == pytest.approx(2 / 3)
    assert figures["exact_share"] == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert figures["no_idle"]["exact_share"] == pytest.approx((0.5 + 0.5 + 0.5 + 1) / 4)
    assert figures["llama_cpp"]["p50_ratio"] == 1.0
    assert figures["llama_cpp"]["share_slower"] == pytest.approx(1 / 3)
    assert figures["by_kind"]["move"]["ratio_p95"] == pytest.approx(0.15)
    assert (figures["num_keystrokes"], figures["num_samples"], figures["num_with_truth"]) == (4, 3, 2)


def test_without_llama_or_truth_their_figures_are_absent() -> None:
    alone = SessionRecord("a", (KeystrokeRecord("move", 50, 1, 5.0, 5, 5, 0.0, sample("a", "a", "a", None, None)),))
    figures = typing_figures([alone])
    assert figures["llama_cpp"] is None
    assert figures["em_delta"] is None


def test_a_session_survives_its_file() -> None:
    assert as_session(json.loads(json.dumps(asdict(SESSION)))) == SESSION


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a  \nb", True), ("\na", "a", True), (" a", "a", False), ("", "\n", True), ("", "a", False)],
)
def test_same_first_line(one: str, other: str, same: bool) -> None:
    assert same_first_line(one, other) is same
