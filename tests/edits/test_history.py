"""The edit history: what merges, what was taken back, what is no edit; and that it can be read backwards."""

from __future__ import annotations

import random

import pytest

from codeassist.document import Document, TextEdit
from codeassist.edits.history import MASS_CHANGE_LINES, MERGE_LINES, MERGE_S, MOST_ENTRIES, EditHistory, PastEdit

SEED = 20261130


class Typist:
    """A document whose edits are recorded as they come."""

    def __init__(self, text: str) -> None:
        self.document = Document("a.py", text)
        self.history = EditHistory()
        self.now_s = 0.0

    def edit(self, start: int, end: int, text: str, after_s: float = 0.1, is_accepted: bool = False) -> None:
        self.now_s += after_s
        edit = TextEdit(start, end, text)
        self.history.record(self.document, [edit], self.now_s, is_accepted)
        self.document, _ = self.document.apply(edit)

    def type(self, at: int, text: str) -> None:
        for number, char in enumerate(text):
            self.edit(at + number, at + number, char)

    def said(self) -> list[tuple[str, str]]:
        return [(entry.old, entry.new) for entry in self.history]


def undone(text: str, entries: list[PastEdit]) -> str:
    """The text before the edits: each taken back, the newest first."""
    for entry in reversed(entries):
        assert text[entry.start_char : entry.end_char] == entry.new
        text = text[: entry.start_char] + entry.old + text[entry.end_char :]
    return text


def test_keys_in_a_row_are_one_edit() -> None:
    one = Typist("def area(w):\n    return w\n")
    one.type(10, ", h")
    assert one.said() == [("", ", h")]
    one.edit(27, 28, "w * h")  # soon after it, on the next line: the same thought
    [entry] = one.history
    assert (entry.start_line, entry.old, entry.new) == (0, "):\n    return w", ", h):\n    return w * h")
    assert undone(one.document.text, [entry]) == "def area(w):\n    return w\n"


def test_what_comes_later_or_far_away_is_another() -> None:
    one = Typist("a\n" * 40)
    one.edit(0, 1, "b")
    one.edit(0, 1, "c", after_s=MERGE_S)
    one.edit(2 * (MERGE_LINES + 2), 2 * (MERGE_LINES + 2) + 1, "d")
    assert one.said() == [("a", "b"), ("b", "c"), ("a", "d")]
    assert [entry.start_line for entry in one.history] == [0, 0, MERGE_LINES + 2]


def test_what_was_taken_back_is_none() -> None:
    one = Typist("x = 1\n")
    one.type(5, "23")
    for end in (7, 6):
        one.edit(end - 1, end, "")
    assert one.said() == []
    one.edit(4, 5, "2", after_s=5)
    one.edit(4, 5, "1", after_s=5)  # undone a while later
    assert one.said() == [] and one.document.text == "x = 1\n"


def test_what_changes_nothing_or_very_much_is_no_edit() -> None:
    one = Typist("line\n" * 200)
    one.edit(0, 4, "line")
    one.edit(0, 5 * (MASS_CHANGE_LINES + 1), "formatted\n")
    many = [TextEdit(n, n, " ") for n in range(20)]
    one.history.record(one.document, many, one.now_s)
    assert one.said() == []


def test_a_suggestion_that_was_taken_stands_alone() -> None:
    one = Typist("x = \n")
    one.type(4, "a")
    one.edit(5, 5, "rea(w, h)", is_accepted=True)
    one.type(14, "!")
    assert [(entry.new, entry.is_accepted) for entry in one.history] == [
        ("a", False),
        ("rea(w, h)", True),
        ("!", False),
    ]


def test_few_are_kept_and_old_ones_are_not_given() -> None:
    one = Typist("a")
    for number in range(MOST_ENTRIES + 5):
        one.edit(0, 1, chr(ord("b") + number), after_s=10)
    assert len(one.history) == MOST_ENTRIES
    assert len(one.history.recent(one.now_s, most_age_s=35)) == 4


@pytest.mark.parametrize("seed", range(SEED, SEED + 30))
def test_read_backwards_it_gives_the_text_before(seed: int) -> None:
    """The oracle: nothing of an edit is lost or put elsewhere, whatever was merged, cut or left out."""
    rng = random.Random(seed)
    start = "".join(rng.choice(["ab\n", "c", "  d\n", "\n", "é😀"]) for _ in range(40))
    one = Typist(start)
    for _ in range(MOST_ENTRIES):  # as many as are kept, so that none is dropped
        at = rng.randrange(len(one.document.text) + 1)
        end = min(len(one.document.text), at + rng.choice((0, 0, 1, 3)))
        new = rng.choice(["", "x", "yz", "\n", one.document.text[at:end]])
        one.edit(at, end, new, after_s=rng.choice((0.1, 0.1, 2.0)))
        assert undone(one.document.text, list(one.history)) == start, f"seed {seed}"
        assert all(entry.old != entry.new for entry in one.history), f"seed {seed}"
        for entry in list(one.history)[-1:]:
            text = one.document.text
            assert entry.start_line == text.count("\n", 0, entry.start_char), f"seed {seed}"
