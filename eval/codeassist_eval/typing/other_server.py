"""Any language server as a side that suggests: by inline completions where it has them, else by its completion list.

Of a list the suggestion is what an editor would insert at the first key: of the entries that begin with the typed word,
the one that the server wants selected, else the first by its order. Columns are UTF-16, which every server knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codeassist.processes import child_folder
from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.lsp_client import LIMIT_S, LspClient, inserted_at, line_starts, position
from codeassist_eval.typing.typing_trace import Replacement, apply

_WORD = re.compile(r"\w*\Z")
_DROPPED = (-32800, -32801, -32802)  # cancelled by either side, or its text changed meanwhile


class OtherServer(LspClient):
    """A server process that is asked as an editor asks; a request is cancelled when the next one is sent.

    Nothing says when it is ready: it is, when it answers. Raises EvaluationError as LspClient does, and for a server
    that completes nothing.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(command, folder, environment)
        self.name = ""
        self._is_inline = False
        self._takes_changes = False
        self._asked: str | None = None

        @self._client.feature(types.WORKSPACE_CONFIGURATION)
        def _configuration(params: types.ConfigurationParams) -> list[None]:
            return [None] * len(params.items)

        @self._client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def _register(params: Any) -> None:
            return None

    @property
    def method(self) -> str:
        """What is asked for."""
        return types.TEXT_DOCUMENT_INLINE_COMPLETION if self._is_inline else types.TEXT_DOCUMENT_COMPLETION

    async def start(self) -> None:
        """Start the process, introduce ourselves, and see what it offers."""
        await self._launch(child_folder(self._command))
        documents = types.TextDocumentClientCapabilities(
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(snippet_support=False)
            ),
            inline_completion=types.InlineCompletionClientCapabilities(),
            synchronization=types.TextDocumentSyncClientCapabilities(),
        )
        capabilities = types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16]),
            text_document=documents,
            workspace=types.WorkspaceClientCapabilities(configuration=True, workspace_folders=True),
        )
        uri = self._folder.as_uri()
        folders = [types.WorkspaceFolder(uri, self._folder.name)]
        params = types.InitializeParams(capabilities=capabilities, root_uri=uri, workspace_folders=folders)
        answer = await self._within(self._client.initialize_async(params), LIMIT_S)
        able = answer.capabilities
        self.name = self._command[0] if answer.server_info is None else answer.server_info.name
        self._is_inline = able.inline_completion_provider not in (None, False)
        if not self._is_inline and able.completion_provider is None:
            raise EvaluationError(f"{self.name} offers neither inline completions nor completions")
        sync = able.text_document_sync
        kind = sync.change if isinstance(sync, types.TextDocumentSyncOptions) else sync
        self._takes_changes = kind == types.TextDocumentSyncKind.Incremental
        self._client.initialized(types.InitializedParams())

    def change(self, text: str, edits: Sequence[Replacement]) -> None:
        """Edit the open document, told in the way that the server wants to be told."""
        if self._takes_changes:
            self._send_changes(
                [
                    types.TextDocumentContentChangePartial(
                        range=types.Range(self._at(text, edit.start), self._at(text, edit.end)), text=edit.inserted
                    )
                    for edit in reversed(edits)
                ]
            )
        else:
            self._send_changes([types.TextDocumentContentChangeWholeDocument(apply(text, edits))])

    async def complete(self, text: str, cursor: int, *, automatic: bool) -> list[str] | None:
        """Ask at a cursor; return what the first suggestion inserts there, None if the request was dropped."""
        document, at = types.TextDocumentIdentifier(self._uri), self._at(text, cursor)
        if self._is_inline:
            kinds = types.InlineCompletionTriggerKind
            trigger = types.InlineCompletionContext(kinds.Automatic if automatic else kinds.Invoked)
            params: Any = types.InlineCompletionParams(trigger, document, at)
        else:
            params = types.CompletionParams(document, at, types.CompletionContext(types.CompletionTriggerKind.Invoked))
        if self._asked is not None:
            self._client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=self._asked))
        asked = self._asked = str(uuid4())
        try:
            answer = await self._within(
                self._client.protocol.send_request_async(self.method, params, msg_id=asked), LIMIT_S
            )
        except JsonRpcException as error:
            if error.code in _DROPPED:
                return None
            raise EvaluationError(f"{self.name} answered an error: {error.message}") from error
        finally:
            if self._asked == asked:
                self._asked = None
        items: Sequence[Any] = [] if answer is None else getattr(answer, "items", answer)
        return [self._inline(items, text, cursor) if self._is_inline else self._listed(items, text, cursor)]

    def peak_rss(self, pid: int) -> int:
        """What the process and those that it started hold now: a server is often started by a script."""
        total = 0
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for one in (process, *process.children(recursive=True)):
                total += one.memory_info().rss
        return total

    def _at(self, text: str, cursor: int) -> types.Position:
        found = position(line_starts(text), cursor)
        before = text[cursor - found.character : cursor]
        return types.Position(found.line, len(before.encode("utf-16-le")) // 2)

    def _own_range(self, text: str, told: types.Range | None) -> types.Range | None:
        """A range in code points."""
        return None if told is None else types.Range(*(self._own(text, each) for each in (told.start, told.end)))

    def _own(self, text: str, told: types.Position) -> types.Position:
        start = line_starts(text)[told.line]
        line = text[start : start + told.character].encode("utf-16-le")[: 2 * told.character]
        return types.Position(told.line, len(line.decode("utf-16-le", errors="ignore")))

    def _inline(self, items: Sequence[Any], text: str, cursor: int) -> str:
        if not items:
            return ""
        first = items[0]
        new_text = first.insert_text if isinstance(first.insert_text, str) else first.insert_text.value
        return inserted_at(new_text, self._own_range(text, first.range), text, cursor)

    def _listed(self, items: Sequence[types.CompletionItem], text: str, cursor: int) -> str:
        found = _WORD.search(text[max(0, cursor - 200) : cursor])
        word = "" if found is None else found.group()
        fitting = [item for item in items if (item.filter_text or item.label).lower().startswith(word.lower())]
        if not fitting:
            return ""
        first = min(fitting, key=lambda item: (not item.preselect, item.sort_text or item.label))
        edit = first.text_edit
        if edit is None:
            new_text = first.insert_text or first.label
            return new_text[len(word) :] if new_text.startswith(word) else ""
        replaced = edit.range if isinstance(edit, types.TextEdit) else edit.insert
        return inserted_at(edit.new_text, self._own_range(text, replaced), text, cursor)
