"""How an answer that goes on with a diff is read, however it comes in pieces."""

from __future__ import annotations

import random

import pytest

from codeassist.edits.server.diff_answer import DiffAnswer

SEED = 20261130
BESIDE = ["    b()", "    c()"]


@pytest.mark.parametrize(
    ("text", "gone", "come"),
    [
        ("+    x()\n     y()\n", 0, ("    x()",)),
        ("+    x()\n+    y()\n@@ @@\n", 0, ("    x()", "    y()")),
        ("-    b()\n+    x()\n     d()\n", 1, ("    x()",)),
        ("-    b()\n-    c()\n     d()\n", 2, ()),
        ("-    c()\n+    x()\n", 0, ()),  # it takes away what does not stand there
        ("+    x()\n-    b()\n+    y()\n", 0, ("    x()",)),  # the place after it
        ("     b()\n", 0, ()),
        ("+\n+    x()\n \n", 0, ("", "    x()")),
        ("+    x()\n\n", 0, ("    x()",)),
    ],
)
def test_an_answer_is_read_up_to_its_end_and_no_further(text: str, gone: int, come: tuple[str, ...]) -> None:
    rng = random.Random(SEED)
    for _ in range(50):
        answer = DiffAnswer(BESIDE, is_adding=False, most_lines=8)
        rest, wanted = text, True
        while rest and wanted:
            size = rng.randrange(1, 6)
            piece, rest = rest[:size], rest[size:]
            wanted = answer.feed(piece)
        assert answer.is_whole and not wanted, f"seed {SEED}"
        assert (answer.num_gone, answer.lines) == (gone, come), f"seed {SEED}"


def test_an_answer_that_the_model_ended_is_whole_and_one_that_breaks_off_is_not() -> None:
    for text, come in (("+    x()", ("    x()",)), ("+    x()\n", ("    x()",)), ("", ())):
        answer = DiffAnswer(BESIDE, is_adding=False, most_lines=8)
        answer.feed(text)
        assert not answer.is_whole
        answer.end()
        assert answer.is_whole and answer.lines == come, text


def test_the_first_marker_may_be_given_and_an_answer_without_end_is_none() -> None:
    answer = DiffAnswer((), is_adding=True, most_lines=2)
    assert answer.feed("import os\n")
    assert answer.lines == ("import os",)
    assert answer.feed("+import re\n") and not answer.feed("+import sys\n")
    assert not answer.is_whole
    answer.begin()
    assert answer.feed("import os") and answer.lines == ()
