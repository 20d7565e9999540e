"""One Neovim for each variant and all tests; each test gets an empty one with the scripted server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("pynvim", reason="the extra test-editors is not installed")

from .editor import Editor, variants

if TYPE_CHECKING:
    from .editor import Variant

_VARIANTS = variants()
_NUMBER = itertools.count(1)


@pytest.fixture(scope="session", params=_VARIANTS or [None], ids=str)
def variant(request: pytest.FixtureRequest) -> Variant:
    if request.param is None:
        pytest.skip("no Neovim 0.10 or newer: install the extra test-editors")
    return request.param


@pytest.fixture(scope="session")
def shared(variant: Variant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(variant, tmp_path_factory.mktemp("nvim"))
    yield editor
    editor.close()


def rule(before: str, *texts: str, back: int = 0, over: int = 0, whole: bool = False) -> dict[str, Any]:
    """Where the text before the cursor ends with `before` (`whole`: where it is the line), the server offers these
    texts; each replaces the `back` characters before the cursor and the `over` after it."""
    return {"before": before, "whole": whole, "items": [{"text": text, "back": back, "over": over} for text in texts]}


class Bench:
    """A Neovim and a repository in which a test edits one file."""

    def __init__(self, editor: Editor, repository: Path) -> None:
        self.editor, self.repository = editor, repository

    def edit(self, text: str | bytes = "", *rules: dict[str, Any], name: str = "a.py") -> Editor:
        """Open a file with this text; the server answers by these rules."""
        self.editor.open(self.repository / name, text)
        self.editor.script(*rules)
        return self.editor


def _fresh(editor: Editor) -> None:
    editor.type("<C-\\><C-n>")
    editor.command("silent! %bwipeout! | silent! only!")
    editor.lua("_G.notices = {} vim.v.errmsg = '' vim.fn.setreg('q', '')")
    editor.command("messages clear")


@pytest.fixture
def bench(shared: Editor, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / ".git").mkdir()
    _fresh(shared)
    assert shared.setup()
    yield Bench(shared, tmp_path)
    assert shared.lua("return vim.v.errmsg") == "", shared.command("messages")


@pytest.fixture
def own(variant: Variant, tmp_path: Path) -> Iterator[Editor]:
    """A Neovim of the test's own, in which nothing is set up yet."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    editor = Editor(variant, tmp_path / "n")
    yield editor
    editor.close()
