"""Two Neovims whose plugin has `shared = true`: one `codeassist serve --shared` with a tiny model behind both."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeassist_lsp.sharing.server_client import servers
from tests.end_to_end.conftest import MAIN, Program, tiny_model

from .editor import Editor, one_for_each_display
from .test_served import SHAPES, ready, with_environment

__all__ = ["tiny_model"]

TEXT = "from src import shapes\n\n\ndef show(points):\n    shapes.\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program found is a shell script")


@pytest.fixture
def program(tmp_path: Path, tiny_model: Path) -> Iterator[Program]:
    """A repository, and `codeassist` in a virtual environment's place, where the plugin looks for it."""
    made = Program(tmp_path / "home", tmp_path / "repository", tiny_model)
    made.configure(tiny_model)
    (made.root / ".git").mkdir(parents=True)
    made.write("src/shapes.py", SHAPES)
    script = tmp_path / "venv" / "bin" / "codeassist"
    script.parent.mkdir(parents=True)
    command = with_environment(made, sys.executable, "-c", MAIN)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o755)
    yield made
    made.run("stop")


def window(program: Program, number: int) -> Editor:
    """A Neovim of its own that edits a file of its own."""
    editor = Editor(one_for_each_display()[0], program.home.parent / f"n{number}")
    options = {
        "venv": str(program.home.parent / "venv"),
        "shared": True,
        "display": editor.variant.display,
        "settings": {"editor": {"debounce_ms": 0, "min_confidence": 0}},  # a random model is sure of nothing
    }
    assert editor.lua("return require('codeassist').setup(...)", options)
    editor.open(program.root / "src" / f"app{number}.py", TEXT)
    editor.command("normal! G")
    return editor


def test_two_neovims_share_one_server(program: Program) -> None:
    if not one_for_each_display():
        pytest.skip("no Neovim 0.10 or newer: install the extra test-editors")
    first = window(program, 1)
    second = window(program, 2)
    try:
        for each in (first, second):
            ready(each)
            each.type("A")
            each.wait_until(each.ghost, "a suggestion")
        [server] = servers(program.home / "cache" / "run")
        assert server.address.shared is not None
        status = second.ask_server("codeassist.status")
        assert status["pid"] == first.ask_server("codeassist.status")["pid"] == server.address.pid
        pids = {each.lua("return vim.fn.getpid()") for each in (first, second)}
        assert {editor["pid"] for editor in status["editors"]} == pids and status["documents"] == 2

        first.close()
        second.wait_until(
            lambda: len(second.ask_server("codeassist.status")["editors"]) == 1, "the server notices who has left"
        )
        second.type("<Tab><Esc>")
        line = second.lines[TEXT.count("\n") - 1]
        assert line.startswith("    shapes.") and len(line) > len("    shapes."), line
        second.command("checkhealth codeassist")
        assert "ERROR" not in "\n".join(second.lines)
    finally:
        first.close()
        second.close()
