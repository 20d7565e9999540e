"""Answers that begin with what stands before the cursor: the half-typed word, name, key, attribute, quote, line.

`│` is the cursor; what is expected is what the file then has in the cursor's line. In every language that is written
here, an answer that restarts is put right, and one that only looks like a restart stays as it is.
"""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import fit

# The line as it is to be, cut at the cursor, in files of the language; what encloses it stands above.
LINES = [
    ("a.py", "", "result = compu│te_total(items)"),
    ("a.py", "def f(self):\n", "    self.old│_log = None"),
    ("a.js", "", "const total = items.redu│ce(add);"),
    ("a.ts", "", "export const lim│it: number = 10;"),
    ("a.tsx", "", "const shown = use│Memo(build);"),
    ("A.java", "class A {\n", "    pub│lic A(int size) {"),
    ("a.c", "", "static int coun│t = 0;"),
    ("a.cpp", "", "std::vec│tor<int> values;"),
    ("A.cs", "class A {\n", "    public string Na│me { get; set; }"),
    ("a.go", "package a\n", "var defaultT│imeout = 30"),
    ("a.rs", "", "let mut buff│er = Vec::new();"),
    ("a.php", "<?php\n", "$this->serv│ice = $service;"),
    ("a.kt", "", "val greet│ing = hello"),
    ("a.swift", "", "let deleg│ate = Delegate()"),
    ("a.rb", "", "@work│ers = []"),
    ("a.lua", "", "local mod│ule = {}"),
    ("a.sh", "", "export DATA│BASE_URL=local"),
    ("a.sql", "", "SELECT cust│omer_id FROM orders"),
    ("a.html", "", "<div class│=wide>"),
    ("a.css", "a {\n", "  background-│color: red;"),
    ("a.vue", "<script>\n", "const vis│ible = ref(true)"),
    ("a.svelte", "<script>\n", "let disp│lay = 1"),
    ("a.yaml", "", "serv│ices: web"),
    ("a.json", "{\n", '  "vers│ion": 1'),
    ("a.toml", "", "require│s-python = 3"),
    ("Dockerfile", "", "RUN pip│ install flask"),
    ("Makefile", "", "CFLA│GS = -O2"),
    ("main.tf", "", "resou│rce_name = 1"),
    ("a.md", "", "The quick br│own fox"),
]


def shown(place: str, answer: str, path: str) -> str:
    """The cursor's line with the suggestion in it."""
    prefix, _, suffix = place.partition("│")
    fitted = fit(answer, prefix, suffix, path)
    line_start = prefix.rfind("\n") + 1
    return (prefix + fitted.text + suffix[fitted.num_replaced :])[line_start:].partition("\n")[0]


def cut(line: str) -> tuple[str, str]:
    before, _, behind = line.partition("│")
    return before, behind


