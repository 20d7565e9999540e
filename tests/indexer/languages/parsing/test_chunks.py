"""Chunks cover the file, keep their bounds, and cut where the syntax does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist_indexer.languages.forms.parsed import Chunk
from codeassist_indexer.languages.parsing.chunks import MAX_CHARS, MAX_LINES, MIN_LINES
from codeassist_indexer.languages.parsing.parse import parse_file

EXTENSIONS = [
    "py", "java", "ts", "tsx", "js", "cs", "go", "rs", "c", "cpp", "php", "rb", "kt", "swift", "lua", "sh", "scala",
    "sql",
]  # fmt: skip
FRAGMENTS = [
    "def f(a):\n", "    return 1\n", "class A:\n", "\n", "\r\n", "# comment\n", "// comment\n", "/* a\n", "*/\n",
    "{\n", "}\n", "if (x) {\n", "x = 1;\n", '"""', "'", "int f() { return 1; }\n", "@a\n", "\0", "é", "\u2028",
    "\x0c", "\r", "  ", "(", ")", "\t", "fn f() {}\n", "func f() {}\n", "y" * 700, "\n" * 9,
]  # fmt: skip


def chunks(path: str, text: str) -> tuple[Chunk, ...]:
    file = parse_file(path, text)
    assert file is not None
    return file.chunks


def check_covers(found: tuple[Chunk, ...], text: str) -> None:
    assert "".join(chunk.text for chunk in found) == text
    line = 1
    for chunk in found:
        assert chunk.text
        assert len(chunk.text) <= MAX_CHARS
        assert chunk.end_line - chunk.start_line <= MAX_LINES
        # The pieces of one overlong line share its number; all else goes on where the last one ended.
        assert chunk.start_line == line or (chunk.start_line == line - 1 and chunk.end_line == line)
        line = chunk.end_line
    lines = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
    assert line == lines + 1


@settings(max_examples=100, deadline=None, print_blob=True)
@given(extension=st.sampled_from(EXTENSIONS), parts=st.lists(st.sampled_from(FRAGMENTS), max_size=120))
def test_chunks_are_the_file(extension: str, parts: list[str]) -> None:
    text = "".join(parts)
    check_covers(chunks(f"a.{extension}", text), text)


@settings(max_examples=60, deadline=None, print_blob=True)
@given(extension=st.sampled_from(EXTENSIONS), text=st.text(max_size=400))
def test_any_text_parses(extension: str, text: str) -> None:
    check_covers(chunks(f"a.{extension}", text), text)


@settings(max_examples=40, deadline=None, print_blob=True)
@given(sizes=st.lists(st.integers(min_value=1, max_value=MAX_LINES - 4), min_size=2, max_size=25))
def test_small_definitions_are_never_split(sizes: list[int]) -> None:
    text = "".join(
        f"# about f{i}\n@decorated\ndef f{i}(a):\n" + "    a += 1\n" * size + "\n\n" for i, size in enumerate(sizes)
    )
    found = chunks("a.py", text)
    check_covers(found, text)
    file = parse_file("a.py", text)
    assert file is not None
    starts = {chunk.start_line for chunk in found}
    for symbol in file.symbols:
        inside = set(range(symbol.start_line, symbol.end_line))  # from the comment above to the last line
        assert not inside & starts, symbol


def test_a_class_is_cut_between_its_methods() -> None:
    methods = "".join(f"    def m{i}(self):\n" + "        x = 1\n" * 8 + "\n" for i in range(12))
    found = chunks("a.py", "import os\n\n\nclass A:\n" + methods)
    assert all(chunk.text.lstrip().startswith("def m") for chunk in found[1:])
    assert {chunk.symbol for chunk in found[1:-1]} == {"A"}
    assert all(MIN_LINES <= chunk.end_line - chunk.start_line <= MAX_LINES for chunk in found)


def test_a_big_function_is_cut_between_statements() -> None:
    body = "".join(f"  if (a{i}) {{\n    f();\n    g();\n    h();\n  }}\n" for i in range(30))
    found = chunks("a.ts", f"function big() {{\n{body}}}\n")
    assert len(found) > 4
    assert all(chunk.text.startswith("  if (") for chunk in found[1:])
    assert {chunk.symbol for chunk in found} == {"big"}


def test_a_chunk_belongs_to_the_innermost_definition_that_fills_most_of_it() -> None:
    text = "class A:\n    def f(self):\n" + "        x = 1\n" * 10 + "\n\ny = 1\n"
    assert [chunk.symbol for chunk in chunks("a.py", text)] == ["A.f"]


def test_a_long_line_is_bounded_and_an_empty_file_has_no_chunk() -> None:
    text = "x = '" + "é" * 20_000 + "'\ny = 1\n"
    found = chunks("a.py", text)
    check_covers(found, text)
    assert [chunk.start_line for chunk in found] == [1, 1, 1, 1, 2]
    assert chunks("a.py", "") == ()


def test_lines_end_at_line_feeds_only() -> None:
    text = "a = 1\x0c\u2028\x85\rb = 2\r\nc = 3"
    (only,) = chunks("a.py", text)
    assert (only.start_line, only.end_line, only.text) == (1, 3, text)


@pytest.mark.parametrize(
    "case", sorted((Path(__file__).parents[1] / "cases").glob("*.case")), ids=lambda case: case.name
)
def test_the_annotated_cases_are_covered(case: Path) -> None:
    text = case.read_text(encoding="utf-8").partition("=====\n")[0] * 4
    check_covers(chunks(case.name.removesuffix(".case"), text), text)


@pytest.mark.parametrize("body", ["  {\n    g(x);\n    h(x);\n  }\n", "    g(x);\n"], ids=["braces", "bare"])
@pytest.mark.parametrize(
    ("path", "head"),
    [("a.c", "int f(int x)\n{\n"), ("a.js", "function f(x)\n{\n"), ("A.java", "class A { int f(int x)\n{\n"),
     ("A.cs", "class A { int f(int x)\n{\n"), ("a.php", "<?php function f($x)\n{\n")],
)  # fmt: skip
def test_branches_of_one_if_are_not_cut_apart_one_by_one(path: str, head: str, body: str) -> None:
    branches = [f"  {'else ' * (n > 0)}if (x == {n})\n{body}" for n in range(60)]
    text = head + "".join(branches) + "}" * head.count("{") + "\n"
    sizes = [each.end_line - each.start_line for each in chunks(path, text)]
    assert sum(size < 10 for size in sizes) <= 1, sizes
