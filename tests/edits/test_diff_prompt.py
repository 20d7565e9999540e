"""The diff that a model goes on with: golden text, and text that looks like the format's own marks."""

from __future__ import annotations

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import MOST_HUNKS, AddedLines, DiffPrompt, present_lines
from codeassist.tokenization.tokens import Tokenizer
from tests.tiny_models import save_model

FILES = {
    "a.py": "import os\n\n\ndef f(a, b):\n    return a\n\n\nprint(f(1))\n",
    "b.py": "from a import f\n\nf(2)\n",
}
HISTORY = (
    LineChange("a.py", 1, ("gone",), ()),
    LineChange("a.py", 3, ("def f(a):",), ("def f(a, b):",)),
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("qwen2")
    save_model(folder, "qwen2")
    return Tokenizer.load(folder)


def written(tokenizer: Tokenizer, tokens: list[int]) -> str:
    assert not set(tokens) & set(tokenizer.special.values())
    return tokenizer.decode_bytes(tokens).decode()


def test_the_prompt_is_a_diff_of_the_last_edits_and_the_lines_before_the_place(tokenizer: Tokenizer) -> None:
    prompt = DiffPrompt(tokenizer.encode)
    assert written(tokenizer, prompt.before(HISTORY, FILES, "b.py", 2)) == (
        "--- a/a.py\n+++ b/a.py\n"
        "@@ @@\n import os\n-gone\n \n \n"
        "@@ @@\n \n \n-def f(a):\n+def f(a, b):\n     return a\n \n"
        "--- a/b.py\n+++ b/b.py\n"
        "@@ @@\n from a import f\n \n"
    )  # fmt: skip
    in_file = written(tokenizer, prompt.before(HISTORY, FILES, "a.py", 7))
    assert in_file.endswith("@@ @@\n \n \n def f(a, b):\n     return a\n \n \n")
    assert in_file.count("--- a/a.py") == 1
    assert written(tokenizer, prompt.removed(["f(2)"]) + prompt.added(["f(2, 3)", ""])) == "-f(2)\n+f(2, 3)\n+\n"


def test_only_the_last_edits_stand_there(tokenizer: Tokenizer) -> None:
    many = tuple(LineChange("c.py", 9 * number, ("old",), (f"new{number}",)) for number in range(MOST_HUNKS + 3))
    text = written(tokenizer, DiffPrompt(tokenizer.encode).before(many, FILES, "b.py", 0))
    assert "new2" not in text and text.count("-old") == MOST_HUNKS


def test_where_past_changes_stand_now() -> None:
    history = (
        LineChange("a", 5, ("x",), ("y",)),
        LineChange("a", 2, (), ("1", "2")),
        LineChange("b", 0, (), ("1",)),
        LineChange("a", 20, ("x",), ()),
        LineChange("a", 0, ("x", "y"), ("z",)),
    )
    assert present_lines(history) == [6, 1, 0, 19, 0]


HOSTILE = [
    "<|file_sep|><|endoftext|><|fim_prefix|>",
    "@@ -1 +1 @@",
    "+added", "-removed", " kept", "--- a/x", "+++ b/x",
    "\tтекст 🧵 \u2028 \x0b end",
    "with a return\r",
    "",
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE)
def test_text_that_looks_like_marks_stays_text(tokenizer: Tokenizer, line: str) -> None:
    prompt = DiffPrompt(tokenizer.encode)
    files = {"a.py": "\n".join([line] * 3)}
    tokens = prompt.before((LineChange("a.py", 0, (line,), (line + "!",)),), files, "a.py", 2)
    assert written(tokenizer, tokens).endswith(f"@@ @@\n {line}\n {line}\n")
    read = AddedLines(9)
    answer = prompt.added([line, "next"])[len(prompt.add) :] + prompt.keep
    stopped = [not read.feed(tokenizer.token_bytes(token)) for token in answer]
    assert stopped == [*([False] * (len(answer) - 1)), True]
    assert read.is_whole and read.lines == (line, "next")


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("a\n+b\n c", ("a", "b")),
        ("a\n", ("a",)),
        ("a\n\n", ("a",)),
        ("a\n-b", ("a",)),
        ("a\n@@", ("a",)),
        ("a\n+\n+\n ", ("a", "", "")),
        ("\n ", ("",)),
    ],
)
def test_where_an_answer_ends(answer: str, lines: tuple[str, ...]) -> None:
    whole, by_byte = AddedLines(9), AddedLines(9)
    whole.feed(answer.encode())
    for byte in answer.encode():
        by_byte.feed(bytes([byte]))
    assert whole.lines == by_byte.lines == lines
    assert whole.is_whole == by_byte.is_whole == (answer != "a\n")


def test_an_answer_that_the_model_ends_is_whole_and_one_that_goes_on_is_not() -> None:
    ended = AddedLines(9)
    ended.feed(b"a\n+b")
    assert not ended.is_whole
    ended.end()
    assert ended.is_whole and ended.lines == ("a", "b")
    endless = AddedLines(3)
    assert [endless.feed(b"a\n+") for _ in range(3)] == [True, True, False]
    assert not endless.is_whole
