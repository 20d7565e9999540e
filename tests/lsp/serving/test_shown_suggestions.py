"""What a client is shown over stdio, and where nothing comes: in words, before code, beside fences and restarts.

The model's part is said by the documents themselves (`#say`, tests/lsp/staged_server.py); all else is the server's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.lsp.conftest import Run
from tests.lsp.editor import Editor

# Cursors in words, as they stand in a line of the language.
IN_WORDS = [
    ("a.py", "python", "EggsWith│Spam = 1"),
    ("a.py", "python", "def get_│balance(self):"),
    ("a.js", "javascript", "const to│tal = 1;"),
    ("a.ts", "typescript", "price│_list"),
    ("a.tsx", "typescriptreact", "<Gree│ting />"),
    ("A.java", "java", "class Ac│count {"),
    ("a.c", "c", "int si│ze;"),
    ("a.cpp", "cpp", "std::str│ing a;"),
    ("a.cs", "csharp", "public int Si│ze;"),
    ("a.go", "go", "func Re│ad() {"),
    ("a.rs", "rust", "fn re│ad() {"),
    ("a.php", "php", "$us│er = 1;"),
    ("a.kt", "kotlin", "val us│er = 1"),
    ("a.swift", "swift", "let us│er = 1"),
    ("a.rb", "ruby", "@us│er = 1"),
    ("a.lua", "lua", "local us│er = 1"),
    ("a.sh", "shellscript", "US│ER=1"),
    ("a.sql", "sql", "select us│er_id"),
    ("a.html", "html", "<bu│tton>"),
    ("a.css", "css", "background│-color: red;"),
    ("a.css", "css", "background-│color: red;"),
    ("a.vue", "vue", "<my-│button />"),
    ("a.yaml", "yaml", "runs-│on: ubuntu"),
    ("a.json", "json", '"ver│sion": 1'),
    ("a.toml", "toml", "requ│ires = 1"),
    ("Dockerfile", "dockerfile", "WORK│DIR /app"),
    ("Makefile", "makefile", "CFL│AGS = -O2"),
    ("main.tf", "terraform", "resou│rce"),
    ("a.md", "markdown", "some│thing"),
]


def lines(said: str, place: str) -> tuple[str, int]:
    """A document in which the model says that at a place of its second line, and the cursor's column."""
    return f"#say {said}\n{place.replace('│', '')}\n", place.index("│")


async def asked(editor: Editor, path: str, language: str, said: str, place: str, automatic: bool = False) -> list[Any]:
    text, col = lines(said, place)
    editor.open(path, text, language=language)
    items = await editor.ask(path, 1, col, automatic=automatic)
    editor.close(path)
    return items


def test_3_in_the_middle_of_a_word_nothing_comes_by_itself(run: Run) -> None:
    async def test(editor: Editor) -> None:
        for path, language, place in IN_WORDS:
            assert await asked(editor, path, language, "_more_", place, automatic=True) == [], place
            assert [each.insert_text for each in await asked(editor, path, language, "_more_", place)] == ["_more_"]
            end = place.partition("│")[0] + "│"
            assert len(await asked(editor, path, language, "_more", end, automatic=True)) == 1, end

    run(test)


@pytest.mark.parametrize(
    ("place", "said", "text", "replaced"),
    [
        ("def get_│balance(self):", "balance_of(self, day", "balance_of", 7),
        ("def get_│balance(self):", "total_", "total_", 0),
        ("def get_│balance(self):", "new_balance", "new_", 0),
        ("x = price│_list", "_list_of_today", "_list_of_today", 5),
        ("x = price│_list", "price_list_of_today", "_list_of_today", 5),
        ("x = cust│omer", "customer_name", "omer_name", 4),
    ],
)
def test_3_what_is_asked_for_may_replace_the_rest_of_the_word(
    run: Run, place: str, said: str, text: str, replaced: int
) -> None:
    async def test(editor: Editor) -> None:
        [item] = await asked(editor, "word.py", "python", said, place)
        col = place.index("│")
        assert (item.insert_text, item.range.start.character) == (text, col)
        assert item.range.end.character - item.range.start.character == replaced

    run(test)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("def get_│balance(self):", "balance(self):"),
        ("def get_│balance(self):", "total"),
        ("x = price│_list", " = 1"),
        ("x = to│tal + 1", "tal"),
    ],
)
def test_3_nothing_that_would_be_glued_to_the_rest_of_a_word(run: Run, place: str, said: str) -> None:
    async def test(editor: Editor) -> None:
        assert await asked(editor, "glue.py", "python", said, place) == []

    run(test)


def test_3_the_rest_of_what_was_shown_stays_while_it_is_typed_before_a_word(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("along.py", "#say import os\n\ndef main():\n    pass\n")
        editor.edit("along.py", (1, 0), (2, 0), "")
        [item] = await editor.ask("along.py", 1, 0, automatic=True)
        assert item.insert_text == "import os\n"
        editor.edit("along.py", (1, 0), (1, 0), "im")
        [rest] = await editor.ask("along.py", 1, 2, automatic=True)
        assert (rest.insert_text, rest.range.start.character) == ("port os\n", 2)

    run(test)


@pytest.mark.parametrize(
    ("path", "language", "place", "said", "expected"),
    [
        ("a.py", "python", "    │return x", "x = 1\\n    ", "x = 1\n    "),
        ("a.go", "go", "\t│fmt.Println(1)", "x := 1\\n\\tfmt.Println(x)", "x := 1\n\t"),
        ("a.js", "javascript", "│export default a;", "const a = 1;", "const a = 1;\n"),
        ("a.js", "javascript", "│function f() {", "async ", "async "),
        ("a.yaml", "yaml", "  │- b", "- a", "- a\n  "),
    ],
)
def test_4_directly_before_code(run: Run, path: str, language: str, place: str, said: str, expected: str) -> None:
    async def test(editor: Editor) -> None:
        for automatic in (True, False):
            [item] = await asked(editor, path, language, said, place, automatic)
            assert item.insert_text == expected

    run(test)


@pytest.mark.parametrize(
    ("path", "language", "place", "said", "expected"),
    [
        ("A.java", "java", "    pub│", "public A(int size) {", ["lic A(int size) {"]),
        ("a.py", "python", "    self.│", "self.old_log = 1", ["old_log = 1"]),
        ("a.json", "json", '  "│', '"version": "1"', ['version": "1"']),
        ("Dockerfile", "dockerfile", "RUN │", "RUN pip install x", ["pip install x"]),
        ("a.py", "python", "        se│", "    if name in names:", []),
        ("a.py", "python", "x = 1  │", "```", []),
        ("Makefile", "makefile", "test:│", "```sh", []),
        ("a.md", "markdown", "│", "```sh", ["```sh"]),
        ("a.py", "python", 'password = "│', '****************"', []),
    ],
)
def test_2_6_9_restarts_fences_and_redaction_marks(
    run: Run, path: str, language: str, place: str, said: str, expected: list[str]
) -> None:
    async def test(editor: Editor) -> None:
        for automatic in (True, False):
            items = await asked(editor, path, language, said, place, automatic)
            assert [each.insert_text for each in items] == expected

    run(test)
