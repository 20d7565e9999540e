"""Places of real files at which an answer that was right came out wrong, each for its kind."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import fit

SAME = object()
"""All of the answer, as it is."""


def deeper(text: str, white: str) -> str:
    """The lines below the first, so much deeper."""
    return text.replace("\n", f"\n{white}")


COMPOSE = "web:\n  build:\n    context: app\n  stop_signal: SIGINT"
CASES = "switch (a.type) {\ncase one:   a = 1; break;\ncase two:   a = 2; break;\ndefault: break;\n}"
CHAIN = "return contents\n  .replace(/a/, b)\n  .replace(/c/, d)"
NESTED = """try {
      try {
        f(3);
      } catch (...) {
        g(2);
      }
    } catch (...) {
      g(1);
    }"""
ALIGNED = "int f() {\n\treturn g(\n\t    a);\n}\nint h() {\n\t"
FIELDS = ".flags = RO,\n        .begin = INDEX,\n        .pos = 1"
LOCKED = "issue-comment: >\n      I'm going to lock this issue because it has been closed.\n    pr-comment: x"


@pytest.mark.parametrize(
    ("path", "prefix", "answer", "suffix", "fitted"),
    [
        # a table from the margin on, whose first key has the others in it
        ("a.yaml", "services:\n  ", COMPOSE, "\n", deeper(COMPOSE, "  ")),
        ("a.yaml", "on:\n  ", "issues:\n  types: [opened]\npush:\n  branches: [a]", "\n\njobs:\n", None),
        # keys of one table, whose values are empty
        ("a.yaml", "on:\n  ", "push:\n  pull_request:\n  workflow_dispatch:", "\n\njobs:\n", SAME),
        # a list that stands as deep as its key, where another key follows, where the file has such, and elsewhere
        ("a.yaml", "build:\n      ", "args:\n      - A=b\n      context: c", "\n", SAME),
        ("a.yaml", "x:\n- y\nbuild:\n  ", "args:\n  - A=b\n  - C=d", "\n", SAME),
        ("a.yaml", "build:\n  ", "args:\n  - A=b\n  - C=d", "\n", "args:\n    - A=b\n    - C=d"),
        # prose for users, in a block of text
        ("a.yaml", "with:\n    ", LOCKED, "\n", SAME),
        # what is in place already is not moved again
        ("a.cc", "for (;;) {\n    ", CASES, "\n}\n", deeper(CASES, "    ")),
        # a block in a block of the same kind
        ("a.cc", "  try {\n    ", NESTED, "\n  } catch (const E& e) {\n", SAME),
        # aligned by spaces behind tabs, as the file does
        ("a.c", ALIGNED, "return g(\n    b);", "\n}\n", "return g(\n\t    b);"),
        ("a.c", ALIGNED.replace("    a", "\ta"), "return g(\n    b);", "\n}\n", "return g(\n\t\tb);"),
        # what begins with a dot and is no call
        ("a.c", "t = {\n    {\n        ", FIELDS, "\n    },\n", SAME),
        ("Makefile", "env:\n\t", "python -m venv .env\n\t.env/bin/pip install x", "\n", SAME),
        # a chain of calls is deeper than what it goes on with, but where the file has it otherwise
        ("a.js", "function f(contents) {\n  ", CHAIN, "\n}\n", deeper(CHAIN, "  ")),
        ("a.js", "function g() {\n  a\n  .b()\n}\nfunction f(contents) {\n  ", CHAIN, "\n}\n", SAME),
    ],
)
def test_blocks(path: str, prefix: str, answer: str, suffix: str, fitted: object) -> None:
    if fitted is None:
        fitted = deeper(answer, "  ")
    assert fit(answer, prefix, suffix, path).text == (answer if fitted is SAME else fitted)


TRAILING = "SELECT a \nFROM b \n"


@pytest.mark.parametrize(
    ("path", "prefix", "answer", "suffix", "has_line_end"),
    [
        # blanks at the end of an answer mean nothing in a file whose lines end in them
        ("a.sql", TRAILING, "WHERE c ", "AND d\n", True),
        ("a.sql", "SELECT a\nFROM b\n", "WHERE ", "c AND d\n", False),
        # an inline role of a docstring is no end of a sentence
        ("a.py", 'def f():\n    """Behaves\n    ', "as if imported with the", ":meth:`g` function.\n    ", True),
        ("a.py", 'def f():\n    """Behaves\n    ', "as if imported", ": so it is.\n    ", False),
        # quotes in quotes, and prefixes of strings
        ("a.py", "if (\n    a\n    ", "and b.startswith('\"')", "and b.endswith('\"')\n):\n", True),
        ("a.py", "def f():\n    ", 'assert c("/x").data == b"x"', 'assert c("/y").data == b"y"\n', True),
        # a bracket that is closed on a later line, or on this one
        ("a.sql", "", "with relage as (", "select relname,\n    age\n)\n", True),
        ("a.py", "", "print(", "a, b)\n", False),
        # a namespace encloses code without indenting it, and a directive stands at the margin
        ("a.cc", "", "namespace fmt {\n", "struct a {};\n}  // namespace fmt\n", True),
        ("a.cc", "#ifdef A\n", 'extern "C" {\n', "#endif\nint a;\n}\n", True),
        # lines that begin with a comma; a word that wants another operand
        ("a.sql", "SELECT a\n     , b\n     ", ", c(d)", ", e\n", True),
        ("a.sql", "WHERE a\n  AND b\n  ", "c != d AND", "(e || f) like g\n", True),
        ("a.py", "", "print", "(a)\n", False),
    ],
)
def test_statements_before_code(path: str, prefix: str, answer: str, suffix: str, has_line_end: bool) -> None:
    white = prefix[prefix.rfind("\n") + 1 :]
    fitted = fit(answer, prefix, suffix, path)
    assert fitted.text.rstrip(" ") == (f"{answer.rstrip()}\n{white}".rstrip(" ") if has_line_end else answer.rstrip())


