"""Where an answer ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeassist.completion.stops import BlockStop, LineStop


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


def feed_block(prefix: str, text: str, max_lines: int | None = None, size: int = 1) -> BlockStop:
    stop = BlockStop(prefix, max_lines)
    data = text.encode()
    for start in range(0, len(data), size):
        if not stop.feed(data[start : start + size]):
            break
    return stop


@pytest.mark.parametrize(
    ("prefix", "text", "rest"),
    [
        ("def f(x):", "\n    y = x\n\n    return y", "\n\n\ndef g():\n    pass\n"),
        ("def f(x):\n    ", "y = x\n\n    return y", "\n\n\ndef g():\n    pass\n"),
        ("def f(x):\n", "    y = x\n\n    return y", "\nf(1)\n"),
        ('def f(x):\n    """Double it."""\n    ', "y = x\n\n    return y", "\n\nf(1)\n"),
        ("def f(x):\n    if x:\n        ", "return 1", "\n    return 2\n"),
        ("def f(x):\n    a = 1\n    ", "for i in x:\n        a += i\n    b = 2", "\n\n    return a\n"),
        ("class A:\n    # the size\n    ", "def size(self):\n        n = 1\n\n        return n", "\n\n    x = 2"),
        ("# greet\n", "def hi():\n    print(1)\n\n    print(2)", "\n\n\ndef g(): ..."),
        ("int f() {", "\n    return 1;\n}", "\n\nint g() {"),
        ("int f() {\n    ", "return 1;\n}", "\n\nint g() {"),
        ("    if (a) {", "\n        b();\n    }", " else {\n        c();\n    }\n"),
        ("    xs.map((x) => {", "\n        return x;\n    });", "\n    y();\n"),
        ("    const o = {", "\n        a: 1,\n    },", "\n    p = 2\n"),
        ("public int Size()", "\n{\n    return 1;\n}", "\npublic int Other()\n"),
        ("public int Size()\n", "{\n    return 1;\n}", "\npublic int Other()\n"),
        ("void f() {\n", "    a();\n#ifdef B\n    b();\n#endif\n    c();\n}", "\n\nvoid g() {\n"),
        ("void f() {", "\n}", "\nvoid g() {\n"),
        ("if err != nil {\n\t", "return err\n}", "\nreturn nil\n"),
        ("def f():\r\n    ", "a = 1\r\n    return a", "\r\nf()\r\n"),
    ],
)
def test_a_block_ends_where_its_text_says(prefix: str, text: str, rest: str) -> None:
    for size in (1, 3, 1000):
        stop = feed_block(prefix, text + rest, size=size)
        assert stop.cut() == text
        assert stop.reached and stop.reason == "block_end"
    assert feed_block(prefix, text).cut() == text  # the model ended it itself


def test_a_blocks_end_is_seen_at_the_first_character_that_tells() -> None:
    assert feed_block("def f():", "\n    return 1\n\nx = 1").text == "\n    return 1\n\nx"
    assert feed_block("int f() {", "\n    return 1;\n}\n\nint").text == "\n    return 1;\n}\n"


def test_a_block_is_no_longer_than_max_lines() -> None:
    stop = feed_block("def f():", "\n    a = 1\n    b = 2\n    c = 3\n", max_lines=2)
    assert (stop.cut(), stop.reason) == ("\n    a = 1\n    b = 2", "max_lines")


@given(
    st.sampled_from(["def f():", "if (a) {\n    ", "x = (", "    a()\n    "]),
    st.text("ab{}()#:; \n\té", max_size=60),
    st.integers(1, 5),
)
def test_a_block_is_the_beginning_of_the_answer_however_it_arrives(prefix: str, text: str, size: int) -> None:
    whole = feed_block(prefix, text, 3, size=1000).cut()
    assert text.startswith(whole)
    assert feed_block(prefix, text, 3, size).cut() == whole
