"""What the gate lets through: rules that nothing overrides, and one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.gate import CalibratedGate, Calibration, features
from codeassist.edits.likelihood import Likelihood
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site

TEXT = "def f(a, b):\n    return a\n\nf(1)\nf(2)\n"
HISTORY = (LineChange("x.py", 0, ("def f(a):",), ("def f(a, b):",)),)
REQUEST = EditRequest("x.py", 0, HISTORY, {"x.py": TEXT})
CHANGE = LineChange("x.py", 3, ("f(1)",), ("f(1, 2)",))
LIKELY = Likelihood(2.0, -3.0, -9.0, 3)
CALIBRATION = Calibration("tiny", 0.6, 0.0, {"margin": 1.0})


@dataclass
class Says:
    likelihood: Likelihood | None

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        return self.likelihood


class Brackets:
    def num_errors(self, path: str, text: str) -> int | None:
        return None if path.endswith(".txt") else abs(text.count("(") - text.count(")"))


def proposal(change: LineChange = CHANGE, source: str = "diff") -> Proposal:
    return Proposal(change, Site(change.path, change.start_line, change.start_line + 1, 0.5, "use", "uses f"), source)


def why_not(request: EditRequest, change: LineChange) -> str | None:
    gate = CalibratedGate(CALIBRATION, Says(LIKELY), Brackets())
    return gate.judge(request, proposal(change), never).why_not


def test_a_likelier_text_is_shown_and_an_unlikelier_one_is_not() -> None:
    gate = CalibratedGate(CALIBRATION, Says(LIKELY))
    assert gate.judge(REQUEST, proposal(), never).why_not is None
    assert gate.judge(REQUEST, proposal(), never).confidence == pytest.approx(0.8808, abs=1e-4)
    unlikely = CalibratedGate(CALIBRATION, Says(replace(LIKELY, new=-9.0, old=-3.0))).judge(REQUEST, proposal(), never)
    assert unlikely.why_not == "not sure enough: 0.12 of 0.60"


def test_what_was_turned_down_does_not_come_back() -> None:
    assert why_not(REQUEST, CHANGE) is None
    assert why_not(replace(REQUEST, dismissed=frozenset({CHANGE})), CHANGE) == "was turned down"
    other = replace(CHANGE, new=("f(1, 3)",))
    assert why_not(replace(REQUEST, dismissed=frozenset({CHANGE})), other) is None


@pytest.mark.parametrize(
    "change",
    [
        LineChange("x.py", 0, ("def f(a, b):",), ("def f(a):",)),
        LineChange("x.py", 0, ("def f(a, b):", "    return a"), ("def f(a):", "    return a")),
    ],
)
def test_a_proposal_never_takes_back_the_users_edit(change: LineChange) -> None:
    assert why_not(REQUEST, change) == "takes back one of the last edits"


def test_nor_several_edits_at_once() -> None:
    second = LineChange("x.py", 1, ("    return 0",), ("    return a",))
    request = replace(REQUEST, history=(*HISTORY, second))
    both = LineChange("x.py", 0, ("def f(a, b):", "    return a"), ("def f(a):", "    return 0"))
    assert why_not(request, both) == "takes back one of the last edits"


def test_the_same_edit_at_another_place_is_no_taking_back() -> None:
    assert why_not(REQUEST, LineChange("x.py", 4, ("f(2)",), ("f(2, 3)",))) is None


def test_what_parsed_must_go_on_parsing() -> None:
    assert why_not(REQUEST, replace(CHANGE, new=("f(1, 2",))) == "would not parse any more"
    broken = replace(REQUEST, files={"x.py": TEXT.replace("f(2)", "f(2")})
    assert why_not(broken, CHANGE) is None  # it did not parse before
    assert why_not(broken, replace(CHANGE, new=("f((1",))) == "would not parse any more"
    as_text = LineChange("x.txt", 3, ("f(1)",), ("f(1",))
    assert why_not(replace(REQUEST, files={"x.txt": TEXT}), as_text) is None  # nobody can say


@pytest.mark.parametrize("char", ["\x1b", "\ufffd", "\r", "\u202e", "\x00"])
def test_characters_that_nobody_sees_are_not_brought_in(char: str) -> None:
    assert why_not(REQUEST, replace(CHANGE, new=(f"f(1, 2){char}",))) == "brings characters that nobody sees"
    holding = replace(REQUEST, files={"x.py": TEXT.replace("f(2)", f"f(2){char}")})
    assert why_not(holding, replace(CHANGE, new=(f"f(1, 2){char}",))) is None


def test_a_text_that_changed_meanwhile_is_left_alone() -> None:
    assert why_not(replace(REQUEST, files={"x.py": TEXT.replace("f(1)", "f(7)")}), CHANGE) == "the text has changed"
    assert why_not(replace(REQUEST, files={}), CHANGE) == "the text has changed"


def test_features_are_bounded_and_name_who_proposed() -> None:
    values = features(proposal(source="token rule"), Likelihood(900.0, -1.0, -9000.0, 2))
    assert values["place"] == values["margin"] == 8.0
    assert values["source token rule"] == values["site use"] == 1.0
    assert "place" not in features(proposal(), None) and "unread" in features(proposal(), None)
