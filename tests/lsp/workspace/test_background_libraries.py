"""Packages and projects beside a repository, found and followed while an editor works in it. Waits for events."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.libraries import python_packages
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_lsp.workspace import background_libraries
from codeassist_lsp.workspace.workspace import Workspace
from tests.indexer.installed_packages import GEARS, WIDGETS, environment_of, install
from tests.lsp.workspace.test_workspaces import Editor, wait_until

IMPORTS = "from widgets import Widget\nfrom engine import Engine\nfrom gears import Gear\n\n"
APP = f"{IMPORTS}Gear, Engine().start_up\nWidget('a').turn_knob("


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(python_packages, "system_packages", list)
    monkeypatch.setattr(background_libraries, "_REST_S", 0.05)
    monkeypatch.setattr(background_libraries, "_LOOK_S", 0.05)
    made = Editor(tmp_path)
    (made.home / "config.toml").write_text("[context]\ndeadline_ms = 10000\n")
    return made


def shown(workspace: Workspace) -> set[str]:
    retriever = workspace.in_force()
    assert isinstance(retriever, IndexRetriever)
    found = retriever.candidates(CompletionRequest("app.py", APP, "\n")).candidates
    return {each.snippet.library for each in found if each.snippet.library is not None}


def test_packages_and_open_folders_are_followed(editor: Editor, tmp_path: Path) -> None:
    app, engine = tmp_path / "app", tmp_path / "engine"
    for root, path, text in (
        (app, "app.py", APP),
        (engine, "engine/__init__.py", "class Engine:\n    def start_up(self, speed: int) -> None: ...\n"),
    ):
        (root / ".git").mkdir(parents=True)
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    site_packages = environment_of(app)
    install(site_packages, "widgets", "2.1.0", WIDGETS)
    try:
        workspace = editor.open(app / "app.py")
        wait_until(lambda: shown(workspace) == {"widgets 2.1.0"})
        editor.open(engine / "engine" / "__init__.py")
        wait_until(lambda: shown(workspace) == {"widgets 2.1.0", "engine"})
        install(site_packages, "gears", "0.3", GEARS)
        wait_until(lambda: shown(workspace) == {"widgets 2.1.0", "engine", "gears 0.3"})
    finally:
        editor.workspaces.close()
