"""Answers directly before code: a whole statement gets its line end, the beginning of what follows stays what it is.

In every language that is written here. `│` is the cursor.
"""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import Fitted, fit

# What stands above, and two lines of the language that are indented alike: the cursor stands before the second.
STATEMENTS = [
    ("a.py", "", "import os", "def main():\n    pass"),
    ("a.py", "def f():\n", "    x = g(1)", "    return x"),
    ("a.py", "def f():\n", "    # Why it is so.", "    return x"),
    ("a.js", "", "const a = f();", "export default a;"),
    ("a.js", "function f() {\n", "  const a = 1", "  return a"),
    ("a.ts", "interface A {\n", "  name: string;", "  size: number;"),
    ("a.tsx", "const a = (\n  <ul>\n", "    <li>{one}</li>", "    <li>{two}</li>"),
    ("A.java", "class A {\n", "    private int size;", "    public int size() {"),
    ("A.java", "class A {\n", "    @Override", "    public int size() {"),
    ("a.c", "", "#include <stdio.h>", "int main(void)"),
    ("a.c", "int f(void) {\n", "    int a = 1;", "    *p = a;"),
    ("a.cpp", "", "using std::string;", "template <typename T>"),
    ("A.cs", "class A\n{\n", "    [Fact]", "    public void Works()"),
    ("A.cs", "class A\n{\n    void F()\n    {\n", "        if (x)", "        {"),
    ("a.go", "func main() {\n", "\tx := f(1)", "\tfmt.Println(x)"),
    ("a.go", "", "// Run runs.", "func Run() {"),
    ("a.rs", "", "use std::io;", "fn main() {"),
    ("a.rs", "fn f() {\n", "    let x = 1;", "    println!();"),
    ("a.php", "<?php\n", "$a = 1;", "$b = $a;"),
    ("a.kt", "fun f() {\n", "    val a = 1", "    return a"),
    ("a.swift", "func f() {\n", "    let a = 1", "    return a"),
    ("a.rb", "def f\n", "  a = 1", "  puts a"),
    ("a.rb", "", "require 'json'", "require 'set'"),
    ("a.lua", "", "local a = 1", "return a"),
    ("a.sh", "", "set -e", 'echo "$1"'),
    ("a.sh", 'case "$1" in\n  a)\n', "    exit 0", "    ;;"),
    ("a.sql", "", "DROP TABLE a;", "CREATE TABLE a ("),
    ("a.sql", "SELECT\n", "    a,", "    b"),
    ("a.html", "<ul>\n", "  <li>One</li>", "  <li>Two</li>"),
    ("a.css", "a {\n", "  color: red;", "  margin: 0;"),
    ("a.css", "", ".a,", ".b {"),
    ("a.vue", "<template>\n  <a-b\n", '    :key="x"', '    :name="y"'),
    ("a.svelte", "<script>\n", "  let a = 1;", "  let b = 2;"),
    ("a.yaml", "", "name: x", "on: push"),
    ("a.yaml", "on:\n", "  - push", "  - pull_request"),
    ("a.yaml", "", "jobs:", "- one"),
    ("a.json", "{\n", '  "a": 1,', '  "b": 2'),
    ("a.toml", "", 'name = "x"', 'version = "1"'),
    ("Dockerfile", "", "WORKDIR /app", "COPY . ."),
    ("Dockerfile", "RUN a \\\n", "    && b \\", "    && c"),
    ("Makefile", "all:\n", "\tgcc -c a.c", "\tgcc -o a a.o"),
    ("main.tf", 'resource "a" "b" {\n', '  name = "x"', "  size = 1"),
    ("a.md", "", "- one", "- two"),
    ("a.md", "", "A line of text.", "And the next one"),
    ("a.html", "<p>\n", "  Of lines of text and more", '  <a href="b">b</a>'),
    ("a.c", "/* A\n", " *", " */"),
]


@pytest.mark.parametrize(("path", "above", "statement", "following"), STATEMENTS)
def test_4_a_whole_statement_gets_its_line_end(path: str, above: str, statement: str, following: str) -> None:
    white = following[: len(following) - len(following.lstrip())]
    said = statement.removeprefix(white)
    fitted = fit(said, above + white, f"{following.lstrip()}\n", path)
    assert fitted == Fitted(f"{said}\n{white}")


