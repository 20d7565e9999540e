"""Characters that are right and wrong, counted by hand."""

from __future__ import annotations

from codeassist.request import AnswerToken
from codeassist_eval.metrics.beginnings_curve import Answered, BeginningsPoint, beginnings_curve, num_common


def answered(truth: str, is_shown: bool, *pairs: tuple[str, float]) -> Answered:
    tokens = tuple(AnswerToken(text, probability) for text, probability in pairs)
    return Answered("".join(token.text for token in tokens), truth, tokens, is_shown)


ANSWERS = [
    answered("area(width)", True, ("area", 0.9), ("(width", 0.8), (")", 0.6)),  # right
    answered("area(height)", True, ("area", 0.9), ("(width", 0.5), (")", 0.9)),  # wrong from the sixth character on
    answered("render(one)", False, ("render", 0.9), ("(two", 0.1), (")", 0.9)),  # withheld, half of it right
    answered("x", False, ("something", 0.2)),
]


def test_the_first_point_is_what_whole_answers_show() -> None:
    whole, *_ = beginnings_curve(ANSWERS, [0.5], cuts_shown=False)
    assert whole == BeginningsPoint(None, 2, 11 + 5, 6, 0)
    assert whole.wrong_share == 100 * 6 / 22


def test_beginnings_of_what_is_withheld_come_on_top() -> None:
    _, point = beginnings_curve(ANSWERS, [0.5], cuts_shown=False)
    assert point == BeginningsPoint(0.5, 3, 16 + 6, 6, 0)


def test_cutting_all_spares_wrong_characters_and_cuts_right_ones() -> None:
    _, half, more = beginnings_curve(ANSWERS, [0.4, 0.65], cuts_shown=True)
    assert half == BeginningsPoint(0.4, 3, 11 + 5 + 6, 6, 0), "0.9 * 0.8 * 0.6 and 0.9 * 0.5 * 0.9 are over it"
    assert more == BeginningsPoint(0.65, 3, 10 + 4 + 6, 0, 1), "the closing bracket of the right one is cut"


def test_nothing_shown_has_no_share() -> None:
    (whole,) = beginnings_curve([], [], cuts_shown=True)
    assert whole == BeginningsPoint(None, 0, 0, 0, 0) and whole.wrong_share is None


def test_common_beginnings() -> None:
    assert [num_common(*pair) for pair in [("", "a"), ("ab", "ab"), ("ab", "abc"), ("xb", "ab")]] == [0, 2, 2, 0]