@pytest.mark.parametrize(("path", "above", "line"), LINES)
@pytest.mark.parametrize("restart", ["the line", "the line with its indentation", "the word", "nothing"])
def test_2_an_answer_that_begins_again_with_what_stands_there(path: str, above: str, line: str, restart: str) -> None:
    before, behind = cut(line)
    word = before[len(before.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")) :]
    again = {
        "the line": before.lstrip(),
        "the line with its indentation": before,
        "the word": word,
        "nothing": "",
    }[restart]
    assert shown(f"{above}{before}│\n", again + behind, path) == before + behind


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "self.│", "self.old_log = 1", "self.old_log = 1"),
        ("a.py", "x = os.path.│", "os.path.join(a)", "x = os.path.join(a)"),
        ("a.js", "window.docu│", "window.document.body", "window.document.body"),
        ("a.java", "this.│", "this.size = size;", "this.size = size;"),
        ("a.c", "node->│", "node->next = last;", "node->next = last;"),
        ("a.cpp", "std::│", "std::sort(a, b);", "std::sort(a, b);"),
        ("a.cs", "Console.│", "Console.WriteLine(x);", "Console.WriteLine(x);"),
        ("a.go", "fmt.│", "fmt.Println(x)", "fmt.Println(x)"),
        ("a.rs", "std::io::│", "std::io::Read::read(x)", "std::io::Read::read(x)"),
        ("a.php", "$user->│", "$user->name = 1;", "$user->name = 1;"),
        ("a.rb", "Rails.│", "Rails.logger.info x", "Rails.logger.info x"),
        ("a.lua", "table.│", "table.insert(a, b)", "table.insert(a, b)"),
        ("main.tf", "x = var.│", "var.region", "x = var.region"),
        ("a.toml", "[tool.│", "[tool.ruff]", "[tool.ruff]"),
        ("a.cpp", "#include <ve│", "<vector>", "#include <vector>"),
        ("a.ts", "const a: Map<str│", "<string, number>;", "const a: Map<string, number>;"),
        ("a.py", "class Codec(c│", "class Codec(codecs.Codec):", "class Codec(codecs.Codec):"),
        ("a.py", "foo.│", ".bar()", "foo.bar()"),
        ("a.c", "node->│", "->next", "node->next"),
    ],
)
def test_2_a_dotted_name_again(path: str, place: str, answer: str, expected: str) -> None:
    assert shown(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.json", '{\n  "│', '"version": "1.0",', '  "version": "1.0",'),
        ("a.json", '{\n  "│"', '"version": "1.0",', '  "version": "1.0",'),
        ("a.json", '{\n  "ver│', '"version": "1.0",', '  "version": "1.0",'),
        ("a.yaml", "- name│", "- name: build", "- name: build"),
        ("a.yaml", "image: │", "image: python", "image: python"),
        ("a.toml", "name = │", 'name = "x"', 'name = "x"'),
        ("a.py", "f(name=│)\n", 'name="x"', 'f(name="x")'),
        ("a.py", 'x = "│"\n', '"hello"', 'x = "hello"'),
        ("a.py", "x = f'│'\n", "f'{y}'", "x = f'{y}'"),
        ("a.sh", 'cp "$SRC│', '"$SRC_DIR/a" b', 'cp "$SRC_DIR/a" b'),
        ("a.rb", "require '│", "'json'", "require 'json'"),
        ("a.py", 'x = """│', '"""Say it.', 'x = """Say it.'),
        ("a.js", "import a from '│", "'./a.js';", "import a from './a.js';"),
        ("a.html", '<a href="│">', 'href="y">y</a>', '<a href="y">y</a>'),
        ("a.html", "<a hr│", '<a href="y">', '<a href="y">'),
        ("a.vue", "<template>\n  <my-butt│", "<my-button />", "  <my-button />"),
        ("a.html", "<│", "<div>", "<div>"),
        ("a.html", "<p>x</│", "</p>", "<p>x</p>"),
        ("a.tsx", "return <di│", "<div/>", "return <div/>"),
        ("Dockerfile", "RUN │", "RUN pip install x", "RUN pip install x"),
        ("a.sql", "SELECT │", "SELECT a FROM b", "SELECT a FROM b"),
        ("a.md", "- │", "- one", "- one"),
        ("a.py", "# │", "# What it does.", "# What it does."),
        ("a.js", "// │", "// What it does.", "// What it does."),
        ("a.c", "#inc│", "#include <a.h>", "#include <a.h>"),
        ("a.c", "#│", "#include <a.h>", "#include <a.h>"),
        ("a.c", "/*│", "/**", "/**"),
        ("a.c", "#ifdef __│", "__GNUC__", "#ifdef __GNUC__"),
        ("A.java", "@│", "@Override", "@Override"),
        ("a.php", "$│", "$user = 1;", "$user = 1;"),
    ],
)
def test_2_a_key_attribute_quote_or_line_again(path: str, place: str, answer: str, expected: str) -> None:
    assert shown(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("A.java", "class A {\n    pub│", " public A(int size) {", "    public A(int size) {"),
        ("a.py", "def f():\n    return│", " return result", "    return result"),
        ("a.py", "if n:\n    a()\nel│", "\nelif n == 0:", "elif n == 0:"),
        ("a.py", "def f():\n    self.│", "    self.x = 1", "    self.x = 1"),
        ("a.py", "x = 1\ny = x│", "x = 1\ny = x + 1", "y = x + 1"),
        ("a.go", "func f() {\n\tret│", "\treturn 1", "\treturn 1"),
        ("a.yaml", "ports:\n      -│", "      - 80:80", "      - 80:80"),
        ("a.tf", "  type   │", "  type    = any", "  type    = any"),
    ],
)
def test_2_a_restart_behind_white_space_or_the_line_above(path: str, place: str, answer: str, expected: str) -> None:
    assert shown(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.py", "def f(names):\n        se│", "    if name in names:"),
        ("a.py", "def f(names):\n    retu│", "        if name in names:\n            pass"),
        ("a.go", "func f() {\n\tretu│", "\t\tfor {"),
        ("A.java", "class A {\n    priv│", "    public int size;"),
        ("a.py", "x = tr│", "True"),
        ("a.py", "import os│", "os"),
        ("a.py", "    x = 1│", "    x = 1"),
    ],
)
def test_2_nothing_that_glues_a_statement_to_half_a_word(path: str, place: str, answer: str) -> None:
    prefix = place.removesuffix("│")
    assert fit(answer, prefix, "\n", path).text == ""


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.py", "x = aa│", "aa"),
        ("a.py", "x = 1│", "100"),
        ("a.py", "def _│", "_init__(self):"),
        ("a.py", "x = self.│", "self_x"),
        ("a.py", "x = ((│", "(a + b) * c"),
        ("a.py", 'x = "│', '"'),
        ("a.py", 'x = "│', '" + y'),
        ("a.py", 'def f():\n    "│', '""Say it."""'),
        ("a.py", "import datetime\nx = datetime.│", "datetime.now()"),
        ("a.py", "import time\nt = time.time() - time.│", "time()"),
        ("a.py", "from pprint import pprint\np│", "print(x)"),
        ("a.c", "long │", "long size;"),
        ("A.cs", "class A {\n    public Customer │", "Customer { get; }"),
        ("a.go", "func f(s│", " string) {"),
        ("a.go", "func f(err│", " error) {"),
        ("a.go", "type A struct {\n\tName│", "    string"),
        ("a.css", "a {\n  margin: 0 │", "0 0 10px;"),
        ("a.css", "a {\n  color: #f│", "f0000;"),
        ("a.html", "<div>│", "<div>"),
        ("a.rs", "let v: Vec<Vec<u8>> = Vec::from(x);\nlet v: Vec<│", "Vec<u8>> = x;"),
        ("a.rs", "//! A crate.\n\n/// One.\nfn one() {}\n\n/│", "// Two."),
        ("a.rs", "let x = &│", "&y;"),
        ("a.cpp", "std::cout <│", '< "x";'),
        ("a.md", "#│", "# Title"),
        ("a.md", "`│", "``py"),
        ("a.rb", "@│", "@count = 0"),
        ("Makefile", "all:\n\techo $│", "$x"),
        ("a.lua", "x = a .│", '. "b"'),
        ("a.js", "const a = [.│", "..b];"),
        ("a.sh", "x=$(echo 1 |│", "| true)"),
        ("a.json", '{\n  "path": "src/src│', '/index.js"'),
        ("a.toml", "[│", "[bin]]"),
        ("a.yaml", "---│", "\nname: x"),
        ("a.js", "foo(│", "foo2(x));"),
        ("a.txt", "the cat│", " category"),
        ("a.tf", "  type   │", " = any"),
        ("a.lua", "x = [[\na\n]│", "]"),
        ("a.js", "x.map((a) => {\n  if (b) {\n  }│", "})"),
    ],
)
def test_2_what_only_looks_like_a_restart_stays(path: str, place: str, answer: str) -> None:
    prefix = place.removesuffix("│")
    assert fit(answer, prefix, "\n", path).text == answer
