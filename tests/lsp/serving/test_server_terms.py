"""Over real stdio: what clients send that is not quite the protocol is taken as it is meant."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from typing import Any

import pytest
from lsprotocol import types

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import Run, editor_for
from tests.lsp.editor import Editor, plain, within


@pytest.mark.parametrize("context", [{"triggerKind": 0}, {"triggerKind": 7}, {}, None])
def test_a_completion_without_a_known_trigger_is_automatic(run: Run, context: Any) -> None:
    async def test(editor: Editor) -> None:
        editor.open("kinds.py", "#say points\nx = ")
        params = {"textDocument": {"uri": editor.uri("kinds.py")}, "position": {"line": 1, "character": 4}}
        if context is not None:
            params["context"] = context
        answer = await within(_send(editor, types.TEXT_DOCUMENT_INLINE_COMPLETION, params))
        assert [item.insert_text for item in answer.items] == ["points"]
        recent = (await editor.run("codeassist.status", {"recent": True}))["recent"][-1]
        assert recent["kind"] == "automatic"

    run(test)


def test_a_document_out_of_step_is_completed_and_the_client_told_once(program: Program) -> None:
    async def test() -> None:
        editor = await (await editor_for(program).start({"editor": {"debounce_ms": 0}})).ready()
        try:
            editor.open("replaced.py", "one\ntwo\n")
            editor.edit("replaced.py", (0, 0), (0, 0), "zero\n", version=0)
            assert await editor.ask("replaced.py", 0, 0) is not None and editor.messages == []
            editor.edit("replaced.py", (0, 0), (99_999, 0), "#say points\nx = ")
            assert [item.insert_text for item in await editor.ask("replaced.py", 1, 4)] == ["points"]
            editor.edit("replaced.py", (1, 4), (1, 4), "p", version=1)
            assert [item.insert_text for item in await editor.ask("replaced.py", 1, 5)] == ["oints"]
            editor.edit("replaced.py", (700, 0), (700, 0), "\n#say area\ny = ")
            assert [item.insert_text for item in await editor.ask("replaced.py", 800, 4)] == ["area"]
            [told] = editor.messages
            assert "replaced.py: an edit did not fit" in told and "open it again" in told
            code, errors = await editor.stop()
            assert code == 0, errors
        finally:
            await editor.kill()

    asyncio.run(test())


def test_an_edit_of_what_is_not_open_is_told_once(run: Run) -> None:
    async def test(editor: Editor) -> None:
        for _ in range(2):
            editor.edit("closed.py", (0, 0), (0, 0), "x")
        await editor.run("codeassist.status")
        editor.versions.clear()
        assert len([message for message in editor.messages if "closed.py was edited" in message]) == 1

    run(test)


@pytest.mark.parametrize("path", [".env", "deploy/.env.local", "certs/site.pem", "server.key", ".ssh/config"])
def test_in_files_of_keys_nothing_comes_by_itself(run: Run, path: str) -> None:
    async def test(editor: Editor) -> None:
        editor.open(path, "#say points\nx = ", language="dotenv")
        before = (await editor.idle())["requests"]["counts"].get("refused", 0)
        assert await editor.ask(path, 1, 4, automatic=True) == []
        assert (await editor.idle())["requests"]["counts"]["refused"] == before + 1, "no model was asked"
        await editor.hears(lambda: _silent(editor) == [f"on demand only in {path} (editor.off_paths)"])
        [item, *_] = await editor.ask(path, 1, 4)
        assert item.insert_text == "points", "who asks for it gets it"
        editor.edit(path, (1, 4), (1, 4), "po")
        assert [item.insert_text for item in await editor.ask(path, 1, 6, automatic=True)] == ["ints"]
        editor.open("settings.py", "#say points\nx = ")
        assert len(await editor.ask("settings.py", 1, 4, automatic=True)) == 1
        editor.close(path)
        del editor.versions[path]
        await editor.hears(lambda: _silent(editor) == [])

    run(test)


def test_paths_that_are_off_are_what_the_settings_say(program: Program) -> None:
    async def test() -> None:
        editor = await editor_for(program).start({"editor": {"debounce_ms": 0, "off_paths": ["private/", "!.env"]}})
        try:
            await editor.ready()
            await editor.hears(lambda: any("'!.env' would take back" in message for message in editor.messages))
            for path in ("private/deep/a.py", "src/app.py", ".env"):
                editor.open(path, "#say points\nx = ")
            shown = [len(await editor.ask(path, 1, 4, automatic=True)) for path in ("private/deep/a.py", "src/app.py")]
            assert shown == [0, 1]
            off = [f"on demand only in {path} (editor.off_paths)" for path in ("private/deep/a.py", ".env")]
            await editor.hears(lambda: _silent(editor) == off)
            (program.root / ".codeassist.toml").write_text("[editor]\noff_paths = ['src/']\n")
            assert await editor.ask("src/app.py", 1, 4, automatic=True) == []
            settings = {"codeassist": {"editor": {"debounce_ms": 0, "off_languages": ["python"]}}}
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
            off_for_python = "off for python (editor.off_languages)"
            await editor.hears(lambda: _silent(editor) == [off_for_python] * 3)
            code, errors = await editor.stop()
            assert code == 0, errors
        finally:
            await editor.kill()

    asyncio.run(test())


def _silent(editor: Editor) -> list[str]:
    """Why nothing comes by itself, for each open document where that is so, as the last status says."""
    return list(plain(editor.statuses[-1].silent).values()) if editor.statuses else []


def _send(editor: Editor, method: str, params: dict[str, Any]) -> Any:
    """Send params as they are; pygls would make them right."""
    number = f"as-is-{id(params)}"
    sent = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
    protocol = editor.client.protocol
    answer: Future[Any] = Future()
    protocol._request_futures[number] = answer
    protocol._result_types[number] = types.InlineCompletionResponse
    stdin = editor.process.stdin
    assert stdin is not None
    stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(sent), sent))
    return asyncio.wrap_future(answer)
