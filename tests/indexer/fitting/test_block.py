"""Fault 5 of those that users reported: what is suggested as a block's body stands in that block."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import fit
from tests.indexer.fitting.places import inserted

BRACED = [
    "a.js", "a.ts", "a.tsx", "A.java", "a.c", "a.cpp", "a.cs", "a.go", "a.rs", "a.kt", "a.swift", "a.scala", "a.dart",
    "a.groovy", "a.css",
]  # fmt: skip


@pytest.mark.parametrize("path", BRACED)
def test_a_body_from_the_margin_on_is_shifted_into_its_block(path: str) -> None:
    place = "f {\n    g {\n        │\n    }\n}\n"
    expected = "f {\n    g {\n        one;\n        h {\n            two;\n        }\n    }\n}\n"
    assert inserted(place, "one;\nh {\n    two;\n}", path) == expected
    assert inserted(place, "one;\n        h {\n            two;\n        }", path) == expected
    assert inserted(place, "\n\n\n        one;\n        h {\n            two;\n        }", path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "def f():\n    │\n", "a = 1\nreturn a", "def f():\n    a = 1\n    return a\n"),
        ("a.py", "def f():│\n", "\nreturn 1", "def f():\n    return 1\n"),
        ("a.py", "class A:\n    def f(self):│\n", "\n\n\n        return 1", "class A:\n    def f(self):\n        return 1\n"),  # noqa: E501
        ("a.py", "def f():\n    │\n", "return 1\n\n\ndef g():\n    return 2", "def f():\n    return 1\n"),
        ("a.py", "def f():\n    if x:\n        │\n    return 2\n", "y()\n    else:\n        z()", "def f():\n    if x:\n        y()\n    else:\n        z()\n    return 2\n"),  # noqa: E501
        ("a.rb", "def f\n  │\nend\n", "each do |x|\n  puts x\nend", "def f\n  each do |x|\n    puts x\n  end\nend\n"),
        ("a.lua", "function f()\n  │\nend\n", "if x then\n    y()\n  end", "function f()\n  if x then\n    y()\n  end\nend\n"),  # noqa: E501
        ("a.sh", "f() {\n  │\n}\n", "if x; then\n  y\nfi", "f() {\n  if x; then\n    y\n  fi\n}\n"),
        ("a.yml", "jobs:\n  a:\n    │\n", "runs-on: x\nsteps:\n  - run: y", "jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: y\n"),  # noqa: E501
        ("a.yml", "on:\n  │\n", "push:\n  pull_request:", "on:\n  push:\n  pull_request:\n"),
        ("a.c", "int f() {\n\t│\n}\n", "if (a)\n    b();\nc();", "int f() {\n\tif (a)\n\t\tb();\n\tc();\n}\n"),
        ("a.json", '{\n  "a": {\n    │\n  }\n}\n', '"b": 1,\n"c": 2', '{\n  "a": {\n    "b": 1,\n    "c": 2\n  }\n}\n'),
    ],
)  # fmt: skip
def test_a_body_is_as_deep_as_its_block_and_does_not_leave_it(
    path: str, place: str, answer: str, expected: str
) -> None:
    assert inserted(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "def f(x):\n    return x\n\n\n│", "def f(x):\n    return x", ""),
        ("a.py", "def f(x):\n    return x\n\n\n│", "y = 1\n\n\ndef f(x):\n    return x", "y = 1"),
        ("a.js", "function f(x) {\n}\n\n│", "function f(x) {\n  return 1;\n}", ""),
        ("A.java", "class A {\n  int f(int a) {\n  }\n\n  │\n}\n", "int f(int a) {\n    return 1;\n  }", ""),
        ("a.go", "func f() {\n}\n\n│", "func f() {\n\treturn\n}", ""),
        # another scope, another signature
        ("a.py", "class A:\n    def f(self):\n        pass\n\nclass B:\n    │", "def f(self):\n        pass", "def f(self):\n        pass"),  # noqa: E501
        ("A.java", "class A {\n  int f(int a) {\n  }\n\n  │\n}\n", "int f(long a) {\n    return 1;\n  }", "int f(long a) {\n    return 1;\n  }"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_stands_above_is_not_defined_again(path: str, place: str, answer: str, expected: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, path).text == expected