ITEMS = '<ul>\n  <li class="item">\n    <a class="item-link" href="b.html">B</a>\n  </li>\n</ul>\n</div>\n'


@pytest.mark.parametrize(
    ("path", "prefix", "answer", "suffix", "fitted"),
    [
        ("a.html", '<ul>\n  <li>\n    <a class="item-l', 'ink" href="a.html">A</a>', f"\n  </li>\n{ITEMS}", SAME),
        ("a.html", '<nav>\n  <li>\n    <li class="item', '-task">', f"\n    <a>B</a>\n{ITEMS}</ul>\n</nav>\n", SAME),
        ("a.go", "for _, tt := range tests {\n\t\tt.Run(tt", "tt.name, func() {", "\n\t\t}\n", ".name, func() {"),
        ("a.rs", "/*", "/*! Modules", "\n*/\n", "! Modules"),
        ("a.html", "<dl>\n  <dd>a</dd", "dd>", "\n</dl>\n", ">"),
        ("a.html", "<ul>\n    {", "{% endif %}", "\n</ul>\n", "% endif %}"),
        ("a.cs", "public override bool Equals(object? o)\n    =>", "=> o is Key;", "\n", " o is Key;"),
        ("a.c", "void f(char *m) {\n  if (str", 'str(m, "x") == m)', ") {\n  }\n}\n", 'str(m, "x") == m'),
        ("a.cpp", "  auto p = str", 'str(m, "x");', "\n", SAME),
        ("a.php", "<?php\n$p = str", "str($m, 'x');", "\n", SAME),
        ("a.py", "x = str", "str(m)", "\n", "(m)"),
        ("a.c", "  int n = pri", "printf(m);", "\n", "ntf(m);"),
    ],
)
def test_starts(path: str, prefix: str, answer: str, suffix: str, fitted: object) -> None:
    assert fit(answer, prefix, suffix, path).text.rstrip(")") == str(answer if fitted is SAME else fitted).rstrip(")")
