"""Show which modules one edit and one completion run through: `make trace`.

Runs the real server in this process, with a tiny random model that writes words and without monitors, on a repository
of two files. After a warm-up (model loaded, index built, one completion) it records one `textDocument/didChange`, until
nothing that it set off runs any more, and one automatic `textDocument/inlineCompletion`, until it is answered; on all
threads.

A module counts if code of its file ran; a switch is a call or a return from one of our modules into another one.

Usage: python tools/trace_requests.py [--switches]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' tiny model

PACKAGES = {str(ROOT / folder) + os.sep for folder in ("codeassist", "lsp", "indexer", "eval")}
QUIET_S = 0.2
"""An edit's work is over when none of our code ran for so long; what it leaves for idle time comes later."""
SETTLED_S = 1.5
"""The warm-up's work, idle time's too, is over when none of our code ran for so long."""
DEADLINE_S = 60.0

SHAPES = "def polygon_area(points):\n    return sum(points)\n"
APP = "from src import shapes\n\ndef show(points):\n    shapes\n"
SETTINGS = """
[model]
name = "tiny"
threads = 1
context_tokens = 512
[completion]
max_new_tokens = 8
[context]
deadline_ms = 10_000
[editor]
min_confidence = 0.0
patience_ms = "unlimited"
[monitor]
mode = "off"
[models.tiny]
gguf = "tiny.gguf"
"""


@dataclass(frozen=True, slots=True)
class Switch:
    """A call or a return into `module`. `source` is None where a thread or the event loop entered it."""

    is_call: bool
    source: str | None
    module: str
    function: str
    thread: str


