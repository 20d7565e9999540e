"""The next edit on the screen: drawn where it is, gone to and taken by a key, listed for other files."""

from __future__ import annotations

import pytest

from .conftest import Bench
from .editor import Editor, variants

FAR = "x = 1\n" * 60


@pytest.fixture(autouse=True)
def oldest_and_newest(shared: Editor) -> None:
    """No display of suggestions is in this: what Neovims differ in is."""
    if shared.variant not in (variants()[0], variants()[-1]):
        pytest.skip("tested with another Neovim")


@pytest.fixture
def calls(bench: Bench) -> Editor:
    """Three calls, the first renamed: the cursor stands there in normal mode, the next edit is drawn."""
    editor = bench.edit("old(1)\n\told(2)\nz = old(3)  # é\n")
    editor.ask_server("test.edits", [])
    rename(editor)
    wait_drawn(editor, [(1, "new")])
    return editor


def rename(editor: Editor) -> None:
    """Change the name at the cursor."""
    editor.type("cwnew<Esc>")


def marks(editor: Editor) -> list[dict[str, object]]:
    """What is drawn of a next edit."""
    code = """
        local id = vim.api.nvim_get_namespaces()["codeassist.edits"]
        local found = {}
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, id, 0, -1, { details = true })) do
          local details = mark[4]
          local lines = vim.tbl_map(function(line) return line[1][1] end, details.virt_lines or {})
          found[#found + 1] = { row = mark[2], col = mark[3], end_col = details.end_col, group = details.hl_group,
            text = details.virt_text and details.virt_text[1][1], pos = details.virt_text_pos, lines = lines }
        end
        return found"""
    return editor.lua(code)


def drawn(editor: Editor) -> list[tuple[int, str]]:
    """The row and the text of what would come."""
    comes = [(mark["row"], mark["text"]) for mark in marks(editor) if mark.get("pos") == "inline"]
    return comes + [(mark["row"], line) for mark in marks(editor) for line in mark["lines"]]


def hints(editor: Editor) -> list[str]:
    return [str(mark["text"]) for mark in marks(editor) if mark.get("pos") == "eol"]


def wait_drawn(editor: Editor, expected: list[tuple[int, str]]) -> None:
    editor.wait_until(lambda: drawn(editor) == expected, f"{expected}, but {drawn(editor)} {hints(editor)}")


def said(editor: Editor) -> str:
    """The message line."""
    return editor.screen(30)[-1]


def gone(editor: Editor) -> list[tuple[object, object, object]]:
    """What would go: row, first and last byte."""
    return [
        (mark["row"], mark["col"], mark["end_col"])
        for mark in marks(editor)
        if mark.get("group") == "CodeAssistEditOld"
    ]


def test_an_edit_in_sight_is_drawn_and_taken_one_after_the_other(calls: Editor) -> None:
    assert gone(calls) == [(1, 1, 4)] and calls.lines[1] == "\told(2)", "nothing but drawn"
    assert hints(calls) == ["  Tab: take · `old` is `new` now"]
    calls.type("<Tab>")
    assert calls.lines == ["new(1)", "\tnew(2)", "z = old(3)  # é"] and calls.cursor == (1, 2), "no jump"
    wait_drawn(calls, [(2, "new")])
    calls.type("<Tab>")
    assert calls.lines[2] == "z = new(3)  # é"
    calls.ask_server("test.log")
    assert marks(calls) == []
    log = [entry["method"] for entry in calls.log() if "Edit" in entry["method"]]
    assert log.count("acceptEdit") == 2 and log.count("didShowInlineEdit") == 2 and "didJumpToEdit" not in log
    assert "new(2)" in str(calls.log("acceptEdit")[0]["texts"]), "the server has the text before it hears of it"
    calls.type("u")
    assert calls.lines == ["new(1)", "\tnew(2)", "z = old(3)  # é"], "one undo step each"
    calls.type("u")
    assert calls.lines == ["new(1)", "\told(2)", "z = old(3)  # é"]


def test_lines_that_come_and_go(bench: Bench) -> None:
    editor = bench.edit("old(1)\nold(2)  # twice\nold(3)  # drop\nlast\n")
    rename(editor)
    wait_drawn(editor, [(1, "new(2)  # twice"), (1, "new(2)  # twice")])
    assert gone(editor) == [(1, 0, 15)]
    editor.type("<Tab>")
    editor.wait_until(lambda: gone(editor) == [(3, 0, 14)], "the line that goes is struck through")
    editor.type("<Tab>")
    assert editor.lines == ["new(1)", "new(2)  # twice", "new(2)  # twice", "last"]


def test_far_away_tab_goes_and_tab_again_takes(bench: Bench) -> None:
    editor = bench.edit(f"old(1)\n{FAR}old(2)\n")
    rename(editor)
    editor.wait_until(lambda: hints(editor) == ["  Tab: go to line 62"], "the hint")
    assert drawn(editor) == [] and editor.cursor == (1, 2), "never a jump that nobody asked for"
    editor.type("<Tab>")
    assert editor.cursor[0] == 62 and editor.lines[61] == "old(2)"
    wait_drawn(editor, [(61, "new")])
    assert len(editor.log("didJumpToEdit")) == 1
    editor.type("<Tab>")
    assert editor.lines[61] == "new(2)"
    editor.type("<C-o>")
    assert editor.cursor[0] == 1, "the jump list leads back"


def test_escape_turns_it_down_for_good(calls: Editor) -> None:
    calls.type("<Esc>")
    assert marks(calls) == []
    assert [entry["id"] for entry in calls.log("dismissEdit")] == ["a.py:old(2)"]
    calls.type("Go<Esc>gg")
    wait_drawn(calls, [(2, "new")])
    calls.type("<Esc><Esc>")
    assert calls.log("dismissEdit")[-1]["id"] == "a.py:z = old(3)  # é"


