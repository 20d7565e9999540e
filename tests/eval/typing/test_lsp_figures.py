"""What answers of a language server add up to: the share that the server and the wire add, in its two parts."""

from __future__ import annotations

import pytest

from codeassist_eval.typing.lsp_figures import in_server_ms, lsp_figures, overhead_ms
from codeassist_eval.typing.lsp_replay import Answer, ReplayedSession

STAGES = {"queue": 1.0, "retrieve": 10.0, "prompt": 2.0, "sync": 100.0, "first_token": 5.0, "decode": 50.0, "trim": 3.0}


def session(*answers: Answer) -> ReplayedSession:
    return ReplayedSession("s", 1.0, 2.0, answers, len(answers), 7, {"tokens": {"reused_share": 0.5}})


def test_the_parts_of_the_share_are_its_sum() -> None:
    answers = [Answer("type", "answered", 180.0 + n, STAGES, 170.0 + n / 2, 1.5, 2.5) for n in range(5)]
    for answer in answers:
        assert answer.server_ms is not None
        between = answer.ms - answer.server_ms
        assert overhead_ms(answer) == pytest.approx(in_server_ms(answer) + between)
    found = lsp_figures([session(*answers, Answer("type", "cancelled", 9.0, {}), Answer("type", "cached", 4.0, {}))])
    assert found["overhead_ms"] == {"p50": 21.0, "p95": 22.8}  # the first token is within decoding
    assert found["overhead_in_server_ms"] == {"p50": 10.0, "p95": 10.9}
    assert found["overhead_between_ms"] == {"p50": 11.0, "p95": 11.9}
    stages = {stage: values["p95"] for stage, values in found["overhead_stages_ms"].items()}
    assert stages == {"before": 1.5, "prompt": 2.0, "trim": 3.0, "after": 2.5}
    assert found["stages_ms"]["decode"] == {"p50": 45.0, "p95": 45.0}


def test_answers_with_a_late_source_are_counted_among_those_of_the_model() -> None:
    answers = [Answer("type", "answered", 180.0, STAGES, has_late_source=n == 0) for n in range(4)]
    assert lsp_figures([session(*answers, Answer("type", "cached", 4.0, {}))])["late_percent"] == 25.0
    assert lsp_figures([session(Answer("type", "cached", 4.0, {}))])["late_percent"] is None


def test_a_server_that_does_not_say_has_no_parts() -> None:
    found = lsp_figures([session(Answer("type", "answered", 180.0, STAGES))])
    assert found["overhead_ms"] is not None and found["overhead_in_server_ms"] is None
