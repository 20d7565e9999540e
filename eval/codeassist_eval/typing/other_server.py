"""Any language server as a side that suggests: by inline completions where it has them, else by its completion list.

Of a list the suggestion is what an editor would insert at the first key: of the entries that begin with the typed word,
the one that the server wants selected, else the first by its order. Columns are UTF-16, which every server knows.
Knows nothing of the server but the protocol.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codeassist.processes import child_folder
from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.json_rpc_process import AnsweredError, JsonRpcProcess
from codeassist_eval.typing.lsp_client import line_starts, position
from codeassist_eval.typing.typing_trace import Keystroke, apply

_WORD = re.compile(r"\w*\Z")
_LONGEST_WORD = 200
_DROPPED = (-32800, -32801, -32802)  # cancelled by either side, or its text changed meanwhile
_INLINE, _LIST = "textDocument/inlineCompletion", "textDocument/completion"
_INCREMENTAL = 2  # a kind of textDocumentSync
_INVOKED, _AUTOMATIC = 1, 2  # trigger kinds: of a list asked for without a trigger character; of an inline completion
_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": False}, "contextSupport": True},
        "inlineCompletion": {},
        "synchronization": {},
    },
    "workspace": {"configuration": True, "workspaceFolders": True},
}


class OtherServer:
    """A server process that is asked as an editor asks; a request is cancelled when the next one is sent.

    A `typist.Side` once a document is open. Nothing says when it is ready: it is, when it answers. Raises
    EvaluationError as JsonRpcProcess does, and for a server that completes nothing.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._command, self._folder, self._environment = command, folder, environment
        self._process = JsonRpcProcess(
            command,
            {
                "workspace/configuration": lambda params: [None] * len(params["items"]),
                "workspace/workspaceFolders": lambda _: self._folders,
                "client/registerCapability": lambda _: None,
                "window/workDoneProgress/create": lambda _: None,
            },
        )
        self.name = ""
        self._method = _LIST
        self._takes_changes = False
        self._document: dict[str, Any] = {}
        self._asked: int | None = None

    @property
    def method(self) -> str:
        """What is asked for."""
        return self._method

    @property
    def rss_bytes(self) -> int:
        """The memory that it holds now."""
        return self._process.rss_bytes()

    async def start(self) -> None:
        """Start the process, introduce ourselves, and see what it offers."""
        await self._process.start(child_folder(self._command), self._environment)
        answer = await self._process.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "clientInfo": {"name": "codeassist-bench"},
                "rootUri": self._folder.as_uri(),
                "workspaceFolders": self._folders,
                "capabilities": _CAPABILITIES,
            },
        )
        able = answer["capabilities"]
        self.name = (answer.get("serverInfo") or {}).get("name") or Path(self._command[0]).name
        if able.get("inlineCompletionProvider") not in (None, False):
            self._method = _INLINE
        elif able.get("completionProvider") is None:
            raise EvaluationError(f"{self.name} offers neither inline completions nor completions")
        sync = able.get("textDocumentSync")
        self._takes_changes = (sync.get("change") if isinstance(sync, dict) else sync) == _INCREMENTAL
        self._process.notify("initialized", {})

    def open(self, path: str, language: str, text: str) -> None:
        """Open a document of the folder."""
        self._document = {"uri": (self._folder / path).as_uri(), "version": 1}
        self._process.notify(
            "textDocument/didOpen", {"textDocument": {**self._document, "languageId": language, "text": text}}
        )

    def change(self, text: str, keystroke: Keystroke) -> None:
        """Tell the server of an edit, in the way that it wants to be told."""
        changes: list[dict[str, Any]] = [
            {
                "range": {"start": place(text, edit.start), "end": place(text, edit.end)},
                "text": edit.inserted,
            }
            for edit in reversed(keystroke.edits)  # from the last to the first none moves another
        ]
        if not self._takes_changes:
            changes = [{"text": apply(text, keystroke.edits)}]
        self._document["version"] += 1
        self._process.notify(
            "textDocument/didChange", {"textDocument": dict(self._document), "contentChanges": changes}
        )

    def move(self, text: str, cursor: int) -> None:
        """Editors do not tell a server where the cursor is."""

    async def suggest(self, text: str, cursor: int) -> tuple[str | None, bool]:
        """Return what the first suggestion inserts. See `typist.Side`."""
        if self._asked is not None:
            self._process.notify("$/cancelRequest", {"id": self._asked})
        kind = _AUTOMATIC if self._method == _INLINE else _INVOKED
        params = {
            "textDocument": {"uri": self._document["uri"]},
            "position": place(text, cursor),
            "context": {"triggerKind": kind},
        }
        number, asked = self._process.send(self._method, params)
        self._asked = number
        try:
            answer = await self._process.within_limit(asked)
        except AnsweredError as error:
            if error.code in _DROPPED:
                return None, False
            raise EvaluationError(f"{self.name} answered an error: {error}") from error
        finally:
            if self._asked == number:
                self._asked = None
        items: list[Any] = (answer.get("items") if isinstance(answer, dict) else answer) or []
        of_items = inline_suggestion if self._method == _INLINE else list_suggestion
        return of_items(items, text, cursor), False

    async def stop(self) -> None:
        """End it."""
        await self._process.stop()

    @property
    def _folders(self) -> list[dict[str, str]]:
        return [{"uri": self._folder.as_uri(), "name": self._folder.name}]


def inline_suggestion(items: Sequence[Mapping[str, Any]], text: str, cursor: int) -> str:
    """What the first of inline completion items inserts at the cursor; "" for none and for what changes more."""
    if not items:
        return ""
    inserted = items[0]["insertText"]
    new_text = inserted if isinstance(inserted, str) else inserted["value"]
    return inserted_at(new_text, items[0].get("range"), text, cursor)


def list_suggestion(items: Sequence[Mapping[str, Any]], text: str, cursor: int) -> str:
    """What an editor would insert of completion items; "" where none begins with the word before the cursor."""
    found = _WORD.search(text[max(0, cursor - _LONGEST_WORD) : cursor])
    word = "" if found is None else found.group()
    fitting = [item for item in items if _filter_text(item).lower().startswith(word.lower())]
    if not fitting:
        return ""
    first = min(fitting, key=lambda item: (not item.get("preselect"), item.get("sortText") or item["label"]))
    edit = first.get("textEdit")
    if edit is None:
        new_text = first.get("insertText") or first["label"]
        return new_text[len(word) :] if new_text.startswith(word) else ""
    return inserted_at(edit["newText"], edit.get("range") or edit["insert"], text, cursor)


def inserted_at(new_text: str, replaced: Mapping[str, Any] | None, text: str, cursor: int) -> str:
    """What an edit adds at the cursor; "" for one that changes what stands before it."""
    if replaced is None:
        return new_text
    typed = text[_offset(text, replaced["start"]) : cursor]
    return new_text[len(typed) :] if new_text.startswith(typed) else ""


def place(text: str, cursor: int) -> dict[str, int]:
    """An offset as the protocol has it."""
    found = position(line_starts(text), cursor)
    before = text[cursor - found.character : cursor]
    return {"line": found.line, "character": len(before.encode("utf-16-le")) // 2}


def _offset(text: str, told: Mapping[str, int]) -> int:
    start, units = line_starts(text)[told["line"]], told["character"]
    line = text[start : start + units].encode("utf-16-le")[: 2 * units]
    return start + len(line.decode("utf-16-le", errors="ignore"))


def _filter_text(item: Mapping[str, Any]) -> str:
    return item.get("filterText") or item["label"]
