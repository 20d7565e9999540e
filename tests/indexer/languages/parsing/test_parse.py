"""One file from text to record, with the worst texts that a repository holds."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from codeassist_indexer.languages.forms.parsed import ParsedFile
from codeassist_indexer.languages.parsing import parse
from codeassist_indexer.languages.parsing.parse import parse_file

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*.case"))


def parsed(path: str, text: str) -> ParsedFile:
    file = parse_file(path, text)
    assert file is not None
    assert "".join(chunk.text for chunk in file.chunks) == text
    return file


def test_a_path_without_grammar_is_none() -> None:
    assert parse_file("README.md", "# text") is None


def test_the_record_of_a_small_file() -> None:
    file = parsed("pkg/a.py", "import b\n\n\ndef f(a: int) -> str:\n    '''Doc.'''\n    return str(a)\n")
    assert (file.language, file.has_error) == ("python", False)
    assert [(each.name, each.signature, each.doc) for each in file.symbols] == [
        ("f", "def f(a: int) -> str", "Doc."),
    ]
    assert [each.module for each in file.imports] == ["b"]
    assert [(each.start_line, each.end_line) for each in file.chunks] == [(1, 7)]


def test_an_empty_file() -> None:
    file = parsed("a.py", "")
    assert (file.symbols, file.imports, file.chunks, file.has_error) == ((), (), (), False)


def test_crlf_and_byte_order_mark() -> None:
    file = parsed("a.py", "\ufeffclass A:\r\n    x = 1\r\n\r\n    def f(self,\r\n          a):\r\n        return 1\r\n")
    assert [(each.qualified_name, each.signature) for each in file.symbols] == [
        ("A", "class A"),
        ("A.x", "x = 1"),
        ("A.f", "def f(self, a)"),
    ]
    assert not file.has_error


# Drawn once: now and then a grammar (Kotlin's) does not come back from a torn text, nor asks whether it is to stop.
# Files are parsed in a process of their own for that, which is ended; here nobody would end it.
SEED = 20261201


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_line_ends_and_byte_order_mark_change_nothing(case: Path) -> None:
    path, text = case.name.removesuffix(".case"), case.read_text(encoding="utf-8").partition("=====\n")[0]
    plain, other = parsed(path, text), parsed(path, "\ufeff" + text.replace("\n", "\r\n"))
    assert [(each.kind, each.qualified_name, each.start_line, each.end_line) for each in other.symbols] == [
        (each.kind, each.qualified_name, each.start_line, each.end_line) for each in plain.symbols
    ]
    assert other.imports == plain.imports


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_cut_off_or_torn_anywhere_is_a_record(case: Path) -> None:
    chooser = random.Random(f"{SEED} {case.name}")
    path, text = case.name.removesuffix(".case"), case.read_text(encoding="utf-8").partition("=====\n")[0]
    for _ in range(12):
        begin, end = sorted(chooser.choices(range(len(text) + 1), k=2))
        parsed(path, text[:end])
        parsed(path, text[:begin] + chooser.choice(("", "{", ")", '"', "\0", "\ud800", "end\n", "é")) + text[end:])


def test_nul_bytes_and_lone_surrogates() -> None:
    names = [each.name for each in parsed("a.py", "a = 1\n\0\0\ndef f(): pass\n\0").symbols]
    assert "f" in names
    assert [each.name for each in parsed("a.py", "x = '\ud800'\ny = 1\n").symbols] == ["x", "y"]


DEEP = {
    "parentheses": "x = " + "(" * 10_000 + "1" + ")" * 10_000 + "\n",
    "open parentheses": "(" * 10_000,
    "ifs": "".join(" " * level + "if x:\n" for level in range(3_000)) + " " * 3_000 + "pass\n",
    "braces": "{" * 10_000 + "}" * 10_000,
    "sum over lines": "x = (1" + "\n + 1" * 10_000 + ")\n",
    "attributes": "x" + ".a" * 20_000 + "\n",
    "functions": "function f() {\n" * 3_000 + "}\n" * 3_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("path", ["a.py", "a.js", "a.rs", "a.cpp"])
def test_deep_nesting_needs_no_recursion(name: str, path: str) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(250)
    try:
        parsed(path, DEEP[name])
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["a.py", "a.c"])
def test_a_line_of_a_megabyte(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # C's parser gives up on this text after 16 s; what happens at the limit does not depend on how long that is.
    monkeypatch.setattr(parse, "PARSE_LIMIT_S", 1.0)
    file = parsed(path, "x = [" + "a, " * 350_000 + "]\ny = 1\n")
    assert max(len(each.text) for each in file.chunks) <= 6_000


def test_a_line_of_many_definitions_is_not_quadratic() -> None:
    # Had each name cost the whole line of 250 KB, this would take minutes and run into the test's timeout.
    file = parsed("a.py", ";".join(f"a{i} = 1" for i in range(20_000)) + "\n")
    assert len(file.symbols) == 20_000


def test_many_definitions_are_not_quadratic() -> None:
    file = parsed("a.py", "def f(a): return a\n" * 10_000)
    assert len(file.symbols) == 10_000


def test_a_text_that_the_parser_cannot_bear_is_cut_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "PARSE_LIMIT_S", -1.0)
    file = parsed("a.py", "def f(): pass\n" * 100)
    assert (file.symbols, file.has_error, len(file.chunks)) == ((), True, 5)
    monkeypatch.undo()
    assert len(parsed("a.py", "def f(): pass\n").symbols) == 1  # the parser does not go on with the old text
