"""Golden prompts and answers of every form that models were trained with."""

from __future__ import annotations

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import Form, Mark, Window
from codeassist.edits.forms.registry import FORMS, form_of
from codeassist.edits.forms.seed_coder import block_starts
from codeassist.edits.site import Site

TEXT = "import os\n\n\ndef f(a, b):\n    return a\n\n\nprint(f(1))\n"
HISTORY = (
    LineChange("b.py", 0, ("x = 1",), ("x = 2",), is_accepted=True),
    LineChange("a.py", 3, ("def f(a):",), ("def f(a, b):",)),
)
REQUEST = EditRequest("a.py", 3, HISTORY, {"a.py": TEXT, "b.py": "x = 2\ny = x\n"})
SITE = Site("a.py", 7, 8, 0.9, "use", "uses f")


def written(form: Form, window: Window | None = None) -> str:
    asked = window or form.window(SITE, TEXT.split("\n"))
    return "".join(piece.token if isinstance(piece, Mark) else piece for piece in form.prompt(REQUEST, asked))


def test_sweep() -> None:
    form = FORMS["sweep"]
    assert written(form) == (
        "<|file_sep|>b.py.diff\noriginal:\nx = 1\ny = x\n\nupdated:\nx = 2\ny = x\n\n"
        "<|file_sep|>a.py.diff\noriginal:\n\n\ndef f(a):\n    return a\n\nupdated:\n\n\ndef f(a, b):\n    return a\n\n"
        "<|file_sep|>original/a.py\nimport os\n\n\ndef f(a):\n    return a\n\n\nprint(f(1))\n\n"
        f"<|file_sep|>current/a.py\n{TEXT}\n"
        "<|file_sep|>updated/a.py"
    )
    window = form.window(SITE, TEXT.split("\n"))
    assert (window.start, window.end) == (0, 9)
    changed = form.read("\n" + TEXT.replace("f(1)", "f(1, 2)") + "\n", window)
    assert changed == tuple(TEXT.replace("f(1)", "f(1, 2)").split("\n"))
    assert form.read(form.original(window), window) == tuple(TEXT.split("\n"))


def test_sweeps_window_has_21_lines() -> None:
    lines = [str(number) for number in range(100)]
    window = FORMS["sweep"].window(Site("x", 50, 52, 0.5, "near", ""), lines)
    assert (window.start, window.end, window.line) == (40, 61, 50)
    first = FORMS["sweep"].window(Site("x", 3, 4, 0.5, "near", ""), lines)
    assert (first.start, first.end) == (0, 21)


def test_zeta() -> None:
    form = FORMS["zeta"]
    assert written(form) == (
        "### Instruction:\nYou are a code completion assistant and your task is to analyze user edits and then rewrite "
        "an excerpt that the user provides, suggesting the appropriate edits within the excerpt, taking into account "
        "the cursor location.\n\n### User Edits:\n\n"
        'User edited "b.py":\n```diff\n@@ -1,3 +1,3 @@\n-x = 1\n+x = 2\n y = x\n \n```\n\n'
        'User edited "a.py":\n```diff\n@@ -1,7 +1,7 @@\n import os\n \n \n-def f(a):\n+def f(a, b):\n'
        "     return a\n \n \n```\n\n### User Excerpt:\n\n```a.py\n<|start_of_file|>\n<|editable_region_start|>\n"
        "import os\n\n\ndef f(a, b):\n    return a\n\n\nprint(f(1))<|user_cursor_is_here|>\n\n<|editable_region_end|>\n"
        "```\n\n### Response:\n"
    )
    window = form.window(SITE, TEXT.split("\n"))
    answer = "```a.py\n<|editable_region_start|>\nprint(f(1, 2<|user_cursor_is_here|>))\n"
    assert form.read(answer, window) == ("print(f(1, 2))",)
    assert form.read("prose", window) is None


