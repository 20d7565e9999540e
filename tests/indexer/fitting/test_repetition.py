"""A model that goes round in circles: the same line, or the same few, are cut after two."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import fit

# A comment or statement of each language.
LINES = [
    ("a.py", "# Compute the total."),
    ("a.py", "total += value"),
    ("a.js", "// Compute the total."),
    ("a.ts", "expect(a).toBe(b);"),
    ("a.tsx", "const [a, b] = useState();"),
    ("A.java", "* Compute the total."),
    ("a.c", "/* Compute the total. */"),
    ("a.cpp", "std::cout << a;"),
    ("A.cs", "/// Compute the total."),
    ("a.go", "fmt.Println(total)"),
    ("a.rs", "//! Compute the total."),
    ("a.php", "$total += $value;"),
    ("a.kt", "println(total)"),
    ("a.swift", "print(total)"),
    ("a.rb", "puts total"),
    ("a.lua", "-- Compute the total."),
    ("a.sh", "# Compute the total."),
    ("a.sql", "-- Compute the total."),
    ("a.html", "<p>Total</p>"),
    ("a.css", "color: red;"),
    ("a.vue", "<my-button>Total</my-button>"),
    ("a.svelte", "<Total />"),
    ("a.yaml", "- total"),
    ("a.json", '"total",'),
    ("a.toml", "# Compute the total."),
    ("Dockerfile", "RUN pip install total"),
    ("Makefile", "# Compute the total."),
    ("main.tf", "# Compute the total."),
    ("a.md", "- total"),
]


@pytest.mark.parametrize(("path", "line"), LINES)
def test_9_the_same_line_again_is_cut_after_two(path: str, line: str) -> None:
    assert fit("\n".join([line] * 6), "", "", path).text == f"{line}\n{line}"
    assert fit("\n".join([line] * 6), f"{line}\n", "", path).text == line
    assert fit("\n".join([line] * 6), f"{line}\n{line}\n", "", path).text == ""


@pytest.mark.parametrize(("path", "line"), LINES)
def test_9_a_few_lines_that_come_round_again_are_cut_after_two_rounds(path: str, line: str) -> None:
    said = [line, f"{line} again"] * 5
    assert fit("\n".join(said), "", "", path).text == "\n".join(said[:4])


@pytest.mark.parametrize(
    ("path", "prefix", "answer"),
    [
        ("a.rs", "fn t() {\n    ", "assert_eq!(it.next(), None);\n    assert_eq!(it.next(), None);"),
        ("a.rb", "      ", "a\n    end\n  end\nend\nend\n"),
        ("a.lua", "a(function()\nb(function()\n  c(function()\n      ", "f()\n    end)\n  end)\nend)\n"),
        ("a.sh", "    ", "a\n    fi\n  fi\nfi"),
        ("a.js", "a(() => {\n  b(() => {\n    c(() => {\n      ", "f();\n    });\n  });\n});\n"),
    ],
)
def test_9_lines_that_are_alike_on_purpose_stay(path: str, prefix: str, answer: str) -> None:
    assert fit(answer, prefix, "", path).text == answer.rstrip()


@pytest.mark.parametrize(
    ("path", "prefix", "answer", "suffix"),
    [
        ("a.rb", "def f\n  if a\n    b\n  e", "nd", "\nend\n"),
        ("a.lua", "if a then\n  if b then\n    c()\n  en", "d", "\nend\n"),
        ("a.sh", "if a; then\n  if b; then\n    c\n  f", "i", "\nfi\n"),
    ],
)
def test_the_end_of_a_block_stays_above_that_of_the_one_around_it(
    path: str, prefix: str, answer: str, suffix: str
) -> None:
    assert fit(answer, prefix, suffix, path).text == answer
