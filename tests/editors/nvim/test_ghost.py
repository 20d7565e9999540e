"""Suggestions on the screen: they appear, stay while they are typed along, and never outlive the text they fit."""

from __future__ import annotations

import random

import pytest

from .conftest import Bench, rule


def test_it_looks_unlike_text_in_a_terminal_without_true_colours(bench: Bench) -> None:
    """Neovim's own colour scheme gives NonText a colour with 'termguicolors' only."""
    editor = bench.edit("")
    for scheme in ("default", "habamax"):
        editor.command(f"colorscheme {scheme}")
        for group in ("CodeAssistGhost", *(["ComplHint"] if editor.variant.display == "native" else [])):
            look = editor.lua("return vim.api.nvim_get_hl(0, { name = ..., link = false })", group)
            normal = editor.lua("return vim.api.nvim_get_hl(0, { name = 'Normal' })")
            assert look["ctermfg"] != normal.get("ctermfg"), (scheme, group, look)
            assert look["fg"] != normal.get("fg"), "nothing is lost for the others"
    editor.command("highlight ComplHint ctermfg=5 | doautocmd ColorScheme")
    assert editor.lua("return vim.api.nvim_get_hl(0, { name = 'ComplHint' })")["ctermfg"] == 5, "the user's own stays"
    editor.command("highlight clear ComplHint | colorscheme default")


def test_ghost_text_appears_behind_the_cursor_and_the_buffer_stays_as_typed(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.type("ireturn ")
    editor.wait_ghost("a + b")
    assert editor.lines == ["return "]
    (piece,) = editor.pieces()
    assert (piece["row"], piece["col"], piece["pos"]) == (0, 7, "inline")
    assert editor.screen(1) == ["return a + b"]
    (shown,) = editor.log("didShowCompletion")
    assert shown["item"]["insertText"] == "a + b"


def test_several_lines_are_shown_below_the_cursor(bench: Bench) -> None:
    editor = bench.edit("\nafter()\n", rule("if a:", "\n    b()\n    c()"))
    editor.type("iif a:")
    editor.wait_ghost("\n    b()\n    c()")
    assert editor.screen(4) == ["if a:", "    b()", "    c()", "after()"]
    assert editor.lines == ["if a:", "after()"]


def test_typing_along_keeps_the_rest_without_another_request(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.type("ireturn ")
    editor.wait_ghost("a + b")
    asked = editor.num_requests()
    for typed, rest in (("a", " + b"), (" ", "+ b"), ("+", " b")):
        editor.type(typed)
        assert editor.ghost() == rest
    editor.type("<BS><BS>")
    assert editor.ghost() == " + b"
    assert editor.num_requests() == asked
    assert len(editor.log("didShowCompletion")) == 1


def test_typing_along_over_a_line_break(bench: Bench) -> None:
    editor = bench.edit("", rule("if a:", "\n    b()\n    c()"))
    editor.command("setlocal autoindent indentexpr= expandtab shiftwidth=4")
    editor.type("iif a:")
    editor.wait_ghost("\n    b()\n    c()")
    asked = editor.num_requests()
    editor.type("<CR>    ")
    assert editor.ghost() == "b()\n    c()"
    editor.type("b()<CR>")
    assert editor.ghost() == "c()"
    assert editor.num_requests() == asked


def test_typing_something_else_takes_it_away_and_asks_again(bench: Bench) -> None:
    editor = bench.edit("", rule("return x", ".y"), rule("return ", "a + b"))
    editor.type("ireturn ")
    editor.wait_ghost("a + b")
    editor.type("x")
    editor.wait_ghost(".y")
    assert [entry["before"] for entry in editor.log("inlineCompletion")][-1] == "return x"


def test_the_end_of_a_suggestion_asks_for_more(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "ab"), rule("return ab", ".c"))
    editor.type("ireturn ")
    editor.wait_ghost("ab")
    editor.type("ab")
    editor.wait_ghost(".c")


def test_leaving_or_moving_takes_it_away(bench: Bench) -> None:
    editor = bench.edit("one\n", rule("return ", "a + b"))
    for leave in ("<Esc>", "<Up>", "<C-o>k", "<Home>"):
        editor.command("%delete _ | call setline(1, ['one', '', 'three']) | 2")
        editor.type("ireturn ")
        editor.wait_ghost("a + b")
        editor.type(leave)
        editor.ask_server("test.log")
        assert editor.ghost() is None, leave
        editor.type("<Esc>")


def test_insert_mode_is_offered_something_at_once(bench: Bench) -> None:
    editor = bench.edit("return \n", rule("return ", "a"))
    editor.type("A")
    editor.wait_ghost("a")


def test_what_was_asked_while_the_model_was_loading_is_asked_again(bench: Bench) -> None:
    editor = bench.edit("")
    editor.ask_server("test.notify", "didChangeStatus", {"busy": True, "message": "loading", "kind": "Normal"})
    editor.type("ireturn ")
    pending = "return require('codeassist.session').get(vim.api.nvim_get_current_buf()).pending ~= nil"
    editor.wait_until(lambda: not editor.lua(pending), "it has answered, with nothing")
    editor.script(rule("return ", "a + b"))
    assert editor.ghost() is None
    editor.ask_server("test.notify", "didChangeStatus", {"busy": False, "message": "", "kind": "Normal"})
    editor.wait_ghost("a + b")


def test_a_change_elsewhere_takes_it_away(bench: Bench) -> None:
    editor = bench.edit("one\n\nthree\n", rule("return ", "a + b"))
    editor.command("2")
    editor.type("ireturn ")
    editor.wait_ghost("a + b")
    editor.script()
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'zero', 'one' })")
    editor.type("<Ignore>")
    editor.wait_ghost(None)


