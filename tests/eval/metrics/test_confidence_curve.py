"""Coverage against precision, and the rule that withholds."""

from __future__ import annotations

import math

import pytest

from codeassist.completion.stops import Confidence
from codeassist_eval.metrics.confidence_curve import CurvePoint, confidence_curve


def test_curve_on_known_numbers() -> None:
    judged = [(0.9, True), (0.8, True), (0.7, False), (0.2, False), (0.1, True)]
    assert confidence_curve(judged, [0.0, 0.5, 0.95]) == [
        CurvePoint(0.0, 100.0, 60.0, 0.0),
        CurvePoint(0.5, 60.0, pytest.approx(200 / 3), pytest.approx(100 / 3)),
        CurvePoint(0.95, 0.0, None, 100.0),
    ]
    assert confidence_curve([], [0.0]) == [CurvePoint(0.0, 0.0, None, 0.0)]


def test_an_answer_that_certain_tokens_may_still_save_goes_on() -> None:
    rule = Confidence(0.5)
    assert rule.value is None and rule.is_enough
    assert rule.feed(math.log(0.1)) and rule.feed(math.log(0.4)), "two hard names"
    assert not rule.is_enough and rule.value == pytest.approx(0.2), "would it end here, it would be withheld"
    for _ in range(8):
        assert rule.feed(math.log(0.99))
    assert rule.is_enough


def test_an_answer_is_given_up_once_nothing_likely_can_save_it() -> None:
    rule = Confidence(0.5)
    fed = [rule.feed(math.log(0.1)) for _ in range(5)]
    assert fed == [True, True, True, False, False] and not rule.is_enough, "0.1 ** 4 < 0.5 ** 12"


def test_zero_never_gives_up() -> None:
    rule = Confidence(0.0)
    assert all(rule.feed(-100.0) for _ in range(5)) and rule.is_enough
