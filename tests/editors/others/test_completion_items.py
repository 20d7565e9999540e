"""Editors with ordinary completion only, set up by the very lines of docs/editors.md: a suggestion is listed and taken.

What is said is said by the document (tests/lsp/staged_server.py); all else is the real server. CODEASSIST_TEST_EDITORS
names the editors to try; CODEASSIST_TEST_VIM_LSP is the folder of vim-lsp, which no system packages.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from codeassist_lsp.usage.feedback_store import read
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome
from tests.editors.others.terminal import Terminal
from tests.end_to_end.conftest import SOURCES, Program
from tests.lsp.conftest import STAGED
from tests.lsp.messages import Messages

WAIT_S = 250
WIRE = Path(__file__).with_name("wire.py")
SAID = "turn sum(\\n        points)"
TEXT = f"#say {SAID}\ndef area(points):\n    re"
TAKEN = TEXT + "turn sum(\n        points)"


@dataclass(frozen=True)
class Editor:
    """How an editor is set up and started, and its keys."""

    setup: Callable[[Path, str], list[str]]
    heading: str
    language: str
    go: str
    ask: str
    take: str
    leave: str
    more: str = ""
    back: str = ""  # what its screen says out of insert mode
    inserted: str = ""  # the same of what was taken, where the server hears of it only out of insert mode


def emacs(home: Path, lines: str) -> list[str]:
    start = home / "init.el"
    quiet = "(setq make-backup-files nil auto-save-default nil create-lockfiles nil enable-local-variables nil)\n"
    start.write_text("(package-initialize)\n" + quiet + lines, encoding="utf-8")
    return ["emacs", "-nw", "-q", "--load", str(start), "a.py"]


def helix(home: Path, lines: str) -> list[str]:
    config = home / "config" / "helix"
    config.mkdir(parents=True)
    (config / "languages.toml").write_text(lines, encoding="utf-8")
    return ["hx", "a.py"]


def vim(home: Path, lines: str) -> list[str]:
    start = home / "vimrc"
    folder = os.environ["CODEASSIST_TEST_VIM_LSP"]
    start.write_text(
        f"set nocompatible noswapfile viminfo=\nset runtimepath^={folder}\nfiletype plugin on\n{lines}",
        encoding="utf-8",
    )
    return ["vim", "-u", str(start), "a.py"]


def kakoune(home: Path, lines: str) -> list[str]:
    config = home / "config" / "kak"
    config.mkdir(parents=True)
    (config / "kakrc").write_text(lines, encoding="utf-8")
    return ["kak", "a.py"]


EDITORS = {
    "eglot": Editor(emacs, "eglot", "elisp", "\x1b>", "\x1b\t", "", "\x18\x13\x18\x03"),
    # Which folder is a project it asks once; a user answers.
    "lsp-mode": Editor(
        emacs,
        "lsp-mode",
        "elisp",
        "\x1b>",
        "\x1bxcompany-complete\r",
        "",
        "\x18\x13\x18\x03",
        more="(setq lsp-auto-guess-root t)\n",
    ),
    "helix": Editor(helix, "Helix", "toml", "geA", "\x18", "\x0e\r", ":wq\r", back="NOR"),
    "vim-lsp": Editor(
        vim,
        "Vim",
        "vim",
        "GA",
        "\x18\x0f",
        "\x19",
        ":wq\r",
        more="set updatetime=100\n",
        inserted="return sum(\n        points)",
    ),
    "kakoune": Editor(
        kakoune, "Kakoune", "kak", "geA", "", "\x0e", ":wq\r", back="[+] 1 sel", inserted="    return sum("
    ),
}
WANTED = [name for name in os.environ.get("CODEASSIST_TEST_EDITORS", "").split(",") if name]


def lines_of(heading: str, language: str) -> str:
    """The first lines in this language below a heading of docs/editors.md."""
    page = (SOURCES / "docs" / "editors.md").read_text("utf-8")
    [section] = re.findall(rf"^### {re.escape(heading)}\b.*?(?=^##|\Z)", page, re.S | re.M)
    return re.findall(rf"```{language}\n(.*?)```", section, re.S)[0]


def text_of(file: Path) -> str:
    """What it holds; nothing while it is not there: editors put a new file in the place of the one that they save."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""


def outcomes(database: Path) -> list[SuggestionOutcome]:
    return read(database) if database.exists() else []