def test_an_answer_to_an_older_text_is_never_shown(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.ask_server("test.hold")
    editor.type("ireturn ")
    editor.type("xyz")
    editor.ask_server("test.release")
    editor.ask_server("test.log")
    assert editor.ghost() is None
    assert editor.log("didShowCompletion") == []


@pytest.mark.parametrize("leave", ["<Esc>", "<Left>", "<C-o>0"])
def test_an_answer_that_comes_after_leaving_is_never_shown(bench: Bench, leave: str) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.ask_server("test.hold")
    editor.type("ireturn ")
    editor.wait_until(editor.num_requests, "the request has arrived")
    editor.type(leave)
    editor.ask_server("test.release")
    editor.ask_server("test.log")
    assert editor.ghost() is None
    assert editor.log("didShowCompletion") == []


def test_a_superseded_request_is_cancelled(bench: Bench) -> None:
    editor = bench.edit("", rule("return ", "a + b"))
    editor.ask_server("test.hold")
    editor.type("ireturn ")
    editor.type("x")
    editor.type("y")
    editor.wait_until(lambda: len(editor.log("cancelled")) >= 2, "both are cancelled")
    assert {"return ", "return x"} <= {entry["before"] for entry in editor.log("cancelled")}
    editor.ask_server("test.release")


def test_nothing_is_offered_while_somebody_else_completes_or_replays(bench: Bench) -> None:
    editor = bench.edit("returning\n\n", rule("ret", "urn"), rule("n", "!"), rule("g", "?"))
    editor.command("2 | set completeopt=menuone,noinsert | set complete=.")
    editor.type("iret")
    editor.wait_ghost("urn")
    editor.type("<C-n>")
    assert editor.nvim.funcs.pumvisible() == 1
    assert editor.ghost() is None
    editor.type("<C-e><Esc>ccxy<Esc>")
    asked = editor.num_requests()
    editor.type("Rret<Esc>")  # replace mode
    editor.type("cc<Esc>qqAn<Esc>")  # recording
    editor.type("q@q")
    assert editor.lines[1].endswith("nn")
    editor.ask_server("test.log")
    assert editor.ghost() is None
    assert [entry for entry in editor.log("inlineCompletion")[asked:] if entry["before"]] == []


def test_a_prompt_is_no_source(bench: Bench) -> None:
    editor = bench.edit("", rule("ret", "urn"))
    editor.command("new | setlocal buftype=prompt filetype=python | file b.py")
    editor.type("iret")
    assert not editor.attached()
    assert editor.num_requests() == 0
    editor.type("<Esc>")


def test_what_the_suggestion_replaces_is_not_shown_twice(bench: Bench) -> None:
    editor = bench.edit("call()", rule("call(", "a, b)", over=1), rule("call(x", "]", over=1))
    editor.command("call cursor(1, 6)")
    editor.type("i")
    editor.wait_until(lambda: editor.screen(1) == ["call(a, b)"], "the bracket stands once")
    editor.type("x")
    editor.wait_until(lambda: editor.screen(1) == ["call(x]"], "the bracket is hidden")
    assert editor.lines == ["call(x)"]


def test_text_behind_the_cursor_moves_to_the_last_line(bench: Bench) -> None:
    if bench.editor.variant.display == "native":
        pytest.skip("vim.lsp.inline_completion leaves it where it is")
    editor = bench.edit("f(1)", rule("f(", "\n    1,\n    2,\n", back=0))
    editor.command("call cursor(1, 3)")
    editor.type("i")
    editor.wait_until(editor.ghost, "a suggestion")
    assert editor.screen(4) == ["f(", "    1,", "    2,", "1)"]


def test_tabs_are_as_wide_as_in_the_buffer(bench: Bench) -> None:
    if bench.editor.variant.display == "native":
        pytest.skip("vim.lsp.inline_completion shows them its own way")
    editor = bench.edit("", rule("if a {", "\n\tb()\n}"), name="a.go")
    editor.command("setlocal tabstop=4")
    editor.type("iif a {")
    editor.wait_until(editor.ghost, "a suggestion")
    assert editor.screen(3) == ["if a {", "    b()", "}"]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_typed_what_is_shown_fits_the_text(bench: Bench, seed: int) -> None:
    """The server always offers the rest of one known line; nothing else may ever be on the screen."""
    target = "total = sum(x * y for x, y in zip(left, right))"
    rules = [rule(target[:n], target[n:], whole=True) for n in range(len(target))]
    editor = bench.edit("", *rules)
    rng = random.Random(seed)
    print(f"seed {seed}")
    num_shown = 0
    editor.type("i")
    for _ in range(60):
        line = editor.lines[0]
        fits = target.startswith(line) and len(line) < len(target)
        choice = rng.random()
        if fits and choice < 0.6:
            editor.type(target[len(line)].replace("<", "<lt>"))
        elif choice < 0.7:
            editor.type(rng.choice("qwz"))
        elif choice < 0.8:
            editor.lua("require('codeassist').accept_word()")
        elif choice < 0.85:
            editor.type("<Left>")
        else:
            editor.type("<BS>" if fits else "<Esc>cc")
        line, (_, col), shown = editor.lines[0], editor.cursor, editor.ghost()
        if shown is not None:
            num_shown += 1
            assert line[:col] + shown + line[col:] == target, (seed, line, col, shown)
        if rng.random() < 0.3 and target.startswith(line) and col == len(line) and 0 < len(line) < len(target) - 1:
            editor.type("<Esc>A")
            editor.wait_ghost(target[len(line) :])
    assert num_shown > 10
