# ruff: noqa: E501  (texts of made files)
"""What needs no learning: calls that no longer fit, names that are gone, imports that are missing, errors reported."""

from __future__ import annotations

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import Diagnostic, EditRequest
from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.certain import certain_rows
from codeassist_indexer.edit_sites.definitions import DefinitionReader
from codeassist_indexer.edit_sites.missing_imports import ImportRule, missing_imports
from codeassist_indexer.edit_sites.read_request import read_request


def edited(old: str, new: str, files: dict[str, str], diagnostics: tuple[Diagnostic, ...] = ()) -> EditRequest:
    """A request after lines of the first file changed from `old` to `new`; `files` as they stand now."""
    path = next(iter(files))
    lines, wanted = files[path].split("\n"), new.split("\n")
    at = next(at for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted)
    change = LineChange(path, at, tuple(old.split("\n")), tuple(wanted))
    return EditRequest(path, at, (change,), files, diagnostics)


def certain(request: EditRequest) -> dict[str, str]:
    """The lines that are certain to be sites, each with its reason."""
    read = read_request(request, DefinitionReader(), lambda: False)
    assert read is not None
    found = certain_rows(request, read.table, read.past, read.definitions)
    return {read.table.lines[row].strip(): why.reason for row, why in found.items()}


CALLS = [
    (
        "python", "def put(key, value):", "def put(key, value, seconds):",
        {"a.py": "def put(key, value, seconds):\n    pass\n\nput('a', 1)\nput('b', 2, 3)\nput(*all)\noutput('a', 1)\n"},
        ["put('a', 1)"],
    ),
    (
        "a default needs no call to change", "def put(key):", "def put(key, seconds=3):",
        {"a.py": "def put(key, seconds=3):\n    pass\n\nput('a')\n"}, [],
    ),
    (
        "a parameter goes", "    def put(self, key, flag=False):", "    def put(self, key):",
        {"a.py": "class A:\n    def put(self, key):\n        pass\n\n    def x(self):\n        self.put(1, flag=True)\n        self.put('a, b')\n"},
        ["self.put(1, flag=True)"],
    ),
    (
        "a constructor", "    def __init__(self, name):", "    def __init__(self, name, size):",
        {"a.py": "class Box:\n    def __init__(self, name, size):\n        pass\n\nBox('a')\nBox('b', 2)\n"}, ["Box('a')"],
    ),
    (
        "java, in another file", "    static int area(int w) {", "    static int area(int w, int h) {",
        {"A.java": "class A {\n    static int area(int w, int h) {\n        return w * h;\n    }\n}\n",
         "B.java": "class B {\n    int x = A.area(3);\n    int y = A.area(f(1, 2), 4);\n}\n"},
        ["int x = A.area(3);"],
    ),
    (
        "typescript, over several lines", "export function send(to: string) {", "export function send(to: string, body: Map<string, number>) {",
        {"a.ts": "export function send(to: string, body: Map<string, number>) {\n}\n\nsend(\n  'x',\n);\nsend('y', new Map());\n"},
        ["send("],
    ),
    (
        "go", "func Open(path string) error {", "func Open(path string, mode int) error {",
        {"a.go": "package a\n\nfunc Open(path string, mode int) error {\n\treturn nil\n}\n\nfunc b() {\n\tOpen(\"x\")\n}\n"},
        ["Open(\"x\")"],
    ),
    (
        "csharp", "    public int Sum(int a, int b)", "    public int Sum(int a)",
        {"A.cs": "class A\n{\n    public int Sum(int a)\n    {\n        return a;\n    }\n\n    int B() => Sum(1, 2);\n}\n"},
        ["int B() => Sum(1, 2);"],
    ),
    (
        "rust", "fn scale(x: f64) -> f64 {", "fn scale(x: f64, by: f64) -> f64 {",
        {"a.rs": "fn scale(x: f64, by: f64) -> f64 {\n    x * by\n}\n\nfn main() {\n    scale(1.0);\n}\n"},
        ["scale(1.0);"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "files", "lines"), [each[1:] for each in CALLS], ids=[each[0] for each in CALLS]
)
def test_calls_that_fitted_and_no_longer_do_are_certain(
    old: str, new: str, files: dict[str, str], lines: list[str]
) -> None:
    found = certain(edited(old, new, files))
    assert sorted(found) == sorted(lines)
    assert all("whose parameters changed" in reason for reason in found.values())


def test_overloads_say_nothing() -> None:
    text = "class A {\n    int f(int a, int b) {\n        return a;\n    }\n    int f(int a) {\n        return a;\n    }\n    int g() { return f(1); }\n}\n"
    assert not certain(edited("    int f(int a, char b) {", "    int f(int a, int b) {", {"A.java": text}))


def test_uses_of_a_definition_by_its_old_name_are_certain() -> None:
    files = {
        "a.py": "def width(shape):\n    return 1\n\n\nprint(size(2))\nresize(3)\n",
        "b.py": "from a import size\n",
    }
    found = certain(edited("def size(shape):", "def width(shape):", files))
    assert sorted(found) == ["from a import size", "print(size(2))"]
    files["b.py"] += "\ndef size():\n    pass\n"
    assert not certain(edited("def size(shape):", "def width(shape):", files))


WORDS = [
    ("a.py", "def size(s):", "def width(s):", "    '''The size.'''  # size of it\n    return size(s) + f'{size(s)} size'\n"),
    ("a.ts", "function size(s) {", "function width(s) {", "// size(s)\n/* size */ return `size ${size(s)}`;\n}\n"),
    ("a.go", "func size(s int) int {", "func width(s int) int {", "\t// size\n\treturn size(s) // size\n}\n"),
    ("a.rs", "fn size(s: u8) -> u8 {", "fn width(s: u8) -> u8 {", "    // size\n    let a = \"size\";\n    size(s)\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "body"), WORDS, ids=[each[0] for each in WORDS])
def test_words_in_comments_and_strings_are_no_uses(path: str, old: str, new: str, body: str) -> None:
    head = "package a\n" if path == "a.go" else ""
    found = certain(edited(old, new, {path: f"{head}{new}\n{body}"}))
    assert len(found) == 1 and all("size(s)" in line and not line.startswith("//") for line in found)
    called = old.replace("s)", "s, t)").replace("s: u8)", "s: u8, t: u8)").replace("s int)", "s int, t int)")
    comment = "# size(1)" if path == "a.py" else "// size(1)"
    calls = certain(edited(old, called, {path: f"{head}{called}\n{comment}\n{body}"}))
    assert calls and comment not in calls


@pytest.mark.parametrize("text", ["# List of all\n", "x = 'List'\n", 'def f():\n    """List of all"""\n'])
def test_words_in_comments_and_strings_need_no_import(text: str) -> None:
    lines = text.rstrip("\n").split("\n")
    files = {"a.py": f"import os\n\n{text}", "b.py": "from typing import List\n"}
    assert not missing_imports(EditRequest("a.py", 2, (LineChange("a.py", 2, (), tuple(lines)),), files))
    files["a.py"] += "y: List[int] = []\n"
    change = LineChange("a.py", 2, (), (*lines, "y: List[int] = []"))
    assert missing_imports(EditRequest("a.py", 2, (change,), files))


def test_an_error_that_speaks_of_a_change_is_certain() -> None:
    errors = (Diagnostic("a.py", 2, "`total` is not defined"), Diagnostic("a.py", 1, "line too long"))
    request = edited("total = 1", "count = 1", {"a.py": "count = 1\nother = 2\nprint(sum)\n"}, errors)
    assert certain(request) == {"print(sum)": "`total` is not defined"}


IMPORTS = [
    ("a.py", "import os\n\nprint(Path('x'))\n", {"b.py": "from pathlib import Path, PurePath\n"}, "from pathlib import Path"),
    ("a.py", "import os\n\nprint(join('x'))\n", {"b.py": "from os.path import (\n    join)\n"}, None),
    ("a.py", "import os\n\nprint(x.Path)\n", {"b.py": "from pathlib import Path\n"}, None),
    ("a.py", "import os\n\nPath = 3\nprint(Path)\n", {"b.py": "from pathlib import Path\n"}, None),
    ("a/a.py", "import os\n\nprint(Tool())\n", {"b/b.py": "from .tools import Tool\n"}, None),
    ("a/a.py", "import os\n\nprint(Tool())\n", {"a/b.py": "from .tools import Tool\n"}, "from .tools import Tool"),
    ("a.ts", "import fs from 'fs';\n\nnew Pool();\n", {"b.ts": "import { Pool, Job as J } from 'pool';\n"}, "import { Pool } from 'pool';"),
    ("A.java", "import java.util.Map;\n\nclass A { Optional<A> a; }\n", {"B.java": "import java.util.Optional;\n"}, "import java.util.Optional;"),
    ("a.rs", "use std::fmt;\n\nfn f() -> Arc<u8> {}\n", {"b.rs": "use std::sync::Arc;\n"}, "use std::sync::Arc;"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "others", "wanted"), IMPORTS)
def test_the_import_of_another_file_is_proposed_behind_the_imports(
    path: str, text: str, others: dict[str, str], wanted: str | None
) -> None:
    line = text.split("\n")[-2]
    request = EditRequest(path, 2, (LineChange(path, text.count("\n") - 1, (), (line,)),), {path: text, **others})
    found = missing_imports(request)
    assert [each.line for each in found] == ([wanted] if wanted is not None else [])
    if wanted is not None:
        site = Site(path, 1, 1, 0.9, "import", "")
        (proposal,) = ImportRule().propose(request, site, lambda: False)
        assert proposal.change == LineChange(path, 1, (), (wanted,))
        assert not ImportRule().propose(request, Site(path, 1, 2, 0.9, "near", ""), lambda: False)
