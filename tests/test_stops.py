"""Where an answer ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeassist.stops import LineStop


def feed(text: str, max_lines: int | None, size: int = 1) -> LineStop:
    stop = LineStop(max_lines)
    data = text.encode()
    for start in range(0, len(data), size):
        if not stop.feed(data[start : start + size]):
            break
    return stop


@pytest.mark.parametrize(
    ("text", "max_lines", "wanted"),
    [
        ("foo(bar)\nnext", 1, "foo(bar)"),
        ("foo", 1, "foo"),
        ("", 1, ""),
        ("\n    return x\nmore", 1, "\n    return x"),
        ("\n\n  a\nb", 1, "\n\n  a"),
        ("a\nb\nc\n", 2, "a\nb"),
        ("a\n\nb\nc", 2, "a\n"),
        ("a\nb\nc", None, "a\nb\nc"),
        ("a\r\nb", 1, "a"),
        ("a\r\nb\r\nc", 2, "a\r\nb"),
    ],
)
def test_lines(text: str, max_lines: int | None, wanted: str) -> None:
    for size in (1, 2, 7):
        stop = feed(text, max_lines, size)
        assert stop.cut() == wanted
    assert stop.reached == (max_lines is not None and text.strip() != "" and text != "foo")


def test_half_a_character_at_the_end_is_not_shown() -> None:
    stop = LineStop(1)
    stop.feed("é".encode()[:1])
    assert stop.cut() == ""
    stop.feed("é".encode()[1:])
    assert stop.cut() == "é"


@given(st.text(max_size=40), st.integers(1, 5))
def test_any_split_of_the_bytes_gives_the_same(text: str, size: int) -> None:
    assert feed(text, None, size).cut() == text.encode().decode().rstrip("\ufffd")
