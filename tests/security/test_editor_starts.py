"""Every place where an editor's plugin starts a process or runs a file is known, and none begins in the workspace.

Behaviour is tested where it happens: `tests/editors/nvim/test_plugin.py` and the unit and workbench tests of the VS
Code extension. Here nobody adds another place without a look.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "editor-plugins"
SOURCES = {
    "vscode": sorted((PLUGINS / "vscode" / "src").rglob("*.ts")),
    "nvim": sorted([*(PLUGINS / "nvim").rglob("*.lua"), *(PLUGINS / "nvim").rglob("*.vim")]),
}
STARTS = {
    "vscode": re.compile(
        r"node:child_process|node:worker_threads|node:vm\b|new LanguageClient\(|\bspawn\(|\bexecFile|\bfork\("
        r"|createTerminal|sendText|ShellExecution|ProcessExecution|registerTaskProvider|executeTask|openExternal"
        r"|\brequire\(|\bimport\(|\beval\(|new Function\("
    ),
    "nvim": re.compile(
        r"vim\.system|jobstart|termopen|vim\.lsp\.start|vim\.lsp\.rpc|uv\.spawn|loop\.spawn|io\.popen|os\.execute"
        r"|vim\.fn\.system|vim\.fn\.systemlist|dofile|loadfile|\bload\(|loadstring|luafile|vim\.cmd\.source|vim\.secure"
        r"|[\"' ]!%?\w|exrc"
    ),
}
KNOWN = {
    # `run`: an absolute path, no shell, in the folder that the caller says: see the next test.
    "vscode/src/processes.ts": {"node:child_process", "spawn("},
    "vscode/src/server.ts": {"new LanguageClient("},
    "nvim/lua/codeassist/client.lua": {"vim.lsp.start"},
    "nvim/lua/codeassist/health.lua": {"vim.system"},
}


def code_of(file: Path) -> str:
    """The file without comments, which name what the code does not do."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".lua":
        return re.sub(r"--[^\n]*", "", text)
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("plugin", SOURCES)
def test_every_start_is_known(plugin: str) -> None:
    assert len(SOURCES[plugin]) > 5
    found = {}
    for file in SOURCES[plugin]:
        starts = set(STARTS[plugin].findall(code_of(file)))
        if starts:
            found[file.relative_to(PLUGINS).as_posix()] = starts
    assert found == {path: starts for path, starts in KNOWN.items() if path.startswith(plugin)}


def test_vs_code_starts_everything_in_the_extensions_own_folder() -> None:
    folders: list[str] = []
    for file in SOURCES["vscode"]:
        code = code_of(file)
        folders += re.findall(r"\bcwd: ([^,}]+)", code)
        assert not re.search(r"shell: (?!false)", code), file
        calls = re.findall(r"(?<!function )\brun\((?:[^(){}]|\{[^{}]*\})*?, (\w+), log", code)
        assert set(calls) <= {"folder"} and len(calls) == len(re.findall(r"(?<!function )\brun\(", code)), file
        if calls:
            assert "const folder = await ownFolder(context)" in code, file
    assert sorted(folder.strip() for folder in folders) == ["await ownFolder(this.context)", "folder"]


def test_neovim_starts_everything_in_the_plugins_own_folder() -> None:
    for path in ("client", "health"):
        code = code_of(PLUGINS / "nvim" / "lua" / "codeassist" / f"{path}.lua")
        assert re.search(r'\b(?:cmd_)?cwd = (?:program|require\("codeassist\.program"\))\.folder\(\)', code), path


def test_neovim_reads_no_file_of_the_repository() -> None:
    """Options come from `setup` alone; a repository's own `.nvim.lua` runs only where the user has trusted it."""
    for file in SOURCES["nvim"]:
        assert not re.search(
            r"readfile|io\.open|io\.lines|uv\.fs_open|json_decode\(|vim\.json\.decode", code_of(file)
        ), file