def test_keys_do_what_they_did_where_nothing_is_offered(bench: Bench) -> None:
    editor = bench.edit("one\ntwo\n")
    editor.command("setlocal expandtab shiftwidth=4")
    editor.type("i<Tab>x<Esc>")
    assert editor.lines[0] == "    xone"
    editor.type("gg0G<C-o>")
    assert editor.cursor[0] == 1
    editor.type("<Tab>")
    assert editor.cursor[0] == 2, "<Tab> is <C-i>: forward in the jump list"
    editor.command("lua _G.pressed = 0; vim.keymap.set('n', '<Esc>', function() _G.pressed = _G.pressed + 1 end)")
    editor.setup()
    editor.type("<Esc>")
    assert editor.lua("return _G.pressed") == 1, "a mapping of the user's own"
    editor.command("nunmap <Esc>")
    editor.setup()


def test_insert_mode_has_the_same_keys(calls: Editor) -> None:
    calls.type("i")
    assert drawn(calls) == [(1, "new")], "it stays while nothing is typed"
    calls.type("<Tab>")
    assert calls.lines[1] == "\tnew(2)" and calls.mode == "i"
    wait_drawn(calls, [(2, "new")])
    calls.type("<C-]>")
    assert marks(calls) == [] and len(calls.log("dismissEdit")) == 1
    calls.type("x<Tab>")
    assert calls.lines[0] != "new(1)" and calls.lines[2] == "z = old(3)  # é"


def test_typing_takes_it_away_and_nothing_outdated_is_applied(calls: Editor) -> None:
    calls.type("Ox")
    assert marks(calls) == []
    calls.type("<Esc>")
    wait_drawn(calls, [(2, "new")])
    others_change = "vim.api.nvim_buf_set_lines(0, 2, 3, true, { 'other' })"
    assert calls.lua(f"{others_change} return require('codeassist.edits').go_or_take()") is False
    assert calls.lines[2] == "other" and "\told(2)" not in calls.lines
    wait_drawn(calls, [(3, "new")])


def test_a_read_only_buffer_is_not_asked_about(calls: Editor) -> None:
    calls.command("setlocal readonly | setlocal nomodifiable")
    calls.type("<Tab>")
    assert calls.lines[1] == "\told(2)"
    asked = len(calls.log("copilotInlineEdit"))
    calls.lua("require('codeassist.edits').ask()")
    assert len(calls.log("copilotInlineEdit")) == asked
    calls.command("setlocal modifiable noreadonly")


def test_why_nothing_comes_is_said_to_who_asks(bench: Bench) -> None:
    editor = bench.edit("x = 1\n")
    editor.command("CodeAssist edit")
    editor.wait_until(lambda: "nothing seems to be missing" in said(editor), "the reason")
    assert editor.log("copilotInlineEdit")[-1]["kind"] == 1


def others(bench: Bench, editor: Editor) -> None:
    editor.command("call setqflist([], 'f')")
    for name, text in {"b.py": "old(7)\nold(8)\n", "c.py": "x = 1\nold(9)\n"}.items():
        (bench.repository / name).write_text(text)
    editor.ask_server("test.edits", [(bench.repository / name).as_uri() for name in ("b.py", "c.py")])


def test_other_files_are_listed_and_each_looked_at(bench: Bench) -> None:
    editor = bench.edit("old(1)\nold(2)\n")
    others(bench, editor)
    rename(editor)
    wait_drawn(editor, [(1, "new")])
    editor.type("<Tab>")
    expected = "3 more places in 2 files (:CodeAssist edits)"
    editor.wait_until(lambda: expected in said(editor), expected)
    assert editor.nvim.current.buffer.name.endswith("a.py"), "said, not gone to"
    editor.command("CodeAssist edits")
    quickfix = "return vim.tbl_map(function(each) return { each.lnum, each.text } end, vim.fn.getqflist())"
    items = [[row, f"new({number})  (`old` is `new` now)"] for row, number in ((1, 7), (2, 8), (2, 9))]
    editor.wait_until(lambda: editor.lua(quickfix) == items, "the list")
    editor.command("cc 2")
    wait_drawn(editor, [(1, "new")])
    assert editor.lines == ["old(7)", "old(8)"]
    editor.type("<Tab>")
    assert editor.lines == ["old(7)", "new(8)"]
    editor.command("cc 3")
    wait_drawn(editor, [(1, "new")])
    editor.type("<Esc>")
    assert editor.lines == ["x = 1", "old(9)"]
    editor.command("silent! cclose")


def test_all_listed_places_are_taken_at_once_when_the_user_says_so(bench: Bench) -> None:
    editor = bench.edit("old(1)\n")
    others(bench, editor)
    rename(editor)
    editor.ask_server("test.log")
    editor.command("CodeAssist edits")
    editor.wait_until(lambda: editor.lua("return #vim.fn.getqflist()") == 3, "the list")
    (bench.repository / "c.py").write_text("changed on disk\n")
    editor.command("CodeAssist edits all")
    assert "took 2; 1 did not fit any more" in editor.notices()[-1]
    editor.command("silent! cclose")
    editor.command(f"buffer {bench.repository / 'b.py'}")
    assert editor.lines == ["new(7)", "new(8)"] and (bench.repository / "b.py").read_text() == "old(7)\nold(8)\n"
    editor.type("u")
    assert editor.lines == ["old(7)", "old(8)"], "one undo step"
    editor.command("set nomodified")
