"""What other clients than our own are told: nothing outside the protocol, nothing that they cannot use.

Every test in this folder holds every message to the protocol (tests/lsp/messages.py); here are the clients that ask for
less, and progress that must end.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from codeassist_lsp.transport.own_messages import EditsResult, StatusParams
from tests.end_to_end.conftest import SOURCES, Program
from tests.lsp.conftest import STAGED, editor_for
from tests.lsp.editor import Editor, plain, within
from tests.lsp.messages import Messages, misfits
from tests.lsp.serving.test_server_feedback import stats

LISTS = {"editor": {"debounce_ms": 0, "completion_items": True, "multiline": "always"}}


def listed(dynamic: bool, formats: list[types.MarkupKind] | None = None) -> types.ClientCapabilities:
    """A client with the ordinary list only, as most editors are."""
    item = types.ClientCompletionItemOptions(documentation_format=formats)
    completion = types.CompletionClientCapabilities(dynamic_registration=dynamic, completion_item=item)
    return types.ClientCapabilities(text_document=types.TextDocumentClientCapabilities(completion=completion))


async def entries(editor: Editor, path: str, line: int, col: int) -> list[Any]:
    where = types.CompletionParams(types.TextDocumentIdentifier(editor.uri(path)), types.Position(line, col))
    return (await within(editor.client.text_document_completion_async(where))).items


async def settled(editor: Editor) -> None:
    """Wait for a model without being told of it."""
    while (await editor.run("codeassist.status"))["model"]["name"] is None:
        await asyncio.sleep(0.01)


def test_a_client_that_asks_for_nothing_else_is_told_of_the_protocol_only(program: Program) -> None:
    async def test() -> None:
        environment = {**program.environment(), "PYTHONPATH": f"{program.environment()['PYTHONPATH']}:{SOURCES}"}
        editor = Editor(STAGED, program.root, environment)
        await editor.start(LISTS, able=listed(dynamic=False, formats=[types.MarkupKind.Markdown]))
        assert editor.capabilities.completion_provider is not None, "it cannot be registered later"
        await settled(editor)
        # Emacs says that it has no settings: those of its start hold.
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
        editor.open("a.py", "#say return sum(\\n        points)\ndef area(points):\n    re")
        [entry] = await entries(editor, "a.py", 2, 6)
        assert (entry.label, entry.documentation.kind) == ("return sum(", "markdown")

        # It never executes the item's command: what it does to the text tells.
        editor.edit("a.py", (2, 4), (2, 6), entry.text_edit.new_text)
        found = await stats(editor, program)
        assert (found["suggestions"], found["accepted"], found["accepted_chars"]) == (
            1,
            1,
            len(entry.text_edit.new_text) - 2,
        )
        assert plain(await editor.run("codeassist.accept", *entry.command.arguments)) is None
        assert (await stats(editor, program))["accepted_chars"] == found["accepted_chars"], "counted once"
        assert editor.statuses == [] and editor.progress == []
        code, errors = await editor.stop()
        assert code == 0, errors

    asyncio.run(within(test()))


@pytest.mark.parametrize("ending", ["shutdown", "folder"])
def test_progress_ends_when_the_work_does_not(program: Program, tmp_path: Path, ending: str) -> None:
    """The index is still being built when the client leaves, or the folder."""
    go_on = tmp_path / "go_on"

    async def test() -> None:
        environment = {**program.environment(), "CODEASSIST_TEST_REPORT_UNTIL": str(go_on)}
        environment["PYTHONPATH"] += f":{SOURCES}"
        editor = await Editor(STAGED, program.root, environment).start()
        try:
            is_indexing = "codeassist: index"
            await editor.hears(lambda: is_indexing in [value.get("title") for _, value in editor.progress])
            [token] = [token for token, value in editor.progress if value.get("title") == is_indexing]
            if ending == "folder":
                folder = types.WorkspaceFolder(program.root.as_uri(), program.root.name)
                event = types.WorkspaceFoldersChangeEvent(added=[], removed=[folder])
                editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
                await editor.hears(lambda: editor.wire.progress[token] == "end")
            else:
                editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
                await within(editor.client.shutdown_async(None))
                assert editor.wire.progress[token] == "end", "before the answer"
        finally:
            go_on.touch()
        if ending == "folder":
            await editor.stop()
        else:
            editor.client.exit(None)
            await within(editor.process.wait())
        assert editor.wire.at_the_end() == []

    asyncio.run(within(test()))


def test_a_list_is_registered_with_whom_it_can_be(program: Program) -> None:
    async def test() -> None:
        for able, wanted in ((listed(dynamic=True), 1), (listed(dynamic=False), 0)):
            editor = editor_for(program)
            registered: list[str] = []
            editor.client.feature(types.CLIENT_REGISTER_CAPABILITY)
            editor.client.protocol.fm.features.pop(types.CLIENT_REGISTER_CAPABILITY)

            @editor.client.feature(types.CLIENT_REGISTER_CAPABILITY)
            def _register(params: types.RegistrationParams, registered: list[str] = registered) -> None:
                registered.extend(each.method for each in params.registrations)

            await editor.start(able=able)
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"codeassist": LISTS}))
            await editor.run("codeassist.status")  # answered after what was sent before it has been dealt with
            code, errors = await editor.stop()
            assert code == 0, errors
            assert len(registered) == wanted

    asyncio.run(within(test()))


def test_what_is_wrong_in_a_message_is_seen() -> None:
    able = {"window": {}}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "textDocument/inlineCompletion", "params": {}}
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    for message, problem in (
        (
            {"method": "didChangeStatus", "params": StatusParams(busy=False, message="", kind="Normal", silent={})},
            "asked for",
        ),
        ({"method": "window/showMessage", "params": {"type": 1, "message": "x", "kind": 2}}, "kind is unknown"),
        ({"method": "window/showMessage", "params": {"type": "1", "message": "x"}}, "no ShowMessage"),
        ({"method": "window/showMessage", "params": {"type": 1}}, "no ShowMessage"),
        ({"method": "textDocument/didOpen", "params": {}}, "only clients"),
        ({"method": "codeassist/else", "params": {}}, "nor declared"),
        ({"method": "$/progress", "params": {"token": "a", "value": {"kind": "end"}}}, "end after None"),
        ({"id": 5, "method": "window/workDoneProgress/create", "params": {"token": "a"}}, "shows no progress"),
        ({"id": 1, "result": {"items": [{"insertText": "a", "range": place, "label": "a"}]}}, "label is unknown"),
        ({"id": 1, "result": {"items": [{"insertText": "a", "range": 5}]}}, "no InlineCompletion"),
        ({"id": 1, "result": None, "error": None}, "result is unknown"),
    ):
        wire = Messages()
        wire.sent({"id": 0, "method": "initialize", "params": {"capabilities": able}})
        wire.sent(ask)
        wire.received({"jsonrpc": "2.0", **message})
        assert len(wire.problems) == 1 and problem in wire.problems[0], (message, wire.problems)
    right: Any = {"edits": [], "whyNone": None}
    assert not list(misfits(right, EditsResult, ""))
    for wrong in ({"edits": []}, {**right, "why": ""}, {**right, "edits": [{}]}, {**right, "whyNone": 3}, []):
        assert list(misfits(wrong, EditsResult, "")), wrong
