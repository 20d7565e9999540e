"""Symbols, against annotated samples: cases/NAME.EXT.case holds a source, "=====", and what must be found in it.

A line is `kind qualified_name start-end | signature | doc | bases`, trailing empty parts left out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist_indexer.languages.forms.parsed import ParsedFile, Symbol
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.languages.parsing.symbols import MAX_DEPTH
from codeassist_indexer.languages.registry import LANGUAGES

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*.case"))


def parsed(path: str, text: str) -> ParsedFile:
    file = parse_file(path, text)
    assert file is not None
    return file


def symbol(path: str, text: str, qualified_name: str) -> Symbol:
    return next(each for each in parsed(path, text).symbols if each.qualified_name == qualified_name)


def written(each: Symbol) -> str:
    place = f"{each.kind} {each.qualified_name} {each.start_line}-{each.end_line}"
    return " | ".join([place, each.signature, each.doc, ", ".join(each.bases)]).rstrip(" |")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_annotated_case(case: Path) -> None:
    text, _, expected = case.read_text(encoding="utf-8").partition("=====\n")
    file = parsed(case.name.removesuffix(".case"), text)
    lines = expected.splitlines()
    assert f"error {file.has_error}" == lines[0]
    assert [written(each) for each in file.symbols] == [line for line in lines[1:] if not line.startswith("import ")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_holds_for_every_symbol(case: Path) -> None:
    text = case.read_text(encoding="utf-8").partition("=====\n")[0]
    source = text.encode()
    starts: list[int] = []
    for each in parsed(case.name.removesuffix(".case"), text).symbols:
        assert each.qualified_name == (f"{each.parent}.{each.name}" if each.parent else each.name)
        assert "\n" not in each.signature and each.signature.strip() == each.signature != ""
        assert source[: each.start_byte].count(b"\n") + 1 == each.start_line
        assert source[: each.end_byte].rstrip(b"\n").count(b"\n") + 2 == each.end_line
        # Of a statement that the grammar does not read, only the first word is the symbol's.
        end_byte = max(each.end_byte, each.start_byte + len(each.signature.encode()))
        assert each.name.rpartition(".")[2].encode().removeprefix(b"default") in source[each.start_byte : end_byte]
        starts.append(each.start_byte)


def test_every_language_has_a_case() -> None:
    seen = {parsed(case.name.removesuffix(".case"), case.read_text(encoding="utf-8")).language for case in CASES}
    assert seen == {spec.name for spec in LANGUAGES.values() if spec.grammar}


def test_decorators_are_in_the_span_and_not_in_the_signature() -> None:
    text = "x = 1\n@a\n@b(1)\ndef f(): pass\n"
    each = symbol("a.py", text, "f")
    assert text.encode()[each.start_byte : each.end_byte] == b"@a\n@b(1)\ndef f(): pass"
    assert (each.signature, each.start_line, each.end_line) == ("def f()", 2, 5)


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        ("a.py", "@a\n@f(1)\ndef f(): pass\nx = y = 1\n", {"f": 3, "x": 4}),
        (
            "A.java",
            "class A {\n  @Test\n  public void Test() {}\n  int a,\n    b;\n}\n",
            {"A": 1, "Test": 3, "a": 4, "b": 5},
        ),
        ("a.c", "/* doc */\nstatic struct box\n*make(int n)\n{ return 0; }\n", {"make": 3}),
        ("a.cc", "struct A {\n  explicit\n  operator bool() const;\n};\n", {"A": 1, "operator bool": 3}),
        ("a.js", "exports.f = function () {};\nconst {\n  a,\n  b: c,\n} = d;\n", {"f": 1, "a": 3, "c": 4}),
        ("a.ts", "export default\nclass {}\n", {"default": 1}),
    ],
)
def test_the_line_of_the_name(path: str, text: str, lines: dict[str, int]) -> None:
    found = {each.name: each.name_line for each in parsed(path, text).symbols}
    assert {name: found[name] for name in lines} == lines


def test_offsets_are_bytes() -> None:
    text = "größe = 'äöü'\ndef f(): pass\n"
    each = symbol("a.py", text, "f")
    assert text.encode()[each.start_byte : each.end_byte] == b"def f(): pass"


def test_a_doc_comment_must_be_adjacent_and_alone_in_its_line() -> None:
    assert symbol("a.go", "package p\n// Doc.\nfunc f() {}\n", "f").doc == "Doc."
    assert symbol("a.go", "package p\n// Doc.\n\nfunc f() {}\n", "f").doc == ""
    assert symbol("a.go", "package p\nvar x = 1 // of x\nfunc f() {}\n", "f").doc == ""
    assert symbol("a.go", "package p\n// ------\n// Doc.\nfunc f() {}\n", "f").doc == "Doc."


def test_a_long_value_is_cut_from_the_signature_and_a_long_head_is_bounded() -> None:
    assert symbol("a.py", f"x = {'1 + ' * 100}1\n", "x").signature == "x"
    head = symbol("a.py", f"def f({', '.join(f'a{i}' for i in range(500))}): pass\n", "f").signature
    assert len(head) == 400 and head.endswith("…")


def test_attributes_set_in_a_nested_function_and_local_names() -> None:
    text = "class A:\n  def m(self):\n    def inner():\n      self.x = 1\n    y = 2\n\ndef f(self):\n  self.z = 1\n"
    names = [each.qualified_name for each in parsed("a.py", text).symbols]
    assert names == ["A", "A.m", "A.m.inner", "A.x", "f"]


def test_nesting_beyond_the_limit_is_left_out() -> None:
    depth = MAX_DEPTH + 20
    text = "".join(" " * level + f"def f{level}():\n" for level in range(depth)) + " " * depth + "pass\n"
    symbols = parsed("a.py", text).symbols
    assert len(symbols) == MAX_DEPTH
    assert symbols[-1].name == f"f{MAX_DEPTH - 1}"


def test_what_parses_around_broken_syntax_counts() -> None:
    text = "def before(): pass\n\nclass A:\n    def m(self):\n        self.\n\n    def n(self): pass\n\ndef after(:\n"
    file = parsed("a.py", text)
    assert file.has_error
    assert {"before", "A", "A.m", "A.n"} <= {each.qualified_name for each in file.symbols}
