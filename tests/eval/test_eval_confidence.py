"""Coverage against precision, and the rule that withholds."""

from __future__ import annotations

import math

import pytest

from codeassist.confidence import Confidence
from codeassist_eval.confidence_curve import CurvePoint, confidence_curve


def test_curve_on_known_numbers() -> None:
    judged = [(0.9, True), (0.8, True), (0.7, False), (0.2, False), (0.1, True)]
    assert confidence_curve(judged, [0.0, 0.5, 0.95]) == [
        CurvePoint(0.0, 100.0, 60.0, 0.0),
        CurvePoint(0.5, 60.0, pytest.approx(200 / 3), pytest.approx(100 / 3)),
        CurvePoint(0.95, 0.0, None, 100.0),
    ]
    assert confidence_curve([], [0.0]) == [CurvePoint(0.0, 0.0, None, 0.0)]


def test_an_answer_is_given_up_once_it_is_unlikely() -> None:
    rule = Confidence(0.5)
    assert rule.value is None and rule.is_enough
    assert rule.feed(math.log(0.1))  # one unlikely token may be a hard name
    assert not rule.feed(math.log(0.9)) and not rule.is_enough
    assert rule.value == pytest.approx(0.3)


def test_zero_never_gives_up() -> None:
    rule = Confidence(0.0)
    assert all(rule.feed(-100.0) for _ in range(5)) and rule.is_enough
