"""What an editor sends starts, reads, writes and sends nothing that the user did not name, over real stdio.

An editor takes settings from repositories. What the real `serve` and `serve --shared` do with such ones is held against
what they do with the same lines of the user's own file, so that no attempt passes because nothing would have happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from codeassist_lsp.sharing.server_client import servers
from tests.end_to_end.conftest import Program
from tests.end_to_end.test_served import run_folder
from tests.lsp.editor import Editor

# A default says little: our own analysis abstains, and the user's server is asked.
TEXT = "class Made:\n    size = 1\n\n\ndef use(made=Made()):\n    return made."
CURSOR = (5, 16)
WAYS = [["serve", "--stdio"], ["serve", "--shared", "--linger", "0"]]
NAMES = ["serve", "serve --shared"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the marker is left by a shell script")


@dataclass(frozen=True)
class Traps:
    """A program that leaves a mark when it is started, a host that notes who comes, and files to be read or written."""

    folder: Path
    listener: socket.socket

    @property
    def program(self) -> Path:
        return self.folder / "server.sh"

    @property
    def mark(self) -> Path:
        return self.folder / "started"

    def settings(self) -> dict[str, Any]:
        """Every kind of setting that starts, reads, writes or sends."""
        port = self.listener.getsockname()[1]
        return {
            "monitor": {"servers": [f"python={self.program}"]},
            "context": {"encoder": str(self.folder / "encoder")},
            "remote": {
                "url": f"http://127.0.0.1:{port}/v1",
                "repositories": ["*"],
                "proxy": f"http://127.0.0.1:{port}",
            },
            "models": {"own": {"gguf": str(self.folder / "other.gguf")}},
        }

    def sprung(self) -> list[str]:
        """Return what has happened."""
        found = [path.name for path in self.folder.iterdir() if path != self.program]
        try:
            self.listener.accept()[0].close()
            found.append("asked")
        except BlockingIOError:
            pass
        return sorted(found)


@pytest.fixture
def traps(tmp_path: Path) -> Iterator[Traps]:
    folder = tmp_path / "traps"
    folder.mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    made = Traps(folder, listener)
    made.program.write_text(f"#!/bin/sh\necho started > '{made.mark}'\n")
    made.program.chmod(0o755)
    yield made
    listener.close()


@pytest.fixture(autouse=True)
def ended(program: Program) -> Iterator[None]:
    yield
    for server in servers(run_folder(program)):
        os.kill(server.address.pid, signal.SIGKILL)


async def complete(editor: Editor) -> None:
    """Complete where a server of the user's is asked: the answer waits until it has ended, or is not to be had."""
    editor.open("src/made.py", TEXT)
    await editor.ask("src/made.py", *CURSOR)
    await editor.idle()


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_what_an_editor_sends_starts_reads_writes_and_sends_nothing(
    program: Program, traps: Traps, way: list[str]
) -> None:
    async def test() -> None:
        editor = Editor(program.command(*way), program.root, program.environment())
        editor.settings = traps.settings()  # what `workspace/configuration` answers
        await (await editor.start(traps.settings())).ready()
        await complete(editor)
        changed = types.DidChangeConfigurationParams({"codeassist": traps.settings()})
        editor.client.workspace_did_change_configuration(changed)
        editor.edit("src/made.py", CURSOR, CURSOR, "s")
        await editor.ask("src/made.py", CURSOR[0], CURSOR[1] + 1)
        status = await editor.idle()
        assert traps.sprung() == []
        assert (status["model"]["name"], status["model"]["device"]) == ("own", "cpu")
        told = [message for message in editor.messages if "cannot be set here" in message]
        assert len(told) == 1, editor.messages
        assert "monitor.servers" in told[0] and str(program.home / "config.toml") in told[0]

        honest = Editor(program.command(*way), program.root, program.environment())
        await (await honest.start()).ready()  # with --shared, a second window of the same server
        await complete(honest)
        assert not [message for message in honest.messages if "cannot be set here" in message]
        for each in (editor, honest):
            code, errors = await each.stop()
            assert code == 0, errors
        assert traps.sprung() == []
        assert list((program.home / "cache" / "index").glob("*/index.db")), "the user's own folder is used"

    asyncio.run(test())


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_what_the_users_own_file_names_is_started(program: Program, traps: Traps, way: list[str]) -> None:
    """The same setting, and the same steps: without this the test above would prove nothing."""

    async def test() -> None:
        config = program.home / "config.toml"
        lines = config.read_text()
        program_line = f"servers = {json.dumps(traps.settings()['monitor']['servers'])}\n"
        config.write_text(lines.replace("[monitor]\n", "[monitor]\n" + program_line))
        editor = Editor(program.command(*way), program.root, program.environment())
        await (await editor.start()).ready()
        await complete(editor)
        assert traps.sprung() == [traps.mark.name]
        assert not [message for message in editor.messages if "monitor" in message]
        code, errors = await editor.stop()
        assert code == 0, errors

    asyncio.run(test())


def test_a_name_that_is_a_path_loads_no_file_of_the_repository(program: Program) -> None:
    """An editor may choose among the user's models by name; a file is the user's own to name, wherever it lies."""

    async def test() -> None:
        planted = program.root / "planted.gguf"
        shutil.copyfile(program.model, planted)
        for name in (str(planted), "./planted.gguf", "../repo/planted.gguf"):
            editor = Editor(program.command("serve", "--stdio"), program.root, program.environment())
            await editor.start({"model": {"name": name}})
            await editor.hears(
                lambda editor=editor: any("model.name cannot be set here" in message for message in editor.messages)
            )
            await editor.hears(lambda editor=editor: any("loading own" in each.message for each in editor.statuses))
            assert (await editor.run("codeassist.status"))["model"]["name"] in (None, "own")
            code, errors = await editor.stop()
            assert code == 0, errors

    asyncio.run(test())