class Desk:
    """A repository, the program `codeassist` on PATH, and what is said on the wire."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.log = program.home / "wire.jsonl"
        bin_ = program.home / "bin"
        bin_.mkdir()
        script = bin_ / "codeassist"
        command = shlex.join([sys.executable, str(WIRE), str(self.log), *STAGED])
        environment = program.environment()
        variables = " ".join(
            f"{name}={shlex.quote(environment[name])}" for name in ("CODEASSIST_HOME", "OMP_NUM_THREADS")
        )
        path = shlex.quote(f"{environment['PYTHONPATH']}:{SOURCES}")
        script.write_text(f'#!/bin/sh\n[ "$1" = serve ] || exit 9\n{variables} PYTHONPATH={path} exec {command}\n')
        script.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(program.home)}
        self.environment |= {
            f"XDG_{name}_HOME": str(program.home / name.lower()) for name in ("CONFIG", "CACHE", "DATA")
        }

    def messages(self, sender: str | None = None) -> list[dict[str, Any]]:
        lines = text_of(self.log).splitlines()
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return [entry["message"] for entry in entries if sender in (None, entry["from"])]

    def listed(self) -> list[dict[str, Any]]:
        """The first list of suggestions with which the server answered."""
        method = types.TEXT_DOCUMENT_COMPLETION
        ids = {message["id"] for message in self.messages("editor") if message.get("method") == method}
        answers = [each for each in self.messages("server") if "method" not in each and each["id"] in ids]
        return next((each["result"]["items"] for each in answers if each.get("result", {}).get("items")), [])

    def wait(self, condition: Callable[[], Any], what: str, terminal: Terminal) -> Any:
        deadline = time.monotonic() + WAIT_S
        while not (found := condition()):
            if time.monotonic() > deadline or terminal.has_ended:
                told = [message.get("method", "answer") for message in self.messages()][-30:]
                raise AssertionError(f"{what}: did not come to be\n{told}\n{terminal.text[-2000:]}")
            time.sleep(0.02)
        return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", WANTED)
def test_a_suggestion_is_listed_and_taken(name: str, program: Program) -> None:
    editor, desk = EDITORS[name], Desk(program)
    file, log = program.root / "a.py", program.home / "cache" / "log" / "serve.log"
    file.write_text(TEXT, encoding="utf-8")
    with (program.home / "config.toml").open("a", encoding="utf-8") as config:
        config.write('[editor]\nmultiline = "always"\n')
    command = editor.setup(program.home, editor.more + lines_of(editor.heading, editor.language))
    terminal = Terminal(command, program.root, desk.environment)
    try:
        opened = types.TEXT_DOCUMENT_DID_OPEN
        desk.wait(
            lambda: [message for message in desk.messages("editor") if message.get("method") == opened],
            opened,
            terminal,
        )
        desk.wait(lambda: " loaded in " in text_of(log), "the model is loaded", terminal)
        terminal.send(editor.go + editor.ask)
        [item] = desk.wait(desk.listed, "something is listed", terminal)
        assert item["label"] == "return sum(" and "points)" in item["documentation"]["value"]
        if editor.take:  # Emacs inserts the only one by itself
            desk.wait(lambda: item["label"] in terminal.text, "the list is drawn", terminal)
            terminal.send(editor.take)
        if editor.inserted:
            desk.wait(lambda: editor.inserted in terminal.text, editor.inserted, terminal)
            terminal.send("\x1b")
        database = program.home / "data" / "feedback.db"
        counted = desk.wait(lambda: [each for each in outcomes(database) if each.is_accepted], "accepted", terminal)
        assert [each.accepted_chars for each in counted] == [len(TAKEN) - len(TEXT)]
        if editor.back:  # what follows an escape at once is a key with Alt
            if not editor.inserted:
                terminal.send("\x1b")
            desk.wait(lambda: editor.back in terminal.text, "normal mode", terminal)
        terminal.send(editor.leave)
        desk.wait(lambda: text_of(file).rstrip("\n") == TAKEN, "saved", terminal)
    finally:
        terminal.close()
    wire = Messages()
    for line in desk.log.read_text("utf-8").splitlines():
        entry = json.loads(line)
        (wire.sent if entry["from"] == "editor" else wire.received)(entry["message"])
    assert wire.num_checked > 2 and wire.problems == []
    assert "didChangeStatus" not in {message.get("method") for message in desk.messages("server")}
