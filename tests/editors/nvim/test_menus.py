"""Completion menus that are not Neovim's own: nvim-cmp and blink.cmp, as their documents say that a source is used.

Neither is here: a stand-in calls the source as they do, and says when its menu opens and closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Bench, rule
from .editor import Editor

_CMP = """
local heard, sources = {}, {}
package.loaded["cmp"] = {
  event = { on = function(_, name, react) heard[name] = heard[name] or {} table.insert(heard[name], react) end },
  emit = function(name) for _, react in ipairs(heard[name] or {}) do react({}) end end,
  register_source = function(name, source) sources[name] = source end,
  get_config = function() return { sources = { { name = "codeassist" } } } end,
  sources = sources,
}
"""
_ASK = {
    "cmp": """
        local source = package.loaded["cmp"].sources.codeassist
        assert(source:is_available() and source:get_position_encoding_kind() == "utf-16")
        _G.listed = nil
        source:complete({ context = { bufnr = vim.api.nvim_get_current_buf() } }, function(response)
          assert(response.isIncomplete)
          _G.listed = response.items
        end)""",
    "blink": """
        _G.source = _G.source or require("codeassist.menus.blink").new({}, {})
        assert(_G.source:enabled())
        _G.listed = nil
        _G.cancel = _G.source:get_completions({ bufnr = vim.api.nvim_get_current_buf() }, function(response)
          assert(response.is_incomplete_forward and response.is_incomplete_backward)
          _G.listed = response.items
        end)""",
}
_ACCEPT = {
    "cmp": """
        local item = vim.deepcopy(_G.listed[1])
        vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), "utf-16")
        package.loaded["cmp"].sources.codeassist:execute(item, function(done) _G.done = done ~= nil end)""",
    "blink": """
        local item = vim.deepcopy(_G.listed[1])
        _G.source:execute({}, item, function() _G.done = true end, function()
          vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), "utf-8")
        end)""",
}


@pytest.fixture(params=["cmp", "blink"])
def menu(request: pytest.FixtureRequest, bench: Bench) -> Iterator[str]:
    if request.param == "cmp":
        bench.editor.lua(_CMP)
        assert bench.editor.setup()
    yield request.param
    bench.editor.lua("package.loaded['cmp'], _G.source = nil, nil")


def listed(editor: Editor, menu: str) -> list[dict[str, Any]]:
    editor.lua(_ASK[menu])
    editor.wait_until(lambda: editor.lua("return _G.listed ~= nil"), "the source has answered")
    return editor.lua("return _G.listed")


def opened(editor: Editor, menu: str, is_open: bool) -> None:
    if menu == "cmp":
        editor.lua("package.loaded['cmp'].emit(...)", "menu_opened" if is_open else "menu_closed")
    else:
        editor.command(f"doautocmd User BlinkCmpMenu{'Open' if is_open else 'Close'}")


def test_a_suggestion_is_listed_taken_and_counted(bench: Bench, menu: str) -> None:
    editor = bench.edit("é = 1\n", rule("re", "turn sum(\n    points)"))
    editor.type("ore")
    editor.wait_ghost("turn sum(\n    points)")
    [item] = listed(editor, menu)
    assert item["label"] == "return sum(" and item["textEdit"]["newText"] == "return sum(\n    points)"
    assert item["textEdit"]["range"]["start"] == {"line": 1, "character": 0}
    assert "return sum(\n    points)" in item["documentation"]["value"]
    assert editor.num_requests() == 1, "what is shown already is not asked again"
    opened(editor, menu, True)
    assert editor.ghost() is None
    editor.lua(_ACCEPT[menu])
    assert editor.lines == ["é = 1", "return sum(", "    points)"]
    (accepted,) = editor.log("accept")
    assert accepted["texts"] == ["é = 1\nreturn sum(\n    points)\n"] and editor.lua("return _G.done")
    opened(editor, menu, False)


def test_the_question_of_a_menu_outlives_the_menu_that_opens_meanwhile(bench: Bench, menu: str) -> None:
    editor = bench.edit("", rule("x = f(", "a)", over=1))
    editor.ask_server("test.hold")
    editor.type("ix = f()<Left>")
    editor.lua(_ASK[menu])
    editor.wait_until(lambda: editor.log("inlineCompletion"), "it has been asked")
    opened(editor, menu, True)
    editor.ask_server("test.release")
    editor.wait_until(lambda: editor.lua("return _G.listed ~= nil"), "the source has answered")
    [item] = editor.lua("return _G.listed")
    assert (item["label"], item["textEdit"]["newText"]) == ("a)", "a)")
    ends = [item["textEdit"]["range"][end]["character"] for end in ("start", "end")]
    assert ends == [6, 7] and editor.ghost() is None, "it takes the bracket's place, and is in the menu only"
    opened(editor, menu, False)
    editor.wait_ghost("a")
    assert editor.log("cancelled") == []


def test_nothing_is_listed_once_something_else_is_typed(bench: Bench, menu: str) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.ask_server("test.hold")
    editor.type("ix = ")
    editor.lua(_ASK[menu])
    editor.type("y")
    editor.wait_until(lambda: editor.lua("return _G.listed ~= nil"), "the source has answered")
    assert editor.lua("return #_G.listed") == 0
    editor.ask_server("test.release")


def test_further_lines_are_labelled_by_what_they_follow(bench: Bench, menu: str) -> None:
    editor = bench.edit("", rule("points):", "\n    return 1"))
    editor.type("idef area(points):")
    editor.wait_ghost("\n    return 1")
    [item] = listed(editor, menu)
    assert item["label"] == "area(points):" and item["textEdit"]["newText"] == "area(points):\n    return 1"
    assert item["textEdit"]["range"]["start"]["character"] == 4


def test_checkhealth_knows_the_menus(bench: Bench, menu: str) -> None:
    editor = bench.edit("")
    if menu == "blink":
        editor.lua("package.loaded['blink.cmp.config'] = { sources = { providers = {} } }")
    editor.command("checkhealth codeassist")
    report = "\n".join(editor.lines)
    editor.lua("package.loaded['blink.cmp.config'] = nil")
    if menu == "cmp":
        assert "nvim-cmp lists suggestions, too" in report
    else:
        assert "blink.cmp does not list them" in report
