"""The next edits of the scripted server: once a document says `new(`, every line that says `old(` is to say so too.

`# drop` on a line lets it go instead, `# twice` brings it a second line. Of other files those that a test names count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pygls.lsp.server import LanguageServer

OLD, NEW = "old(", "new("


class ScriptedEdits:
    """Answers questions for next edits; `note` takes what came in."""

    def __init__(self, server: LanguageServer, note: Callable[..., None]) -> None:
        self.server = server
        self.note = note
        self.others: list[str] = []
        self.dismissed: set[str] = set()
        server.feature("textDocument/copilotInlineEdit")(partial(self._here))  # pygls marks what it is given
        server.feature("codeassist/nextEdits")(partial(self._everywhere))
        for method in ("textDocument/didShowInlineEdit", "codeassist/didJumpToEdit"):

            def told(params: Any, method: str = method) -> None:
                self.note(method.rpartition("/")[2], id=params.item.command.arguments[0])

            server.feature(method)(told)
        server.command("codeassist.acceptEdit")(partial(self._accept))
        server.command("codeassist.dismissEdit")(partial(self._dismiss))
        server.command("test.edits")(partial(self._set))

    def _set(self, others: Sequence[str]) -> None:
        self.others, self.dismissed = list(others), set()

    def _accept(self, edit_id: str) -> None:
        documents = self.server.workspace.text_documents.values()
        self.note("acceptEdit", id=edit_id, texts=[document.source for document in documents])

    def _dismiss(self, edit_id: str) -> None:
        self.dismissed.add(edit_id)
        self.note("dismissEdit", id=edit_id)

    def _here(self, params: Any) -> dict[str, Any]:
        uri, line = params.textDocument.uri, params.position.line
        kind = params.context.triggerKind
        self.note("copilotInlineEdit", line=line, kind=kind, version=getattr(params.textDocument, "version", None))
        found = self._edits(uri)
        found.sort(key=lambda edit: abs(edit["line"] - line))
        return {"edits": found[:1], "whyNone": None if found else "nothing seems to be missing"}

    def _everywhere(self, params: Any) -> dict[str, Any]:
        self.note("nextEdits")
        uri = params.textDocument.uri
        others = [other for other in self.others if other != uri]
        found = [edit for each in (uri, *others) for edit in self._edits(each, uri)]
        return {"edits": found, "whyNone": None if found else "nothing seems to be missing"}

    def _edits(self, uri: str, asked_in: str | None = None) -> list[dict[str, Any]]:
        documents = self.server.workspace.text_documents
        if uri in documents:
            text, version = documents[uri].source, documents[uri].version
        else:
            text, version = Path(unquote(urlsplit(uri).path)).read_text(), None
        if NEW not in documents[asked_in or uri].source:
            return []
        lines = text.replace("\r\n", "\n").split("\n")
        found: list[dict[str, Any]] = []
        for number, line in enumerate(lines):
            edit_id = f"{uri.rpartition('/')[2]}:{line.strip()}"
            if OLD not in line or edit_id in self.dismissed:
                continue
            new = [line.replace(OLD, NEW)] * (2 if "# twice" in line else 0 if "# drop" in line else 1)
            end = (
                {"line": number, "character": len(line.encode("utf-16-le")) // 2}
                if new
                else {"line": number + 1, "character": 0}
            )
            found.append(
                {
                    "text": "\n".join(new),
                    "textDocument": {"uri": uri, "version": version},
                    "range": {"start": {"line": number, "character": 0}, "end": end},
                    "command": {"title": "Accept", "command": "codeassist.acceptEdit", "arguments": [edit_id]},
                    "path": uri.rpartition("/")[2],
                    "line": number,
                    "old": [line],
                    "new": new,
                    "reason": "`old` is `new` now",
                    "confidence": 0.9,
                    "source": "script",
                }
            )
        return found
