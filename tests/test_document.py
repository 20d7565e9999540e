"""Documents: edits against plain string slicing, lines against a slow split, and errors that say what to do."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.document import Change, Document, Position, TextEdit
from codeassist.errors import RequestError

texts = st.text(alphabet=st.sampled_from("ab \r\n\u2028é🎉"), max_size=30)
cuts = st.integers(0, 30)


def slow_lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def check_lines(document: Document) -> None:
    lines = slow_lines(document.text)
    assert document.num_lines == len(lines)
    for line, content in enumerate(lines):
        chars = document.line_range(line)
        assert document.text[chars.start : chars.stop] == content
        for char_col in range(len(content) + 1):
            char = document.offset_at(Position(line, char_col))
            assert char == chars.start + char_col
            assert document.position_at(char) == Position(line, char_col)


@given(text=texts, edits=st.lists(st.tuples(cuts, cuts, texts), max_size=6))
@settings(max_examples=200, deadline=None)
def test_edits_equal_slicing(text: str, edits: list[tuple[int, int, str]]) -> None:
    document = Document("a.py", text)
    check_lines(document)
    made: list[TextEdit] = []
    for first, second, new in edits:
        start, end = sorted((min(first, len(document.text)), min(second, len(document.text))))
        made.append(TextEdit(start, end, new))
        before = document
        document, change = document.apply(made[-1])
        assert document.text == before.text[:start] + new + before.text[end:]
        assert document.version == before.version + 1
        assert change == Change(start, end, len(new)) and change.new_end_char == start + len(new)
        check_lines(document)
        check_lines(before)  # still what it was
    at_once, changes = Document("a.py", text, 3).apply_all(made, version=9)
    assert (at_once.text, at_once.version, len(changes)) == (document.text, 9, len(made))
    assert at_once == Document("a.py", document.text, 9)


@given(old=texts, new=texts)
@settings(max_examples=300, deadline=None)
def test_a_whole_new_text_changes_only_what_differs(old: str, new: str) -> None:
    document, change = Document("a.py", old).with_text(new)
    assert document.text == new
    inserted = new[change.start_char : change.new_end_char]
    assert old[: change.start_char] + inserted + old[change.end_char :] == new
    removed = old[change.start_char : change.end_char]
    if removed and inserted:
        assert removed[0] != inserted[0] and removed[-1] != inserted[-1]
    check_lines(document)


def test_long_equal_ends_are_found() -> None:
    old = "x" * 200_000 + "a" + "y" * 200_000
    for new in (old, old.replace("a", "bcd"), old[1:], old[:-1], "", old + "z", "z" + old):
        document, change = Document("a.py", old).with_text(new)
        assert document.text == new
        assert change.end_char - change.start_char + change.num_new_chars <= (4 if new else len(old))


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 4), (2, 1), (4, 4)])
def test_a_range_outside_of_the_text(start: int, end: int) -> None:
    with pytest.raises(RequestError, match=r"^a\.py: an edit .* version 7, which has 3; open the document again$"):
        Document("a.py", "abc", 7).apply(TextEdit(start, end, ""))


def test_a_later_edit_outside_of_the_text_leaves_the_document() -> None:
    document = Document("a.py", "abc", 7)
    with pytest.raises(RequestError):
        document.apply_all([TextEdit(0, 3, ""), TextEdit(1, 1, "x")])
    assert document == Document("a.py", "abc", 7)


def test_versions_do_not_go_back() -> None:
    document = Document("a.py", "abc", 7)
    for call in (
        lambda: document.apply(TextEdit(0, 0, ""), 6),
        lambda: document.apply_all([], 6),
        lambda: document.with_text("", 6),
    ):
        with pytest.raises(RequestError, match="version 6 came after version 7"):
            call()
    assert document.apply(TextEdit(0, 0, "x"), 7)[0].version == 7
    assert document.apply_all([], 9)[0] == Document("a.py", "abc", 9)


def test_places_outside_of_the_text() -> None:
    document = Document("a.py", "ab\r\nc", 7)
    for position, message in (
        (Position(2, 0), "no line 2"),
        (Position(-1, 0), "no line -1"),
        (Position(0, 3), "no column 3"),
        (Position(1, -1), "no column -1"),
    ):
        with pytest.raises(RequestError, match=message):
            document.offset_at(position)
    for char in (-1, 6):
        with pytest.raises(RequestError, match=f"no character {char}"):
            document.position_at(char)
    assert document.position_at(3) == Position(0, 3)  # between \r and \n


def test_a_20_mb_document_costs_a_few_copies_an_edit() -> None:
    document = Document("a.py", "x = 12345; y = 67890; call(x, y)\n" * 620_000)
    copies: list[float] = []
    edits: list[float] = []
    for i in range(9):
        started = time.perf_counter()
        half = len(document.text) // 2
        copy = "".join((document.text[:half], "x", document.text[half:]))
        copied = time.perf_counter()
        document, _ = document.apply(TextEdit(half + i, half + i, "x"))
        edits.append(time.perf_counter() - copied)
        copies.append(copied - started)
        assert len(copy) == len(document.text)
        del copy
    print(f"edit {min(edits) * 1e3:.1f} ms, copy {min(copies) * 1e3:.1f} ms")
    assert min(edits) < 10 * min(copies) + 0.01
