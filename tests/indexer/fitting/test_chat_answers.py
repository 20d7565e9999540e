"""Fences, chat prose and redaction marks: what a model says that belongs into no file of code."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.trim import fit

PATHS = [
    "a.py", "a.js", "a.ts", "a.tsx", "A.java", "a.c", "a.cpp", "A.cs", "a.go", "a.rs", "a.php", "a.kt", "a.swift",
    "a.rb", "a.lua", "a.sh", "a.sql", "a.html", "a.css", "a.vue", "a.svelte", "a.yaml", "a.json", "a.toml",
    "Dockerfile", "Makefile", "main.tf", "a.scala", "a.xml", "notes.txt",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("prefix", ["", "x\n", "x\n\n    "])
@pytest.mark.parametrize("answer", ["```", "```\n", "\n```", "```sh", "    ```", "~~~", "```\n\nThis code prints it."])
def test_6_a_fence_alone_is_shown_in_no_file_but_markdown(path: str, prefix: str, answer: str) -> None:
    assert fit(answer, prefix, "", path).text == ""


@pytest.mark.parametrize("path", PATHS)
def test_6_the_code_of_a_fence_is_shown_without_it(path: str) -> None:
    assert fit("```\nfirst\nsecond\n```\nIt is done.", "", "", path).text == "first\nsecond"
    assert fit("```lang\nfirst\n```", "x\n", "\n", path).text == "first"
    assert fit("first\n```", "x\n", "\n", path).text == "first"
    assert fit("first\n```\n\nThe code above does it.", "x\n", "\n", path).text == "first"


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("Makefile", "test:│", "```sh", ""),
        ("a.py", "if __name__ == '__main__':\n    │", "main()\n```", "main()"),
        ("a.py", "if __name__ == '__main__':\n    main()\n│", "```", ""),
        ("a.py", "def f():\n    return│", " result```", " result"),
        ("a.py", "x = │", "```python\nx = 1\n```", "1"),
        ("a.py", "│", "Here is the completed code:\n\n```python\nimport os\n```", "import os"),
        ("a.py", "│", "Here is the completed code:\nimport os", "import os"),
        ("a.go", "func f() {\n\t│\n}\n", "Sure! The function returns nothing.", ""),
        ("a.js", "│", "const a = 1;\n\nThis code sets a constant to one.", "const a = 1;"),
        ("a.js", "│", "const a = 1;\nExplanation: it is one.", "const a = 1;"),
        ("a.rs", "│", "Certainly! Here's the function:\n```rust\nfn f() {}\n```", "fn f() {}"),
    ],
)
def test_6_chat_around_code(path: str, place: str, answer: str, expected: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, path).text == expected


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.md", "│", "```py\nx = 1\n```"),
        ("a.md", "```py\nx = 1\n│", "```"),
        ("a.mdx", "│", "```py"),
        ("a.rs", "/// │\nfn f() {}\n", "```"),
        ("a.py", 'def f():\n    """Say.\n\n    │\n    """\n', "```python\n    f()\n    ```"),
        ("a.kt", "/**\n * ```\n * f()\n * │\n */\n", "```"),
        ("a.py", "│", 'FENCE = "```"'),
        ("a.js", "│", "const fence = '```';"),
        ("a.py", "# │", "Here is why it is so:"),
        ("a.py", 'x = "│"', "Sure, here it is"),
        ("a.html", "<p>│</p>", "Here is what it does:"),
        ("a.txt", "│", "Here is what it does:"),
        ("a.py", "│", "Please(1)"),
        ("a.js", "│", "This.that = 1;"),
    ],
)
def test_6_what_is_no_chat_stays(path: str, place: str, answer: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, path).text == answer


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("prefix", "answer"),
    [
        ("password = ", '"****************"'),
        ('password = "', '****************"'),
        ("password: ", "****"),
        ("url = ", '"https://me:********@host/"'),
        ("", "key = '********'"),
        ("PASSWORD=", "********"),
    ],
)
def test_9_a_redaction_mark_is_never_suggested(path: str, prefix: str, answer: str) -> None:
    assert "****" not in fit(answer, prefix, "\n", path).text
    assert fit(f"a\n{prefix}{answer}", "", "", path).text == "a"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("a.c", "/****************"),
        ("a.c", "char ****p;"),
        ("a.c", "/* a ****/"),
        ("a.css", "/**** head ****/"),
        ("a.md", "****"),
        ("a.py", "# ****************"),
        ("a.sql", "-- *****"),
    ],
)
def test_9_asterisks_that_hide_nothing_stay(path: str, answer: str) -> None:
    assert fit(answer, "", "", path).text == answer