def test_zeta_2() -> None:
    form = FORMS["zeta2"]
    lines = ["before", "one", "two", "after"]
    window = Window("dir/c.py", lines, 1, 3, 2)
    assert written(form, window) == (
        "<[fim-suffix]>after\n"
        "<[fim-prefix]><filename>edit_history\n"
        "// User accepted prediction:\n--- a/b.py\n+++ b/b.py\n@@ -1,3 +1,3 @@\n-x = 1\n+x = 2\n y = x\n \n"
        "--- a/a.py\n+++ b/a.py\n@@ -1,7 +1,7 @@\n import os\n \n \n-def f(a):\n+def f(a, b):\n     return a\n \n \n\n"
        "<filename>dir/c.py\nbefore\n<<<<<<< CURRENT\none\ntwo<|user_cursor|>\n=======\n<[fim-middle]>"
    )
    assert form.read("one\n2<|user_cursor|>\n", window) == ("one", "2")
    assert form.read("NO_EDITS\n", window) == ("one", "two")
    assert form.read("", window) == ()


def test_zeta_2_1() -> None:
    form = FORMS["zeta2.1"]
    lines = [*(f"a{number}" for number in range(6)), "", *(f"b{number}" for number in range(6))]
    window = Window("c.py", ["top", *lines], 1, 14, 3)
    expected = (
        "top\n<|marker_1|>a0\na1\na2<|user_cursor|>\na3\na4\na5\n\n<|marker_2|>b0\nb1\nb2\nb3\nb4\nb5\n<|marker_3|>\n"
    )
    assert written(form, window).endswith(f"<filename>c.py\n{expected}<[fim-middle]>")
    assert form.read("<|marker_2|>B\n<|marker_3|>", window) == (*lines[:7], "B")
    assert form.read("<|marker_1|>A\n<|marker_2|>", window) == ("A", *lines[7:])
    assert form.read("<|marker_1|>A\n<|marker_2|>b<|user_cursor|>\n<|marker_3|>", window) == ("A", "b")
    assert form.read("<|marker_2|><|marker_2|>", window) == tuple(lines)
    for broken in ("", "<|marker_1|>", "<|marker_3|>x<|marker_1|>", "<|marker_1|>x<|marker_9|>"):
        assert form.read(broken, window) is None


@pytest.mark.parametrize(
    ("lines", "starts"),
    [
        ([], [0]),
        (["x"] * 5, [0]),
        (["x"] * 40, [0, 16, 32]),
        (["x"] * 6 + [""] + ["x"] * 6, [0, 7]),
        (["x"] * 6 + [""] + ["x"] * 5, [0]),
        (["x"] * 6 + ["", "}", "y"] + ["x"] * 6, [0, 8]),
        (["x"] * 16 + ["return;", ")", "y"] + ["x"] * 3, [0, 18]),
    ],
)
def test_where_zeta_2_1_has_blocks_begin(lines: list[str], starts: list[int]) -> None:
    assert block_starts(lines) == starts


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("sweep-next-edit-0.5b", "sweep"),
        ("sweepai/sweep-next-edit-1.5B", "sweep"),
        ("zed-industries/zeta", "zeta"),
        ("zeta-2", "zeta2"),
        ("zed-industries/zeta-2.1", "zeta2.1"),
        ("qwen2.5-coder-0.5b", "diff"),
        ("zetamax", "diff"),
    ],
)
def test_a_models_form_is_known_by_its_name(model: str, form: str) -> None:
    assert form_of(model) == form


@pytest.mark.parametrize("name", FORMS)
def test_every_form_reads_its_own_original_as_no_change(name: str) -> None:
    form = FORMS[name]
    window = form.window(SITE, TEXT.split("\n"))
    lines = tuple(TEXT.split("\n")[window.start : window.end])
    answer = form.original(window)
    for end in form.ends:
        answer = answer.partition(end)[0]
    read = ("<|marker_1|><|marker_1|>", answer)[name != "zeta2.1"]
    assert form.read(read, window) == lines
