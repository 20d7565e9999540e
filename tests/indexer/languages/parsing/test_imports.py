"""Imports: the `import line | module | name | alias` lines of the annotated cases, and the corners of each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.parsing.imports import MOST_IMPORTS
from codeassist_indexer.languages.parsing.parse import parse_file

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*.case"))


def imports(path: str, text: str) -> tuple[Import, ...]:
    file = parse_file(path, text)
    assert file is not None
    return file.imports


def written(each: Import) -> str:
    return f"import {each.line} | {each.module} | {each.name} | {each.alias}".rstrip(" |")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_annotated_case(case: Path) -> None:
    text, _, expected = case.read_text(encoding="utf-8").partition("=====\n")
    found = [written(each) for each in imports(case.name.removesuffix(".case"), text)]
    assert found == [line for line in expected.splitlines() if line.startswith("import ")]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "from . import *", [(".", "*", "")]),
        ("a.py", "from ...a.b import (c, d as e,)", [("...a.b", "c", "c"), ("...a.b", "d", "e")]),
        ("a.py", "import a . b", [("a.b", "", "a")]),
        ("a.py", "def f():\n    import late", [("late", "", "late")]),
        ("a.py", "import", []),
        ("a.py", "from a import", []),
        ("a.java", "import static a.B.*;", [("a.B", "*", "")]),
        ("a.java", "import Top;", [("", "Top", "Top")]),
        ("a.cs", "namespace N { using A.B; }", [("A.B", "*", "")]),
        ("a.cs", "global using static A.B;", [("A.B", "*", "")]),
        ("a.ts", 'import type D, { type A as B } from "m";', [("m", "default", "D"), ("m", "A", "B")]),
        ("a.ts", 'export { default } from "m";', [("m", "default", "default")]),
        ("a.mjs", 'const m = await import("./m.js");', [("./m.js", "", "m")]),
        ("a.cjs", "const x = load('m');", []),
        ("a.go", 'import "a"', [("a", "", "a")]),
        ("a.rs", "use super::a;", [("super", "a", "a")]),
        ("a.rs", "use a::B as _;", [("a", "B", "")]),
        ("a.rs", "use {a::b, c};", [("a", "b", "b"), ("c", "", "c")]),
        ("a.rs", "pub use self::a::{self as b};", [("self::a", "", "b")]),
        ("a.rs", "mod inline { use deep::x; }", [("deep", "x", "x")]),
        ("a.c", '#include MACRO\n#include "../a.h"', [("../a.h", "*", "")]),
        ("a.cpp", "#ifdef X\n#include <map>\n#endif", [("<map>", "*", "")]),
    ],
)
def test_corner(path: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(each.module, each.name, each.alias) for each in imports(path, text)] == expected


def test_lines_are_those_of_the_names() -> None:
    assert [each.line for each in imports("a.py", "\nfrom a import (\n  b,\n  c,\n)\n")] == [3, 4]


@pytest.mark.parametrize("path", ["a.py", "a.java", "a.kt", "a.scala"])
def test_a_name_that_nobody_writes_is_no_import(path: str) -> None:
    end = ";" if path == "a.java" else ""
    text = f"import a.b.C{end}\nimport {'a.' * 50_000}C{end}\nimport {'a' * 50_000}{end}\nimport d.e.F{end}\n"
    assert [each.line for each in imports(path, text)] == [1, 4]


def test_of_very_many_imports_the_first_count() -> None:
    found = imports("a.py", "".join(f"import module_{number}\n" for number in range(MOST_IMPORTS + 500)))
    assert [each.line for each in found] == list(range(1, MOST_IMPORTS + 1))
