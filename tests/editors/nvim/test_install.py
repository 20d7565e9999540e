"""The plugin by Neovim's own plugin manager, from a URL, by the very lines of docs/editors.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .editor import PLUGIN, ROOT, Editor
from .test_plugin import once_for_each_display


def test_vim_pack_installs_it_from_a_repository(own: Editor, tmp_path: Path) -> None:
    once_for_each_display(own)
    if not own.lua("return vim.pack ~= nil"):
        return  # Neovim 0.11 has no manager of its own
    repository = tmp_path / "codeassist"
    shutil.copytree(PLUGIN, repository / "editor-plugins" / "nvim")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "a"]):
        subprocess.run([*git, *command], check=True)
    [lines] = re.findall(r"```lua\n(vim\.pack\.add.*?)```", (ROOT / "docs" / "editors.md").read_text("utf-8"), re.S)
    assert lines.count("<repository>") == 1
    own.lua("for _, f in ipairs({'codeassist', 'codeassist.config'}) do package.loaded[f] = nil end")
    own.command(f"set runtimepath-={PLUGIN}")
    assert own.lua("return vim.api.nvim_get_runtime_file('lua/codeassist/init.lua', false)") == []
    own.lua(lines.replace("<repository>", repository.as_uri()).replace("{ load", "{ confirm = false, load"))
    [found] = own.lua("return vim.api.nvim_get_runtime_file('lua/codeassist/init.lua', true)")
    assert Path(found).is_relative_to(own.folder / "home")
    assert own.command("CodeAssist log") == "" and own.lua("return require('codeassist').status()") == ""
    own.command("helptags ALL | help codeassist-setup")
