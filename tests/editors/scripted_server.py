"""A language server that answers as a test tells it to, and remembers what it was sent.

A test speaks to it through the editor, with `workspace/executeCommand`: `test.script`, `test.log`, ...
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from typing import Any

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

if __package__:
    from tests.editors.scripted_edits import ScriptedEdits
else:  # started as a program, by whatever Python
    from scripted_edits import ScriptedEdits


class Script:
    """What to answer, and what came in."""

    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.open = asyncio.Event()  # closed: requests are held back
        self.open.set()
        self.num_items = 0


STATUS: dict[str, Any] = {
    "version": "1.2",
    "pid": 4711,
    "uptime_s": 240.0,
    "threads": 2,
    "editors": [{"name": "Neovim"}, {"name": "Emacs"}],
    "model": {"name": "scripted", "device": "cpu", "problem": None, "loading": None, "notices": ["a\nnotice"]},
    "requests": {"counts": {"answered": 1234, "cached": 7, "failed": 0, "a_new_one": 5}},
    "latency_ms": {"total": {"p50": 240.4, "p95": 1020.0}, "trim": {"p50": 0.94, "p95": 2.0}, "decode": None},
    "tokens": {"reused_share": 0.9},
    "cache": {"exact_share": None},
    "index": [
        {"root": "/a b", "indexed": 3, "total": 1234567, "building": True, "problems": ["the disk is full"]},
        {"root": "/c", "indexed": 0, "total": None, "building": False, "problems": []},
    ],
    "feedback": {"problem": None},
    "shared": None,
}
"""What `codeassist.status` answers: the fields of the real server that a page is made of."""


def plain(value: Any) -> Any:
    """Messages that pygls does not know come as named tuples."""
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def make_server(name: str, with_inline_completion: bool) -> LanguageServer:
    server = LanguageServer(name, "1")
    script = Script()

    def note(method: str, **values: Any) -> None:
        script.log.append({"method": method, **values})

    def item_of(rule: dict[str, Any], document: TextDocument, position: types.Position) -> types.InlineCompletionItem:
        """`text`, from `back` characters before the cursor to `over` characters after it."""
        codec = document.position_codec
        line = document.lines[position.line] if position.line < len(document.lines) else ""
        cursor = codec.position_from_client_units(document.lines, position)
        start, end = cursor.character - rule.get("back", 0), cursor.character + rule.get("over", 0)
        script.num_items += 1
        units = codec.client_num_units
        return types.InlineCompletionItem(
            insert_text=rule["text"],
            range=types.Range(
                types.Position(position.line, units(line[:start])), types.Position(position.line, units(line[:end]))
            ),
            command=types.Command(title="Accept", command="codeassist.accept", arguments=[str(script.num_items)]),
        )

    if with_inline_completion:

        @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
        async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
            """The first rule whose `before` ends the text before the cursor (`whole`: is the line); invoked: all of its
            items."""
            document = server.workspace.get_text_document(params.text_document.uri)
            codec = document.position_codec
            cursor = codec.position_from_client_units(document.lines, params.position)
            line = document.lines[cursor.line] if cursor.line < len(document.lines) else ""
            before = line[: cursor.character]
            kind = params.context.trigger_kind.value
            note("inlineCompletion", before=before, line=cursor.line, kind=kind, character=params.position.character)
            items: list[types.InlineCompletionItem] = []
            for rule in script.rules:
                whole = line.rstrip("\r\n") == before == rule["before"]
                if whole if rule["whole"] else before.endswith(rule["before"]):
                    wanted = rule["items"] if kind == types.InlineCompletionTriggerKind.Invoked else rule["items"][:1]
                    items = [item_of(wanted_item, document, params.position) for wanted_item in wanted]
                    break
            try:
                await script.open.wait()
            except asyncio.CancelledError:
                note("cancelled", before=before)
                raise
            return types.InlineCompletionList(items=items)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        given = server.protocol.client_capabilities.general
        sent = getattr(server, "sent_options", None)
        note("initialized", options=plain(sent), encodings=[str(e) for e in (given and given.position_encodings) or []])

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.sent_options = params.initialization_options  # type: ignore[attr-defined]

    for method in ("textDocument/didShowCompletion", "textDocument/didPartiallyAcceptCompletion"):

        def feedback(params: Any, method: str = method) -> None:
            note(method.removeprefix("textDocument/"), **plain(params))

        server.feature(method)(feedback)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configuration(params: types.DidChangeConfigurationParams) -> None:
        note("didChangeConfiguration", settings=plain(params.settings))

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        note(
            "didChangeWorkspaceFolders",
            added=[folder.uri for folder in params.event.added],
            removed=[folder.uri for folder in params.event.removed],
        )

    @server.command("codeassist.accept")
    def accept(item: str) -> None:
        documents = server.workspace.text_documents.values()
        note("accept", item=item, texts=[document.source for document in documents])

    ScriptedEdits(server, note)

    @server.command("codeassist.explain")
    def explain() -> dict[str, Any]:
        return {"markdown": "# Why\n\n- because"}

    @server.command("codeassist.status")
    def status() -> dict[str, Any]:
        return STATUS

    @server.command("codeassist.reindex")
    def reindex() -> None:
        note("reindex")

    @server.command("test.script")
    def set_script(rules: Any) -> None:
        """Answer by these rules, and forget what was sent so far."""
        script.rules, script.log, script.num_items = rules, [], 0
        script.open.set()

    @server.command("test.log")
    def get_log() -> list[dict[str, Any]]:
        return script.log

    @server.command("test.hold")
    def hold() -> None:
        """Answer no request for a completion until `test.release`."""
        script.open.clear()

    @server.command("test.release")
    def release() -> None:
        script.open.set()

    @server.command("test.notify")
    def notify(method: str, params: Any) -> None:
        server.protocol.notify(method, types.ProgressParams(**params) if method == types.PROGRESS else params)

    @server.command("test.pid")
    def pid() -> int:
        return os.getpid()

    return server


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoding", help="count columns so, whatever the client offers")
    parser.add_argument("--name", default="scripted")
    parser.add_argument("--without-inline-completion", action="store_true")
    arguments = parser.parse_args()
    if arguments.encoding:
        ServerCapabilitiesBuilder.choose_position_encoding = classmethod(  # type: ignore[method-assign]
            lambda cls, capabilities: types.PositionEncodingKind(arguments.encoding)
        )
    with contextlib.suppress(KeyboardInterrupt):
        make_server(arguments.name, not arguments.without_inline_completion).start_io()


if __name__ == "__main__":
    main()
