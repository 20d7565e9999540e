"""A language server of the user's own as a source of members, asked where our own analysis does not know them.

Only members after a dot are asked for. Servers come from the user's settings only: what a repository says never starts
a program.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from codeassist.errors import SettingsError
from codeassist.processes import child_environment, find_program
from codeassist_indexer.analysis.text.lexer import code_only
from codeassist_indexer.analysis.text.name_query import Found, NameQuery
from codeassist_indexer.languages.registry import ANALYSED, LANGUAGES

T = TypeVar("T")

_NAME = re.compile(r"[^\W\d][\w$]*")
_RECEIVER = re.compile(r"[\w$.]+\Z")
_NO_MEMBERS = frozenset({lsp.CompletionItemKind.Keyword, lsp.CompletionItemKind.Snippet, lsp.CompletionItemKind.Text})
_UNHEARD = (lsp.WINDOW_LOG_MESSAGE, lsp.WINDOW_SHOW_MESSAGE, lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            lsp.TELEMETRY_EVENT, lsp.PROGRESS)  # fmt: skip
# Lists that were cut say that they are incomplete, but pyright says so of all. No server cuts shorter ones (jdtls: 50).
_LEAST_CUT = 50
_START_S = 60.0  # servers for Java read whole projects first
_MAX_FAILURES = 3


def server_commands(entries: Sequence[str]) -> dict[str, list[str]]:
    """Read the setting `monitor.servers`: `language=command line` each. Raise SettingsError for what is none."""
    commands: dict[str, list[str]] = {}
    for entry in entries:
        language, equals, command = entry.partition("=")
        words = shlex.split(command)
        if not equals or language.strip() not in ANALYSED or not words:
            known = ", ".join(sorted(ANALYSED))
            raise SettingsError(f"monitor.servers: {entry!r} is not LANGUAGE=COMMAND (LANGUAGE: one of {known})")
        commands[language.strip()] = words
    return commands


class LanguageServer:
    """One running server for one language of one repository, started by its first question. For any thread."""

    def __init__(self, root: Path, command: Sequence[str], timeout_s: float) -> None:
        self._root = root
        self._command = list(command)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: LanguageClient | None = None
        self._versions: dict[str, int] = {}
        self._num_failures = 0
        self._folder: TemporaryDirectory[str] | None = None

    def find(self, question: NameQuery) -> Found:
        """Return the members that the server completes with, or why there are none."""
        if question.place.kind != "member":
            return Found(None, "no such place")
        with self._lock:
            if question.is_stale() or self._num_failures >= _MAX_FAILURES:
                return Found(None, "stale" if question.is_stale() else "server given up", is_passing=True)
            try:
                if self._client is None:
                    self._client = self._start()
                answer = self._run(self._complete(self._client, question), self._timeout_s)
            except (FutureTimeoutError, OSError, RuntimeError) as error:
                self._num_failures += 1
                self._end()
                return Found(None, f"server failed: {error}"[:200], is_passing=True)
        return _members(answer, question)

    def close(self) -> None:
        """End the server; the next question starts it again."""
        with self._lock:
            self._end()

    def _start(self) -> LanguageClient:
        if find_program(self._command[0]) is None:
            name = self._command[0]
            raise OSError(f"monitor.servers: {name} is not on PATH; install it, give its whole path, or take it out")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="language-server", daemon=True).start()
        return self._run(self._initialized(), _START_S)

    async def _initialized(self) -> LanguageClient:
        client = LanguageClient("codeassist", "1")
        for notification in _UNHEARD:
            client.feature(notification)(_ignore)
        # In a folder of our own: started in the repository, a server written in Python would import from it.
        self._folder = TemporaryDirectory(prefix="codeassist-server-", ignore_cleanup_errors=True)
        program = find_program(self._command[0])
        if program is None:
            raise OSError(f"{self._command[0]} is gone")
        await client.start_io(str(program), *self._command[1:], cwd=self._folder.name, env=child_environment())
        server = client._server
        if server is not None and server.stderr is not None:  # else it would stand still once the pipe is full
            self._draining = asyncio.create_task(_drain(server.stderr))
        root = self._root.as_uri()
        folders = [lsp.WorkspaceFolder(root, self._root.name)]
        capabilities = lsp.ClientCapabilities()
        await client.initialize_async(
            lsp.InitializeParams(capabilities, root_uri=root, process_id=None, workspace_folders=folders)
        )
        client.initialized(lsp.InitializedParams())
        return client

    async def _complete(self, client: LanguageClient, question: NameQuery) -> Any:
        uri = (self._root / question.path).as_uri()
        text = question.before + question.suffix
        version = self._versions[uri] = self._versions.get(uri, 0) + 1
        if version == 1:
            language = LANGUAGES[question.language].ids[0]
            document = lsp.TextDocumentItem(uri, language, version, text)
            client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))
        else:
            identifier = lsp.VersionedTextDocumentIdentifier(version, uri)
            change = lsp.TextDocumentContentChangeWholeDocument(text)
            client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [change]))
        line = question.before.rpartition("\n")[2]
        position = lsp.Position(question.before.count("\n"), len(line.encode("utf-16-le", "surrogatepass")) // 2)
        return await client.text_document_completion_async(
            lsp.CompletionParams(lsp.TextDocumentIdentifier(uri), position)
        )

    def _run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        if self._loop is None:
            raise RuntimeError("no loop")
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except FutureTimeoutError:
            future.cancel()
            raise

    def _end(self) -> None:
        client, self._client = self._client, None
        self._versions.clear()
        if client is not None and client._server is not None:
            with contextlib.suppress(ProcessLookupError):
                client._server.kill()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)


def _ignore(params: Any) -> None:
    """Hear nothing."""


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


def _members(answer: Any, question: NameQuery) -> Found:
    """What of a completion's items are members; none where more of them may exist, or the text uses others."""
    items = answer.items if isinstance(answer, lsp.CompletionList) else answer or []
    if isinstance(answer, lsp.CompletionList) and answer.is_incomplete and len(items) >= _LEAST_CUT:
        return Found(None, "server gave a part")
    names: set[str] = set()
    for item in items:
        name = _NAME.match(item.label) if item.kind not in _NO_MEMBERS else None
        if name is not None:
            names.add(name[0])
    receiver = _RECEIVER.search(question.before.removesuffix(".").removesuffix("?"))
    if not names or receiver is None:
        return Found(None, "nothing found by the server")
    text = code_only(question.language, question.before + " " + question.suffix)
    uses = rf"(?<![\w$.]){re.escape(receiver[0])}\s*[?!]?\.[ \t]*([^\W\d][\w$]*)"
    if set(re.findall(uses, text)) - names:
        return Found(None, "the text uses others")
    return Found(frozenset(names), "language server")


def open_servers(root: Path, commands: Mapping[str, Sequence[str]], timeout_s: float) -> dict[str, LanguageServer]:
    """Return the servers by language; none is started yet."""
    return {language: LanguageServer(root, command, timeout_s) for language, command in commands.items()}