@pytest.mark.parametrize(("path", "above", "statement", "following"), STATEMENTS)
@pytest.mark.parametrize("has_indentation", [True, False])
def test_4_an_answer_that_brings_its_line_end_keeps_it(
    path: str, above: str, statement: str, following: str, has_indentation: bool
) -> None:
    white = following[: len(following) - len(following.lstrip())]
    said = f"{statement.removeprefix(white)}\n"
    fitted = fit(said + white * has_indentation, above + white, f"{following.lstrip()}\n", path)
    assert fitted == Fitted(said + white)


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.c", "int f() {\n    if (a) {\n        return 1;\n    │for (p = s; p; p++) {\n    }\n}\n", "}\n    "),
        ("a.css", "a {\n  color: red;\n│.b {\n  margin: 0;\n}\n", "}\n"),
        ("a.json", '{\n  "a": {\n    "b": 1\n  │"c": {\n    "d": 2\n  }\n}\n', "},\n  "),
        ("a.js", "f(() => {\n  g();\n│h(() => {\n});\n", "});\n"),
        ("a.go", "func f() {\n\tif a {\n\t\tg()\n\t│for {\n\t}\n}\n", "}\n\t"),
        ("a.kt", "class A {\n  fun f() {\n  │}\n}\n", "g()\n  "),
        ("a.sql", "with a as (\n  select b\n│)\nselect c from a;\n", "  from d cross join e\n"),
        ("a.scss", "a {\n}\n\n│//  color: red;\n//}\n", "//b {\n"),
        ("a.swift", "///\n│///         @Flag\n///     }\nstruct A {\n}\n", "///     struct B {\n"),
        ("a.js", "t(() => {\n  │.get('/')\n    .end();\n});\n", "request(app)\n  "),
        ("a.sh", "cd redis\n│./runtest\n", "make\n"),
        ("a.vue", "<style>\na {\n  color: red;\n│</style>\n", "}\n"),
    ],
)
def test_4_lines_before_code_that_leave_brackets_or_close_them(path: str, place: str, answer: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, path) == Fitted(answer)


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.py", "│def main():", "async "),
        ("a.py", "    │(a, b)", "print"),
        ("a.py", "    │.append(x)", "found"),
        ("a.py", "    │result", "return "),
        ("a.py", "    │= 1", "total "),
        ("a.py", '    │hello")', 'print("'),
        ("a.js", "│function f() {", "export default "),
        ("a.js", "  │bar();", "this."),
        ("a.ts", "  │name: string;", "readonly "),
        ("A.java", "    │int size;", "private final "),
        ("A.java", "    │Override", "@"),
        ("a.c", "│include <a.h>", "#"),
        ("a.c", "    │p = 1;", "*"),
        ("a.cpp", "    │sort(a, b);", "std::"),
        ("a.cs", "    │void F()", "public static "),
        ("a.go", "\t│Println(x)", "fmt."),
        ("a.rs", "│fn main() {", "pub "),
        ("a.php", "│a = 1;", "$"),
        ("a.rb", "  │name", "@"),
        ("a.sh", "│HOME/bin", "$"),
        ("a.css", "  │color: red;", "background-"),
        ("a.html", "  │div>", "<"),
        ("a.yaml", "  │: 1", "name"),
        ("a.json", "  │: 1", '"name"'),
    ],
)
def test_4_the_beginning_of_what_follows_stays(path: str, place: str, answer: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, f"{suffix}\n", path).text == answer


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.py", "def f():\n    │return 1\n    g()\n", "if x:"),
        ("a.py", "│def f():\n    pass\n", "async"),
        ("a.js", "│function f() {\n}\n", "export"),
        ("a.js", "function f() {\n  │g();\n}\n", "if (x) {"),
        ("a.js", "function f() {\n  │g();\n}\n", "if (x) {\n"),
    ],
)
def test_4_nothing_where_it_would_be_glued_or_leave_a_block_open(path: str, place: str, answer: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, path) == Fitted("")


def test_4_a_header_that_brings_the_deeper_indentation_of_what_follows() -> None:
    assert fit("if x:\n        ", "def f():\n    ", "return 1\n", "a.py") == Fitted("if x:\n        ")
    assert fit("if x:\n", "def f():\n    ", "return 1\n", "a.py") == Fitted("if x:\n        ")
