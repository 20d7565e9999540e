"""Accepting all, a word or a line: the text, the undo steps, what the server hears."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Bench, rule
from .editor import Editor, Variant, variants


def test_tab_accepts_all_and_undo_takes_exactly_that_back(bench: Bench) -> None:
    editor = bench.edit("first\n", rule("if a:", "\n    b()\n    c()"))
    editor.type("oif a:")
    editor.wait_ghost("\n    b()\n    c()")
    editor.type("<Tab>")
    assert editor.lines == ["first", "if a:", "    b()", "    c()"]
    assert editor.cursor == (4, 7)
    assert editor.ghost() is None
    editor.type("  # x<Esc>")
    assert editor.lines[-1] == "    c()  # x"
    editor.type("u")
    assert editor.lines == ["first", "if a:", "    b()", "    c()"]
    editor.type("u")
    assert editor.lines == ["first", "if a:"]
    editor.type("u")
    assert editor.lines == ["first"]
    editor.type("<C-r><C-r>")
    assert editor.lines == ["first", "if a:", "    b()", "    c()"]


def test_the_server_hears_of_it_after_it_has_the_text(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.type("ireturn ")
    editor.wait_ghost("a + b")
    editor.type("<Tab>")
    (accepted,) = editor.log("accept")
    (shown,) = editor.log("didShowCompletion")
    assert [accepted["item"]] == shown["item"]["command"]["arguments"]
    assert accepted["texts"] == ["return a + b\n"]


def test_word_by_word_line_by_line(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "né(😀, 1)\n  then.more"))
    editor.type("ix = ")
    editor.wait_ghost("né(😀, 1)\n  then.more")
    editor.type("<M-Right>")
    assert (editor.lines, editor.ghost()) == (["x = né"], "(😀, 1)\n  then.more")
    editor.type("<M-Right>")
    assert editor.lines[0].startswith("x = né(")
    editor.type("<M-C-Right>")
    assert (editor.lines, editor.ghost()) == (["x = né(😀, 1)"], "\n  then.more")
    editor.type("<M-C-Right>")
    assert (editor.lines, editor.ghost()) == (["x = né(😀, 1)", "  then.more"], None)
    parts = editor.log("didPartiallyAcceptCompletion")
    assert parts[0]["acceptedLength"] == 2
    assert parts[-1]["acceptedLength"] == utf16("né(😀, 1)")
    assert len(editor.log("accept")) == 1
    editor.type("<Esc>u")
    assert editor.lines == ["x = né(😀, 1)"]
    editor.type("uuu")
    assert editor.lines == ["x = "]


def test_several_lines_or_words_at_once(bench: Bench) -> None:
    editor = bench.edit("", rule("def f", "():\n    a = 1\n    b = 2\n    return a"))
    editor.type("idef f")
    editor.wait_ghost("():\n    a = 1\n    b = 2\n    return a")
    assert editor.lua("return require('codeassist').accept_line(2)") is True
    editor.wait_until(lambda: editor.lines == ["def f():", "    a = 1"], "two lines")
    editor.lua("return require('codeassist').accept_word(3)")
    editor.wait_until(lambda: editor.lines == ["def f():", "    a = 1", "    b = 2"], "three words")
    assert editor.ghost() == "\n    return a"
    editor.lua("return require('codeassist').accept_line(9)")
    editor.wait_until(lambda: editor.log("accept"), "all of it")
    assert editor.lines[-1] == "    return a"
    told = [entry["acceptedLength"] for entry in editor.log("didPartiallyAcceptCompletion")]
    assert told == [13, 23]


def test_what_the_item_replaces_is_replaced(bench: Bench) -> None:
    editor = bench.edit("call(fo) + 1", rule("call(fo", "foo, bar)", back=2, over=1))
    editor.command("call cursor(1, 8)")
    editor.type("i")
    editor.wait_until(lambda: editor.screen(1) == ["call(foo, bar) + 1"], "the suggestion")
    editor.type("<M-Right>")
    assert editor.lines == ["call(foo) + 1"]
    editor.type("<Tab>")
    assert editor.lines == ["call(foo, bar) + 1"]
    assert editor.cursor == (1, 14)
    editor.type("<Esc>uu")
    assert editor.lines == ["call(fo) + 1"]


def test_the_rest_of_a_word_is_replaced(bench: Bench) -> None:
    editor = bench.edit("def get_balance(self):", rule("def get_", "balance_of", over=7))
    editor.command("call cursor(1, 9)")
    editor.type("i")
    editor.wait_until(lambda: editor.screen(1) == ["def get_balance_of(self):"], "the suggestion")
    editor.type("<Tab>")
    assert editor.lines == ["def get_balance_of(self):"]


def test_next_and_previous_ask_for_alternatives_once(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one", "two", "three"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    assert editor.count() is None
    editor.type("<M-]>")
    editor.wait_ghost("two")
    assert editor.count() == " (2/3)"
    editor.type("<M-]>")
    editor.wait_ghost("three")
    editor.type("<M-]>")
    editor.wait_ghost("one")
    editor.type("<M-[>")
    editor.wait_ghost("three")
    assert [entry["kind"] for entry in editor.log("inlineCompletion")] == [*[2] * (editor.num_requests() - 1), 1]
    assert [entry["item"]["insertText"] for entry in editor.log("didShowCompletion")] == ["one", "two", "three"]
    editor.type("<Tab>")
    assert editor.lines == ["x = three"]
    (accepted,) = editor.log("accept")
    assert [accepted["item"]] == editor.log("didShowCompletion")[-1]["item"]["command"]["arguments"]


def test_next_asks_where_nothing_is_shown(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    editor.type("<C-]>")
    assert editor.ghost() is None
    editor.type("<M-]>")
    editor.wait_ghost("one")
    assert editor.log("inlineCompletion")[-1]["kind"] == 1


def test_dismissed_means_gone_until_the_next_key(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"), rule("x = o", "ther"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    asked = editor.num_requests()
    editor.type("<C-]>")
    assert (editor.ghost(), editor.lines, editor.num_requests()) == (None, ["x = "], asked)
    editor.type("<Tab>")
    assert "one" not in editor.lines[0]
    editor.type("<BS>o")
    editor.wait_ghost("ther")


def test_without_a_suggestion_keys_do_what_they_did(bench: Bench) -> None:
    editor = bench.edit("")
    editor.command("set expandtab softtabstop=0 shiftwidth=4 tabstop=4")
    editor.type("ia<Tab>b")
    assert editor.lines == ["a   b"]
    assert editor.lua("return require('codeassist').accept()") is False


@pytest.mark.parametrize(
    "former",
    [
        "vim.keymap.set('i', '<C-l>', 'former')",
        "vim.keymap.set('i', '<C-l>', function() return 'for' .. 'mer' end, { expr = true })",
        "vim.keymap.set('i', '<C-l>', function() vim.api.nvim_put({ 'former' }, 'c', true, true) end)",
        "vim.cmd([[inoremap <expr> <C-l> 'for' .. 'mer']])",
        "vim.keymap.set('i', 'FORM', 'former') vim.keymap.set('i', '<C-l>', 'FORM', { remap = true })",
    ],
)
def test_without_a_suggestion_a_key_does_what_it_was_mapped_to(bench: Bench, former: str) -> None:
    editor = bench.editor
    editor.lua(former)
    editor.setup(keys={"accept": "<C-l>"})
    editor = bench.edit("", rule("x = ", "one"))
    editor.type("i<C-l>")
    assert editor.lines == ["former"]
    editor.type("<C-u>x = ")
    editor.wait_ghost("one")
    editor.type("<C-l>")
    assert editor.lines == ["x = one"]
    editor.setup()
    editor.type("<C-u><C-l>")
    assert editor.lines == ["former"]
    editor.command("iunmap <C-l>")


def test_public_functions_serve_mappings_of_ones_own(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one two"))
    editor.lua("""
        vim.keymap.set("i", "<C-g>x", function()
          if not require("codeassist").accept() then return "nothing" end
        end, { expr = true })
        vim.keymap.set("i", "<C-g>w", function() require("codeassist").accept_word() end)""")
    editor.type("ix = ")
    editor.wait_ghost("one two")
    assert editor.lua("return require('codeassist').visible()") is True
    editor.type("<C-g>w")
    assert (editor.lines, editor.ghost()) == (["x = one"], " two")
    editor.type("<C-g>x")
    assert editor.lines == ["x = one two"]
    editor.type("<C-g>x")
    assert editor.lines == ["x = one twonothing"]
    editor.command("iunmap <C-g>x|iunmap <C-g>w")


def check_columns(editor: Editor, units: Callable[[str], int]) -> None:
    text = "s = '😀e\u0301漢 ("
    editor.command(f"call cursor(1, {len(text.encode()) + 1})")
    editor.type("i")
    editor.wait_until(editor.ghost, "a suggestion")
    (asked,) = editor.log("inlineCompletion")
    assert (asked["before"], asked["character"]) == (text, units(text))
    editor.type("<Tab>")
    assert editor.lines == [text + "x', y)' + '🎉'"]
    editor.type("z")
    assert editor.lines == [text + "x', y)z' + '🎉'"]


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


COLUMNS = "s = '😀e\u0301漢 ()' + '🎉'\n"
COLUMNS_RULE = rule("漢 (", "x', y)", over=1)


def test_columns_behind_emoji_combining_marks_and_cjk(bench: Bench) -> None:
    check_columns(bench.edit(COLUMNS, COLUMNS_RULE), utf16)


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", lambda text: len(text.encode())), ("utf-32", len)])
def test_columns_in_other_units(own: Editor, encoding: str, units: Callable[[str], int]) -> None:
    if own.variant != variants()[0]:
        pytest.skip("columns are converted before anything is displayed")
    own.server = [*own.server, "--encoding", encoding]
    own.setup()
    own.open(own.folder.parent / "repository" / "a.py", COLUMNS)
    own.script(COLUMNS_RULE)
    check_columns(own, units)


def test_windows_line_ends_stay(bench: Bench) -> None:
    editor = bench.edit(b"one\r\ntwo\r\n", rule("if a:", "\r\n    b()\r\n    c()"))
    assert editor.nvim.options["fileformats"] and editor.lua("return vim.bo.fileformat") == "dos"
    editor.type("oif a:")
    editor.wait_ghost("\n    b()\n    c()")
    editor.type("<M-C-Right>")
    assert editor.log("didPartiallyAcceptCompletion")[-1]["acceptedLength"] == len("\r\n    b()")
    editor.type("<Tab>")
    assert editor.lines == ["one", "if a:", "    b()", "    c()", "two"]
    assert editor.log("accept")[-1]["texts"] == ["one\r\nif a:\r\n    b()\r\n    c()\r\ntwo\r\n"]
    editor.command("stopinsert | silent write")
    assert Path(editor.nvim.current.buffer.name).read_bytes() == b"one\r\nif a:\r\n    b()\r\n    c()\r\ntwo\r\n"


def test_neovims_own_function_accepts_what_is_shown(bench: Bench, variant: Variant) -> None:
    if variant.display != "native":
        pytest.skip("only where vim.lsp.inline_completion shows it")
    editor = bench.edit("", rule("x = ", "one two"), rule("x = (", "a)", over=1))
    editor.type("ix = ")
    editor.wait_ghost("one two")
    editor.type("one")
    assert editor.lua("return vim.lsp.inline_completion.get()") is True
    editor.wait_until(lambda: editor.lines == ["x = one two"], "the text is there")
    assert len(editor.log("accept")) == 1


def test_where_neovims_display_is_switched_off_nothing_unseen_is_accepted(bench: Bench, variant: Variant) -> None:
    if variant.display != "native":
        pytest.skip("only where vim.lsp.inline_completion shows it")
    editor = bench.edit("", rule("x = ", "one"), rule("x =", " one"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    editor.lua("vim.lsp.inline_completion.enable(false, { bufnr = 0 })")
    editor.type("<Tab>")
    assert "one" not in editor.lines[0]
    editor.lua("vim.lsp.inline_completion.enable(true, { bufnr = 0 })")
    editor.type("<C-u>x = ")
    editor.wait_ghost("one")
