"""The window with all suggestions at the cursor."""

from __future__ import annotations

from .conftest import Bench, rule
from .editor import Editor

THREE = ("one()", "two(\n    a,\n)", "three")


def opened(bench: Bench) -> Editor:
    editor = bench.edit("", rule("x = ", *THREE))
    editor.type("ix = ")
    editor.wait_ghost("one()")
    editor.type("<M-CR>")
    editor.wait_until(lambda: editor.lua("return vim.api.nvim_buf_get_name(0)").startswith("codeassist://"), "a panel")
    return editor


def test_all_suggestions_are_listed_and_one_is_taken(bench: Bench) -> None:
    editor = opened(bench)
    headings = [line for line in editor.lines if line.startswith("──")]
    assert [line for line in editor.lines if line not in headings] == [
        "x = one()",
        "x = two(",
        "    a,",
        ")",
        "x = three",
    ]
    assert len(headings) == 3 and "2 of 3" in headings[1]
    assert [entry["kind"] for entry in editor.log("inlineCompletion")] == [2, 1]
    assert len(editor.log("didShowCompletion")) == 4, "the ghost text, and each in the list"
    editor.type("]]j<CR>")
    editor.wait_until(lambda: editor.log("accept"), "it is counted")
    assert editor.lines == ["x = two(", "    a,", ")"]
    assert (editor.mode, editor.cursor) == ("i", (3, 1)), "writing goes on behind it"
    editor.type("!<Esc>u")
    assert editor.lines == ["x = two(", "    a,", ")"]
    editor.type("u")
    assert editor.lines in (["x = "], [""]), "the suggestion is a step of its own"


def test_nothing_is_taken_into_a_text_that_has_changed(bench: Bench) -> None:
    editor = opened(bench)
    editor.lua("vim.api.nvim_buf_set_lines(vim.fn.bufnr('#'), 0, 0, false, { 'import x' })")
    editor.type("[[<CR>")
    assert editor.lines == ["import x", "x = "]
    assert any("has changed" in notice for notice in editor.notices())
    assert editor.log("accept") == []


def test_a_panel_of_nothing_is_none(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", *THREE))
    editor.type("iy = <Esc>")
    editor.command("CodeAssist panel")
    editor.wait_until(lambda: any("no suggestion here" in line for line in editor.screen(30)), "it is said")
    assert editor.lua("return #vim.api.nvim_list_wins()") == 1
