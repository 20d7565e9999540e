"""Closers that an editor has put behind the cursor: by kind, in their order, several at once; in every language.

The numbers are those of the faults that users reported: 1 closers of another kind, 7 markup, 8 quotes in strings.
"""

from __future__ import annotations

import pytest

from tests.indexer.fitting.places import inserted


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        # a header whose bracket the editor has closed
        ("a.php", "<?php\nif (│)\n", "$user['age'] >= 18) {", "<?php\nif ($user['age'] >= 18) {\n"),
        ("a.php", "fun main() {\n    val a = 1\n    if (│)\n}\n", "a > 1) {", "fun main() {\n    val a = 1\n    if (a > 1) {\n}\n"),  # noqa: E501
        ("a.kt", "fun f() {\n    for (│)\n}\n", "item in items) {", "fun f() {\n    for (item in items) {\n}\n"),
        ("a.php", "<?php\ntest('│')\n  a();\n});\n", "finds a user', function () {", "<?php\ntest('finds a user', function () {\n  a();\n});\n"),  # noqa: E501
        ("a.go", "func f() {\n\tif ok(│)\n}\n", "x) {", "func f() {\n\tif ok(x) {\n}\n"),
        ("a.rs", "fn f(│)\n", "x: u8) -> u8 {", "fn f(x: u8) -> u8 {\n"),
        ("a.js", "it('│')\n", "works', () => {", "it('works', () => {)\n"),  # what follows stands before the bracket
        ("A.java", "class A {\n  void f(│)\n}\n", "int a) {", "class A {\n  void f(int a) {\n}\n"),
        ("a.swift", "if check(│)\n", "x) {", "if check(x) {\n"),
        ("a.scala", "if (│)\n", "x > 1) {", "if (x > 1) {\n"),
        ("a.rb", "foo(│)\n", "1) do |x|", "foo(1) do |x|\n"),
        ("a.lua", "for k, v in pairs(│)\n", "t) do", "for k, v in pairs(t) do\n"),
        ("a.css", "@media (│)\n", "min-width: 35em) {", "@media (min-width: 35em) {\n"),
        ("a.cs", "foreach (│)\n", "var x in xs) {", "foreach (var x in xs) {\n"),
        # text goes on behind what is closed
        ("Makefile", "all:\n\t$(│)\n", "MAKE) clean", "all:\n\t$(MAKE) clean\n"),
        ("a.php", "<?php\n$a = $lastError['trac│']\n", "e'] ?? null;", "<?php\n$a = $lastError['trace'] ?? null;\n"),
        ("a.sql", "SELECT CAST(current_database(│))\n", ") AS name) AS table_catalog,", "SELECT CAST(current_database() AS name) AS table_catalog,\n"),  # noqa: E501
        ("a.lua", "local a = require '│'\n", "pl.class'", "local a = require 'pl.class'\n"),
        ("a.yml", "interval: '│'\n", "daily'", "interval: 'daily'\n"),
        ("a.toml", "name = [\"│\"]\n", 'a", "b"]', 'name = ["a", "b"]\n'),
        ("Dockerfile", "RUN x=\"$(│)\"\n", 'uname -m)"; \\', 'RUN x="$(uname -m)"; \\\n'),
        ("main.tf", "  x = lookup(var.a, \"│\")\n", 'b", null)', '  x = lookup(var.a, "b", null)\n'),
        # several at once, and closers of two characters
        ("a.py", 'd = {"a": ["│"]}\n', 'x", "y"], "b": 1}', 'd = {"a": ["x", "y"], "b": 1}\n'),
        ("a.sh", 'if [[ -n "│"]]\n', '$x" ]]; then', 'if [[ -n "$x" ]]; then\n'),
        ("a.sh", "if [[ │]]\n", "-f a ]]; then", "if [[ -f a ]]; then\n"),
        ("a.c", "/* Says│*/\nint a;\n", " what. */", "/* Says what. */\nint a;\n"),
        ("a.py", 'def f():\n    """│"""\n', 'Says."""', 'def f():\n    """Says."""\n'),
        ("a.js", "x = f(`${│}`)\n", "a}-b`)", "x = f(`${a}-b`)\n"),
        # what stands there stays where the answer does not write it
        ("a.py", "print(│)\n", "a, b", "print(a, b)\n"),
        ("a.js", "f(() => {│})\n", "\n  g();\n}", "f(() => {\n  g();\n})\n"),
        ("a.yml", "on: [│]\n", "push, pull_request", "on: [push, pull_request]\n"),
    ],
)  # fmt: skip
def test_1_closers_count_by_kind_and_in_their_order(path: str, place: str, answer: str, expected: str) -> None:
    assert inserted(place, answer, path) == expected


