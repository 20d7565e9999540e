"""What the bench counts: an answer that comes out right, one that does not, and the same places for the same seed."""

from __future__ import annotations

from random import Random

import pytest

from codeassist_eval.fitting.fit_figures import measure_fitting
from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.place_kinds import PLACE_KINDS
from codeassist_eval.fitting.source_file import SourceFile

TEXT = "def size(self):\n    total = count(self.names)\n    limit = max(total, 1)\n    return total\n\n\n" * 5


def test_a_text_is_right_but_for_white_space_at_line_ends() -> None:
    place = FitPlace("block", "a.py", "x = ", "\n", "1", ("x = 1\n", "x = \n"))
    assert place.accepts("x = 1  \r\n") and place.accepts("x =")
    assert not place.accepts("x = 2\n") and not place.accepts(" x = 1\n")


@pytest.mark.parametrize("kind", PLACE_KINDS)
def test_the_seed_decides_the_places(kind: str) -> None:
    files = [SourceFile("a.py", "python", TEXT)]

    def places(seed: int) -> list[FitPlace | None]:
        rng = Random(seed)
        return [PLACE_KINDS[kind](files[0], rng) for _ in range(40)]

    assert places(1) == places(1)
    assert any(place is not None for place in places(1))
    for place in places(1):
        if place is not None and kind not in ("mid-word", "overrun"):
            assert place.accepted[0] == TEXT


def test_what_is_counted_is_what_fitting_makes_of_the_answer() -> None:
    figures = measure_fitting([SourceFile("a.py", "python", TEXT)], ["auto-closed"], 30, "7")["auto-closed"]
    assert figures.num_places == 30 == len(figures.times_ms)
    assert figures.num_restored + len(figures.wrong) == 30
    assert figures.num_restored > 0
    assert figures.document(0)["restored"] == round(figures.num_restored / 30, 4)
