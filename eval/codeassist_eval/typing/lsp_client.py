"""An editor without a screen: a language server in a process of its own, spoken to over its stdin and stdout.

Columns are code points (position encoding utf-32).
"""

from __future__ import annotations

import asyncio
import re
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.typing_trace import Replacement

_LINE_END = re.compile(r"\r\n|\n|\r")
_CANCELLED = -32800
_LIMIT_S = 120.0


class LspClient:
    """One server process, or one that passes on to a server that others share. Every method raises EvaluationError when
    the server dies or does not answer in time."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._command = command
        self._folder = folder
        self._environment = environment
        self._client = LanguageClient("codeassist-bench", "1")
        self._status: Any = None
        self._news = asyncio.Event()
        self._version = 0
        self._uri = ""
        self._server_pid: int | None = None
        self.peak_rss_bytes = 0

        @self._client.feature("didChangeStatus")
        def _status(params: Any) -> None:
            self._status = params
            self._news.set()

        @self._client.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def _progress(params: Any) -> None:
            return None

    async def start(self) -> None:
        """Start the process and introduce ourselves."""
        await self._client.start_io(*self._command, cwd=self._folder, env=dict(self._environment), limit=1 << 27)
        capabilities = types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32]),
            window=types.WindowClientCapabilities(work_done_progress=False),
            experimental={"didChangeStatus": True},
        )
        params = types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[types.WorkspaceFolder(self._folder.as_uri(), self._folder.name)],
        )
        answer = await self._within(self._client.initialize_async(params), _LIMIT_S)
        if answer.capabilities.position_encoding != types.PositionEncodingKind.Utf32:
            raise EvaluationError(f"the server speaks {answer.capabilities.position_encoding}, utf-32 was wanted")
        self._client.initialized(types.InitializedParams())

    async def ready(self, limit_s: float) -> None:
        """Wait until the server says that its model is in service."""
        deadline = time.monotonic() + limit_s
        while self._status is None or self._status.busy or self._status.kind == "Inactive":
            self._news.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                raise EvaluationError(f"the server was not ready after {limit_s:.0f} s: {self._status}")
            await self._within(self._news.wait(), left)
        if self._status.kind == "Error":
            raise EvaluationError(f"the server cannot complete: {self._status.message}")

    def open(self, path: str, language: str, text: str) -> None:
        """Open a document of the folder."""
        self._uri = (self._folder / path).as_uri()
        item = types.TextDocumentItem(self._uri, language, self._version, text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, text: str, edits: Sequence[Replacement]) -> None:
        """Edit the open document. `edits` rise and are in offsets of `text`, the text before them."""
        starts = line_starts(text)
        # Each change is in terms of the text after those before it in the list: from the last to the first none moves.
        changes = [
            types.TextDocumentContentChangePartial(
                range=types.Range(position(starts, edit.start), position(starts, edit.end)), text=edit.inserted
            )
            for edit in reversed(edits)
        ]
        self._version += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self._uri, version=self._version)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, list(changes)))

    async def complete(self, text: str, cursor: int, *, automatic: bool) -> list[str] | None:
        """Ask for a completion at an offset; return what each item inserts there, None if the request was cancelled."""
        kinds = types.InlineCompletionTriggerKind
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(kinds.Automatic if automatic else kinds.Invoked),
            types.TextDocumentIdentifier(self._uri),
            position(line_starts(text), cursor),
        )
        asked = self._client.text_document_inline_completion_async(params)
        try:
            answer = await self._within(asked, _LIMIT_S)
        except JsonRpcException as error:
            if error.code == _CANCELLED:
                return None
            raise EvaluationError(f"the server answered an error: {error.message}") from error
        return [inserted_at(str(item.insert_text), item.range, text, cursor) for item in answer.items]

    def cpu_s(self) -> float:
        """The processor time that the process has taken so far."""
        process = self._client._server  # pyright: ignore[reportPrivateUsage]
        assert process is not None, "start comes first"
        times = psutil.Process(process.pid).cpu_times()
        return times.user + times.system

    async def status(self) -> dict[str, Any]:
        """Return what the server says of itself, with its last requests."""
        params = types.ExecuteCommandParams(command="codeassist.status", arguments=[{"recent": True}])
        answer = plain(await self._within(self._client.workspace_execute_command_async(params), _LIMIT_S))
        self._server_pid = answer["pid"]
        return answer

    async def end_shared(self) -> None:
        """End the server that others share, and the process that passes on to it."""
        process = self._client._server  # pyright: ignore[reportPrivateUsage]
        assert process is not None
        await self._within(self._client.protocol.send_request_async("codeassist/stop", {}), _LIMIT_S)
        await self._within(process.wait(), _LIMIT_S)
        await self._client.stop()

    async def stop(self) -> None:
        """Leave the server, which then ends unless others share it; end it by force if need be."""
        process = self._client._server  # pyright: ignore[reportPrivateUsage]  # pygls offers no way to wait for it
        if process is None:
            return
        self.peak_rss_bytes = _peak_rss(self._server_pid or process.pid)
        try:
            await self._within(self._client.shutdown_async(None), _LIMIT_S)
            self._client.exit(None)
            await asyncio.wait_for(process.wait(), _LIMIT_S)
        except (EvaluationError, TimeoutError):
            if process.returncode is None:
                process.kill()
        await self._client.stop()

    async def _within(self, work: Any, limit_s: float) -> Any:
        try:
            return await asyncio.wait_for(work, limit_s)
        except TimeoutError as error:
            process = self._client._server  # pyright: ignore[reportPrivateUsage]
            ended = process is not None and process.returncode is not None
            how = "has ended; its log says why" if ended else f"did not answer within {limit_s:.0f} s"
            raise EvaluationError(f"the server {how} ({' '.join(self._command[-3:])})") from error


@lru_cache(maxsize=4)
def line_starts(text: str) -> Sequence[int]:
    """Return the offsets at which lines begin, for the three line ends that the protocol knows. The last are known."""
    return (0, *(match.end() for match in _LINE_END.finditer(text)))


def position(starts: Sequence[int], offset: int) -> types.Position:
    """Return where an offset stands, in code points."""
    line = bisect_right(starts, offset) - 1
    return types.Position(line, offset - starts[line])


def inserted_at(new_text: str, replaced: types.Range | None, text: str, cursor: int) -> str:
    """Return what an item adds at the cursor; empty for one that changes what stands before it."""
    if replaced is None:
        return new_text
    typed = text[offset(line_starts(text), replaced.start) : cursor]
    return new_text[len(typed) :] if new_text.startswith(typed) else ""


def offset(starts: Sequence[int], at: types.Position) -> int:
    """Return the offset of a position in code points."""
    return starts[min(at.line, len(starts) - 1)] + at.character


def plain(value: Any) -> Any:
    """Return JSON of what pygls makes objects of, because it does not know it."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _peak_rss(pid: int) -> int:
    """The most memory that a process has held so far; where the system does not say, what it holds now."""
    try:
        memory = psutil.Process(pid).memory_info()
        status = Path(f"/proc/{pid}/status")
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    except (psutil.Error, OSError):
        return 0
    return int(found.group(1)) * 1024 if found is not None else int(getattr(memory, "peak_wset", memory.rss))