@pytest.mark.parametrize("path", ["a.js", "a.ts", "a.tsx", "A.java", "a.c", "a.cpp", "a.cs", "a.go", "a.rs", "a.kt", "a.swift", "a.scala", "a.php", "a.dart", "a.groovy", "a.css", "a.txt"])  # fmt: skip  # noqa: E501
def test_1_what_the_lines_below_close_is_not_closed_on_the_line(path: str) -> None:
    before = "<?php\n" if path == "a.php" else ""
    place = f"{before}call(│)\n  a,\n}});\n"
    assert inserted(place, "{", path) == f"{before}call({{\n  a,\n}});\n"
    assert inserted(f"{before}call(│);\n", "{ a", path) == f"{before}call({{ a);\n"  # it ends in the middle


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.html", "<p>│</p>\n", "Hello</p>", "<p>Hello</p>\n"),
        ("a.html", '<a href="│">\n', 'y">y</a>', '<a href="y">y</a>\n'),
        ("a.html", '<div class="│"\n  <p>a</p>\n</div>\n', 'box">', '<div class="box">\n  <p>a</p>\n</div>\n'),
        ("a.html", "<ul>\n  │\n</ul>\n", "<li>a</li>\n</ul>", "<ul>\n  <li>a</li>\n</ul>\n"),
        ("a.vue", "<template>\n  <p>{{ │}}</p>\n</template>\n", "name }}", "<template>\n  <p>{{ name }}</p>\n</template>\n"),  # noqa: E501
        ("a.vue", "<script>\nf() {\n  if (│)\n}\n</script>\n", "this.open) {", "<script>\nf() {\n  if (this.open) {\n}\n</script>\n"),  # noqa: E501
        ("a.svelte", "<p>{│}</p>\n", "name}", "<p>{name}</p>\n"),
        ("a.tsx", "const a = <b>│</b>\n", "{x}</b>", "const a = <b>{x}</b>\n"),
        ("a.jsx", "const a = <b className=\"│\">\n", 'c">', 'const a = <b className="c">\n'),
        ("a.xml", "<a><b>│</b>\n", "1</b></a>", "<a><b>1</b></a>\n"),
        ("a.json", '{\n  "│"\n}\n', 'name": "x",', '{\n  "name": "x",\n}\n'),
    ],
)  # fmt: skip
def test_7_tags_are_brackets(path: str, place: str, answer: str, expected: str) -> None:
    assert inserted(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.go", "type A struct {\n\tAge int `json:\"│\"`\n}\n", 'age"`', 'type A struct {\n\tAge int `json:"age"`\n}\n'),  # noqa: E501
        ("a.go", "type A struct {\n\tAge int `json:\"│\"`\n}\n", "age", 'type A struct {\n\tAge int `json:"age"`\n}\n'),
        ("a.py", "q = \"SELECT 'a│'\"\n", "b'\"", "q = \"SELECT 'ab'\"\n"),
        ("a.py", "q = \"SELECT f(│)\"\n", 'x) FROM t"', 'q = "SELECT f(x) FROM t"\n'),
        ("a.sh", "x=\"$(f \"│\")\"\n", '$y")"', 'x="$(f "$y")"\n'),
        ("a.js", "x = \"it's │\"\n", 'so"', "x = \"it's so\"\n"),
        ("a.php", "<?php\n$a = \"{$x['│']}\"\n", "a']}\";", "<?php\n$a = \"{$x['a']}\";\n"),
        ("a.kt", 'val a = "${f("│")}"\n', 'x")}"', 'val a = "${f("x")}"\n'),
        ("a.rb", 'a = "#{f(│)}"\n', 'x)}"', 'a = "#{f(x)}"\n'),
        ("a.swift", 'let a = "\\(f(│))"\n', 'x))"', 'let a = "\\(f(x))"\n'),
        ("a.py", 'a = f"{d[│]}"\n', "'x']}\"", "a = f\"{d['x']}\"\n"),
        ("a.html", "<a @click=\"go('│')\">\n", "home')\">", "<a @click=\"go('home')\">\n"),
    ],
)  # fmt: skip
def test_8_quotes_and_brackets_inside_strings(path: str, place: str, answer: str, expected: str) -> None:
    assert inserted(place, answer, path) == expected


def test_nothing_depends_on_how_much_time_there_is() -> None:
    """The same answer comes out the same after other answers, and at a place that nobody prepared."""
    first = inserted("f(a, [│])\n", "1, 2])", "a.py")
    assert [inserted("f(a, [│])\n", "1, 2])", "a.py") for _ in range(3)] == [first] * 3 == ["f(a, [1, 2])\n"] * 3