class Recorder:
    """Takes note of every switch while `is_on`; its `profile` is what Python calls for each call and return."""

    def __init__(self) -> None:
        self.is_on = False
        self.switches: list[Switch] = []
        self.last_s = 0.0

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call into our code from elsewhere, and the return from it."""
        if not self.is_on or event not in ("call", "return") or (module := module_of(frame.f_code.co_filename)) is None:
            return
        self.last_s = time.monotonic()
        caller = frame.f_back
        while caller is not None and module_of(caller.f_code.co_filename) is None:
            caller = caller.f_back
        source = None if caller is None else module_of(caller.f_code.co_filename)
        if source == module:
            return
        thread = threading.current_thread().name
        if event == "call":
            self.switches.append(Switch(True, source, module, frame.f_code.co_qualname, thread))
        elif caller is not None and source is not None:
            self.switches.append(Switch(False, module, source, caller.f_code.co_qualname, thread))

    def take(self) -> list[Switch]:
        """Stop, and return what was recorded since `is_on` was set."""
        self.is_on = False
        taken, self.switches = self.switches, []
        return taken


@cache
def module_of(file: str) -> str | None:
    """Return `codeassist_lsp/handlers/explain` for its file; None for code that is not ours."""
    for package in PACKAGES:
        if file.startswith(package) and file.endswith(".py"):
            path = Path(file).relative_to(package).with_suffix("")
            return str(path if path.parts[0].startswith("codeassist_") else Path("codeassist") / path)
    return None


class Client:
    """The other end of a connection in this process: sends messages, keeps what it is answered."""

    def __init__(self) -> None:
        self._to_server: asyncio.Queue[bytes] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._received = b""
        self._num_asked = 0
        self.on_answer = lambda: None

    async def chunks(self) -> AsyncIterator[Any]:
        """Yield what was sent, as the server reads it."""
        from codeassist_lsp.transport.framing import Chunk

        while True:
            yield Chunk(await self._to_server.get(), time.monotonic())

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    async def ask(self, method: str, params: Any) -> Any:
        """Send a request; return its result."""
        self._num_asked += 1
        answer = self._answers[self._num_asked] = asyncio.get_running_loop().create_future()
        self._send({"id": self._num_asked, "method": method, "params": params})
        return await asyncio.wait_for(answer, DEADLINE_S)

    def write(self, data: bytes) -> None:
        """Take bytes from the server, and answer what it asks with null."""
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = int(self._received[:head].lower().split(b"content-length:")[1].split()[0])
            if len(self._received) < head + 4 + length:
                return
            message = json.loads(self._received[head + 4 : head + 4 + length])
            self._received = self._received[head + 4 + length :]
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            elif "id" in message:
                self.on_answer()
                answer = self._answers.pop(message["id"])
                if "error" in message:
                    answer.set_exception(RuntimeError(str(message["error"])))
                else:
                    answer.set_result(message["result"])

    def close(self) -> None:
        """Nothing is open."""

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to_server.put_nowait(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


async def record(recorder: Recorder, repository: Path) -> dict[str, list[Switch]]:
    """Serve a client that types `.` after `shapes` and is shown a ghost text; return the switches of each message."""
    from codeassist.cli.server.serve import load
    from codeassist_lsp.completion.backend import Backend
    from codeassist_lsp.serving.connection import Connection
    from codeassist_lsp.workspace import background_index

    # The index reads an edited document a moment later, and looks at its folder now and then: not while one records.
    background_index._DEBOUNCE_S = 10 * DEADLINE_S  # pyright: ignore[reportPrivateUsage]
    background_index._LOOK_S = 10 * DEADLINE_S  # pyright: ignore[reportPrivateUsage]
    backend, client = Backend(load), Client()
    connection = Connection(backend, client)
    serving = asyncio.create_task(connection.run(client.chunks()))
    await client.ask("initialize", {"processId": None, "capabilities": {}, "workspaceFolders": [folder(repository)]})
    client.notify("initialized", {})
    uri = (repository / "src" / "app.py").as_uri()
    item = {"uri": uri, "languageId": "python", "version": 1, "text": APP}
    client.notify("textDocument/didOpen", {"textDocument": item})
    while not await is_ready(client):
        await asyncio.sleep(0.05)
    await client.ask("textDocument/inlineCompletion", cursor(uri, 3, 10))
    await quiet(recorder, SETTLED_S)

    recorder.take()
    recorder.is_on = True
    place = {"line": 3, "character": 10}
    edit = {"range": {"start": place, "end": place}, "text": "."}
    client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [edit]})
    await quiet(recorder)
    changed = recorder.take()

    completed: list[Switch] = []
    client.on_answer = lambda: completed.extend(recorder.take())
    recorder.is_on = True
    answer = await client.ask("textDocument/inlineCompletion", cursor(uri, 3, 11))
    if not answer["items"]:
        raise RuntimeError("nothing was suggested: the walk would end before it")
    client.notify("exit", None)
    await serving
    await connection.close()
    backend.close()
    return {"didChange": changed, "inlineCompletion": completed}


async def is_ready(client: Client) -> bool:
    """Whether the model is in service and the index complete."""
    status = await client.ask("workspace/executeCommand", {"command": "codeassist.status", "arguments": []})
    model = status["model"]
    if model["problem"] is not None:
        raise RuntimeError(model["problem"])
    return model["name"] is not None and model["loading"] is None and not any(i["building"] for i in status["index"])


async def quiet(recorder: Recorder, quiet_s: float = QUIET_S) -> None:
    """Wait until no code of ours ran for `quiet_s`."""
    recorder.is_on, recorder.last_s = True, time.monotonic()
    while time.monotonic() - recorder.last_s < quiet_s:
        await asyncio.sleep(quiet_s / 10)


def folder(path: Path) -> dict[str, str]:
    """Return a workspace folder of the protocol."""
    return {"uri": path.as_uri(), "name": path.name}


def cursor(uri: str, line: int, character: int) -> dict[str, Any]:
    """Return the params of an automatic request there."""
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}


def show(name: str, switches: list[Switch], with_switches: bool) -> None:
    """Print the figures of a message and its walk: each module where it is entered first, or every switch."""
    modules = list(dict.fromkeys(switch.module for switch in switches))
    num_switches = sum(switch.source is not None for switch in switches)
    print(f"{name}: {len(modules)} modules, {num_switches} switches")
    shown: set[str] = set()
    for switch in switches:
        if with_switches or switch.module not in shown:
            origin = f"thread {switch.thread}" if switch.source is None else switch.source
            arrow = "from" if switch.is_call else "back from"
            shown.add(switch.module)
            print(f"{len(shown):4}  {switch.module}  {switch.function}  ({arrow} {origin})")
    print()


def main() -> None:
    """Record both messages and print them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--switches", action="store_true", help="print every switch, not only each module's first")
    options = parser.parse_args()
    from tests.tiny_models import build_model, save_gguf, write_letters_only

    with tempfile.TemporaryDirectory() as scratch:
        home, repository = Path(scratch, "home"), Path(scratch, "repository")
        (repository / ".git").mkdir(parents=True)
        (repository / "src").mkdir()
        (repository / "src" / "shapes.py").write_text(SHAPES, encoding="utf-8")
        (repository / "src" / "app.py").write_text(APP, encoding="utf-8")
        home.mkdir()
        model = home / "tiny.gguf"
        save_gguf(model, "qwen2", write_letters_only(build_model("qwen2", max_position_embeddings=1024), "qwen2"))
        settings = SETTINGS.replace('"tiny.gguf"', json.dumps(str(model)))
        (home / "config.toml").write_text(settings, encoding="utf-8")
        os.environ["CODEASSIST_HOME"] = str(home)
        recorder = Recorder()
        threading.setprofile(recorder.profile)
        sys.setprofile(recorder.profile)
        walks = asyncio.run(record(recorder, repository))
        sys.setprofile(None)
    for name, switches in walks.items():
        show(name, switches, options.switches)


if __name__ == "__main__":
    main()
