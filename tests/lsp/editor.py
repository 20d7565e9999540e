"""An editor for tests: pygls' client on the pipes of a real server process. Every wait has a deadline.

Every message of the server is held to the protocol; `stop` raises for the first that is not what it should be.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from codeassist_lsp.transport.own_messages import STATUS
from tests.lsp.messages import Messages

T = TypeVar("T")
DEADLINE_S = 150  # of a machine that others keep busy
CANCELLED = -32800


class Editor:
    """One server process and what it said. Every request to it goes through `within`."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.client = LanguageClient("editor", "1")
        self.statuses: list[Any] = []
        self.messages: list[str] = []
        self.progress: list[tuple[Any, Any]] = []
        self.settings: Any = None
        self.capabilities: Any = None
        self.versions: dict[str, int] = {}
        self._command = command
        self._environment = environment
        self._heard = asyncio.Event()
        self._stderr = b""
        self.wire = Messages()
        self._overhear()
        for method, handler in {
            STATUS: lambda status: self.statuses.append(status),
            types.WINDOW_SHOW_MESSAGE: lambda params: self.messages.append(params.message),
            types.PROGRESS: lambda params: self.progress.append((params.token, params.value)),
        }.items():
            self.client.feature(method)(lambda params, handler=handler: self._hear(handler, params))
        self.client.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)(lambda params: None)
        self.client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
        self.client.feature(types.WORKSPACE_CONFIGURATION)(lambda params: [self.settings])

    async def start(
        self,
        options: Any = None,
        encodings: Sequence[str] | None = None,
        folders: Sequence[Path] | None = None,
        process_id: int | None = None,
        able: types.ClientCapabilities | None = None,
    ) -> Editor:
        """Start the server and say hello. `able` are other capabilities than usual."""
        await self.client.start_io(*self._command, cwd=self.folder, env=dict(self._environment), limit=1 << 27)
        self._reading = asyncio.create_task(self._read_stderr())
        capabilities = types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=encodings),
            window=types.WindowClientCapabilities(work_done_progress=True),
            workspace=types.WorkspaceClientCapabilities(configuration=True),
            notebook_document=types.NotebookDocumentClientCapabilities(types.NotebookDocumentSyncClientCapabilities()),
            experimental={STATUS: True},
        )
        params = types.InitializeParams(
            process_id=process_id,
            capabilities=able or capabilities,
            initialization_options=options,
            workspace_folders=[
                types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders or [self.folder]
            ],
        )
        self.capabilities = (await within(self.client.initialize_async(params))).capabilities
        self.client.initialized(types.InitializedParams())
        return self

    async def ready(self) -> Editor:
        """Wait until the model is in service, and then until what other files say stays what it is."""
        await self.in_service()
        deadline = time.monotonic() + DEADLINE_S
        while any(each["building"] for each in (await self.run("codeassist.status"))["index"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        return self

    async def in_service(self) -> None:
        """Wait until the model answers; the index may still be on its way."""
        await self.hears(lambda: self.statuses and not self.statuses[-1].busy and self.statuses[-1].kind != "Inactive")
        assert self.statuses[-1].kind == "Normal", self.statuses

    async def stop(self) -> tuple[int | None, str]:
        """Say goodbye; return the exit code and what stood on stderr."""
        if self.process.returncode is None:
            await within(self.client.shutdown_async(None))
            self.client.exit(None)
        await within(self.process.wait())
        await within(self._reading)
        await within(self.client.stop())
        assert not (problems := self.wire.at_the_end()), problems
        return self.process.returncode, self._stderr.decode()

    async def kill(self) -> None:
        """End the server by force, for tests that are done with it."""
        if self.process.returncode is None:
            self.process.kill()
        await within(self.process.wait())
        await within(self._reading)

    @property
    def process(self) -> asyncio.subprocess.Process:
        process = self.client._server
        assert process is not None
        return process

    async def hears(self, condition: Callable[[], Any]) -> None:
        """Wait until what the server said fulfils a condition."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), deadline - time.monotonic())
            except TimeoutError as error:
                raise AssertionError((self.statuses, self.messages, self._stderr.decode())) from error

    def uri(self, path: str) -> str:
        return path if re.match(r"[a-z-]{2,}:", path) else (self.folder / path).as_uri()

    def open(self, path: str, text: str, version: int = 1, language: str = "python") -> None:
        self.versions[path] = version
        item = types.TextDocumentItem(self.uri(path), language, version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def edit(
        self, path: str, start: tuple[int, int], end: tuple[int, int], text: str, version: int | None = None
    ) -> None:
        span = types.Range(types.Position(*start), types.Position(*end))
        self._change(path, types.TextDocumentContentChangePartial(range=span, text=text), version)

    def replace(self, path: str, text: str, version: int | None = None) -> None:
        self._change(path, types.TextDocumentContentChangeWholeDocument(text=text), version)

    def close(self, path: str) -> None:
        identifier = types.TextDocumentIdentifier(self.uri(path))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def begin(self, path: str, line: int, col: int, automatic: bool = False, selected: Any = None) -> tuple[str, Any]:
        """Ask for inline completions; return the request's id and the answer to wait for."""
        kinds = types.InlineCompletionTriggerKind
        number = f"inline-{time.monotonic_ns()}"
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(kinds.Automatic if automatic else kinds.Invoked, selected),
            types.TextDocumentIdentifier(self.uri(path)),
            types.Position(line, col),
        )
        method = types.TEXT_DOCUMENT_INLINE_COMPLETION
        return number, self.client.protocol.send_request_async(method, params, msg_id=number)

    async def ask(self, path: str, line: int, col: int, automatic: bool = False, selected: Any = None) -> list[Any]:
        """The items for a cursor."""
        answer = await within(self.begin(path, line, col, automatic, selected)[1])
        return list(answer.items)

    async def ask_edits(
        self, path: str, line: int, method: str = "textDocument/copilotInlineEdit", invoked: bool = False, **more: Any
    ) -> dict[str, Any]:
        """The next edits for a cursor, as plain JSON."""
        return plain(await within(self.begin_edits(path, line, method, invoked, **more)))

    def begin_edits(
        self, path: str, line: int, method: str = "textDocument/copilotInlineEdit", invoked: bool = False, **more: Any
    ) -> Any:
        """Ask for next edits; return the answer to wait for."""
        document = {"uri": self.uri(path), "version": self.versions.get(path)}
        context = {"triggerKind": 1 if invoked else 2, **more.pop("context", {})}
        params = {"textDocument": document, "position": {"line": line, "character": 0}, "context": context, **more}
        return self.client.protocol.send_request_async(method, params)

    async def run(self, command: str, *arguments: Any) -> Any:
        """Execute a command; its result as plain JSON."""
        params = types.ExecuteCommandParams(command=command, arguments=list(arguments))
        return plain(await within(self.client.workspace_execute_command_async(params)))

    async def idle(self) -> dict[str, Any]:
        """Wait until no request is under way; return the status."""
        while True:
            status = await self.run("codeassist.status")
            if status["requests"]["under_way"] == 0:
                return status

    def _change(self, path: str, change: Any, version: int | None) -> None:
        self.versions[path] = self.versions.get(path, 1) + 1 if version is None else version
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri(path), version=self.versions[path])
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    def _overhear(self) -> None:
        """Look at each message as it stands on the wire."""
        protocol = self.client.protocol
        structure, send = protocol.structure_message, protocol._send_data

        def structured(data: dict[str, Any]) -> Any:
            if "jsonrpc" in data:
                self.wire.received(data)
            return structure(data)

        def sent(data: Any) -> None:
            self.wire.sent(json.loads(json.dumps(data, default=protocol._serialize_message)))
            send(data)

        protocol.structure_message = structured  # type: ignore[method-assign]
        protocol._send_data = sent  # type: ignore[method-assign]

    def _hear(self, handler: Callable[[Any], None], params: Any) -> None:
        handler(params)
        self._heard.set()

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(1 << 16):
            self._stderr += data


async def within(work: Any) -> Any:
    return await asyncio.wait_for(work, DEADLINE_S)


def environment_of(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CODEASSIST_")}
    return kept | {"CODEASSIST_HOME": str(home)} | more


def plain(value: Any) -> Any:
    """pygls makes objects of what it does not know: JSON again."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
