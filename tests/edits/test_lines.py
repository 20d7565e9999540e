"""Texts with lines changed: line ends and a missing last one stay; what leads from text to text; edits that moved."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.line_diff import carried_over, line_changes, rebased
from codeassist.edits.lines import lines_of, with_changes, with_line_feeds
from codeassist.errors import RequestError

SEED = 20261130


def change(start: int, old: str, new: str, path: str = "a.py") -> LineChange:
    return LineChange(path, start, tuple(old.split()), tuple(new.split()))


@pytest.mark.parametrize(
    ("text", "edit", "result"),
    [
        ("a\r\nb\r\nc\r\n", change(1, "b", "x y"), "a\r\nx\r\ny\r\nc\r\n"),
        ("a\nb", change(1, "b", "x"), "a\nx"),
        ("a\nb", change(2, "", "c"), "a\nb\nc"),
        ("a\r\nb", change(2, "", "c d"), "a\r\nb\r\nc\r\nd"),
        ("a\nb", change(0, "a b", ""), ""),
        ("", change(0, "", "a b"), "a\nb\n"),
        ("\ufeffa\nb\n", change(0, "a", "x"), "\ufeffx\nb\n"),
        ("a\r\nb\nc\n", change(1, "b", "x"), "a\r\nx\nc\n"),  # each keeps its own end
        ("a\x0cb\u2028c\nd\n", change(1, "d", "e"), "a\x0cb\u2028c\ne\n"),  # no ends of lines
        ("a\n", LineChange("a.py", 1, ("",), ("b",)), "a\nb\n"),  # the line that editors count after the last end
    ],
)
def test_changes_keep_line_ends(text: str, edit: LineChange, result: str) -> None:
    assert with_changes(text, [edit]) == result


def test_a_change_that_does_not_fit_is_refused() -> None:
    for edit in (change(1, "x", "y"), change(3, "", "y"), change(2, "b", ""), LineChange("a.py", -1, ("a",), ())):
        with pytest.raises(RequestError, match="ask again"):
            with_changes("a\nb\n", [edit])


def test_random_texts_are_led_to_each_other() -> None:
    rng = random.Random(SEED)
    for _ in range(400):
        before, after = ("".join(rng.choice(("a", "b", "c", "")) + "\n" for _ in range(rng.randrange(9))) for _ in "12")
        changes = line_changes("a.py", before, after)
        text = before
        for each in changes:
            text = with_changes(text, [each])
        assert text == after, f"seed {SEED}"
        starts = [(each.start_line, each.end_line) for each in changes]
        assert all(end < start for (_, end), (start, _) in pairwise(starts)), f"seed {SEED}"


def test_an_edit_goes_where_its_lines_went() -> None:
    edit = change(4, "e", "E")
    text = "a\nb\nc\nd\ne\nf\n"
    assert carried_over(edit, text, "new\n" + text) == change(5, "e", "E")
    assert carried_over(edit, text, text.replace("b\n", "")) == change(3, "e", "E")
    assert carried_over(edit, text, text.replace("e\n", "else\n")) is None
    assert carried_over(edit, text, text + "g\n") == edit
    # Beside a change: an insertion at the very place is of nobody's lines.
    assert rebased(change(1, "", "x"), [change(1, "", "y")]) is None
    assert rebased(change(1, "b", "x"), [change(1, "", "y")]) == change(2, "b", "x")
    assert rebased(change(1, "b", "x"), [change(0, "a", "y z")]) == change(2, "b", "x")
    assert rebased(change(1, "b", "x"), [change(0, "", "y", path="b.py")]) == change(1, "b", "x")


def test_random_edits_never_reach_other_lines() -> None:
    """Lines are all different: an edit that is carried over still changes the line that it was made for."""
    rng = random.Random(SEED)
    for _ in range(500):
        before = [f"line {number}" for number in range(8)]
        start = rng.randrange(8)
        edit = LineChange("a.py", start, tuple(before[start : start + rng.randrange(3)]), ("changed",))
        after = list(before)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(after) + 1)
            after[at : at + rng.randrange(3)] = [f"new {rng.random()}"] * rng.randrange(3)
        moved = carried_over(edit, "\n".join(before) + "\n", "\n".join(after) + "\n")
        if moved is None:
            continue
        at = moved.start_line
        assert tuple(after[at : at + len(edit.old)]) == edit.old, f"seed {SEED}"
        if not edit.old:  # what stood before or after it still does
            beside = [before[start - 1 : start] == after[at - 1 : at], before[start : start + 1] == after[at : at + 1]]
            assert any(beside), f"seed {SEED}"


def test_lines_are_counted_as_editors_do() -> None:
    text = "\ufeffa\r\nb\rc\n\nd"
    assert with_line_feeds(text) == "a\nb\nc\n\nd"
    assert lines_of(text) == ("a", "b", "c", "", "d")
    assert lines_of("") == () and lines_of("\n") == ("",)
    assert not re.search(r"[\r\ufeff]", with_line_feeds(text))
