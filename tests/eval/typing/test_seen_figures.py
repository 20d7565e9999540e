"""What a typist had of suggestions: each character counts once, and only what stood on the screen in time."""

from __future__ import annotations

from codeassist_eval.typing.seen_figures import foreseen, num_right, seen_figures
from codeassist_eval.typing.typist import Seen

# "return x" is typed: behind its first letter "eturn x" is left.
EARLY = Seen("type", 100.0, "eturn y", rest="eturn x")
AGAIN = Seen("type", 50.0, "turn x", rest="turn x", was_known=True)
SLOW = Seen("type", 900.0, "urn x", rest="urn x")
LATE = Seen("type", 20.0, "rn x", in_time=False, rest="rn x")
WRONG = Seen("type", 40.0, "zzz", rest="n x")
DROPPED = Seen("type", 5.0, None, rest=" x")
NOTHING = Seen("type", 30.0, "", rest="x")
ELSEWHERE = Seen("rename", 30.0, "whatever")


def test_characters_are_right_up_to_the_first_that_is_not() -> None:
    assert num_right(EARLY) == len("eturn ")
    assert num_right(AGAIN) == len("turn x")
    assert num_right(WRONG) == num_right(DROPPED) == num_right(NOTHING) == num_right(ELSEWHERE) == 0


def test_each_character_counts_once() -> None:
    assert foreseen([EARLY]) == set(range(2, 8))  # but for the x, the last one
    assert foreseen([EARLY, AGAIN]) == set(range(1, 8))
    assert foreseen([LATE, DROPPED, NOTHING, ELSEWHERE, WRONG]) == set()


def test_figures_of_a_side() -> None:
    found = seen_figures([[EARLY, SLOW, LATE, WRONG], [DROPPED, NOTHING, ELSEWHERE, AGAIN]], [7, 8])
    assert found["suggestion_ms"] == {"p50": 50.0, "p95": 740.0}  # 30, 40, 50, 100, 900
    assert found["computed_ms"] == {"p50": 70.0, "p95": 780.0}
    assert (found["num_edits"], found["num_shown"], found["num_known"]) == (8, 5, 1)
    assert found["num_shown_promptly"] == 4
    assert found["characters_typed"] == 15
    assert found["characters_foreseen"] == 7 + 6
    assert found["characters_foreseen_promptly"] == 6 + 6
    assert (found["num_judged"], found["num_wrong_at_once"]) == (4, 1)


def test_a_side_that_shows_nothing() -> None:
    found = seen_figures([[NOTHING]], [3])
    assert found["suggestion_ms"] is found["computed_ms"] is None
    assert found["num_shown"] == found["characters_foreseen"] == 0
