"""What must not end a server, or must: garbage, edits that do not fit, failing jobs, a dead thread, a dead client."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import STAGED, Run, editor_for
from tests.lsp.editor import DEADLINE_S, Editor, within


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def asked(method: str, params: Any, number: Any = 7) -> bytes:
    return framed(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())


@pytest.mark.parametrize(
    "garbage",
    [
        framed(b"{"),
        framed(b"\xff\xfe\x00"),
        framed(b"[1, 2]"),
        framed(b"null"),
        framed(b"{}"),
        framed(b'{"jsonrpc": "2.0", "id": {}, "method": "x"}'),
        framed(b'{"jsonrpc": "2.0", "id": 1, "method": []}'),
        framed(b'{"jsonrpc": "2.0", "id": 1}'),
        framed(b'{"jsonrpc": "2.0", "id": "nobody asked", "result": {"jsonrpc": "2.0"}}'),
        framed(b'{"jsonrpc": "2.0", "id": "nobody asked", "error": 5}'),
        framed(b"[" * 100_000),
        framed(b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": ' + b"[" * 950 + b"]" * 950 + b"}"),
        b"GET / HTTP/1.1\r\n\r\n",
        b"Content-Length: 2\r\n\r\n{}{}{}",
        asked("textDocument/inlineCompletion", None),
        asked("textDocument/inlineCompletion", {"textDocument": 5}),
        asked("textDocument/inlineCompletion", {"textDocument": {"uri": "x"}, "position": {"line": -1}}),
        asked("no/such/method", {"a": [1]}),
        asked("initialize", {"capabilities": {}}),
        asked("workspace/executeCommand", {"command": "codeassist.nonsense"}),
        asked("workspace/executeCommand", {"command": "codeassist.accept", "arguments": [{"a": 1}, [2], None]}),
        framed(b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": {}}}'),
        framed(b'{"jsonrpc": "2.0", "method": "textDocument/didShowCompletion", "params": {"item": [5]}}'),
        framed(b'{"jsonrpc": "2.0", "method": "textDocument/didPartiallyAcceptCompletion"}'),
        framed(b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "never asked"}}'),
        framed(b'{"jsonrpc": "2.0", "method": "no/such/notification"}'),
    ],
)
def test_garbage_costs_nothing_but_itself(run: Run, garbage: bytes) -> None:
    async def test(editor: Editor) -> None:
        stdin = editor.process.stdin
        assert stdin is not None
        stdin.write(garbage)
        editor.open("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1

    run(test)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("textDocument/inlineCompletion", {"textDocument": {"uri": 5}}, -32602),
        ("no/such/method", {}, -32601),
        ("initialize", {"capabilities": {}}, -32600),
    ],
)
def test_a_request_that_is_wrong_is_answered_with_an_error(run: Run, method: str, params: Any, code: int) -> None:
    async def test(editor: Editor) -> None:
        stdin = editor.process.stdin
        assert stdin is not None
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        protocol = editor.client.protocol
        handled = protocol._handle_response

        def handle(number: Any, result: Any = None, error: Any = None) -> None:
            if number == 4711:
                answer.set_result(error)
            else:
                handled(number, result, error)

        protocol._handle_response = handle  # type: ignore[method-assign]
        try:
            stdin.write(asked(method, params, 4711))
            assert (await within(answer)).code == code
        finally:
            del protocol._handle_response  # type: ignore[method-assign]

    run(test)


def test_edits_that_do_not_fit_and_documents_that_are_not_open(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.edit("never.py", (0, 0), (0, 0), "x", version=3)
        editor.close("never.py")
        assert await editor.ask("never.py", 0, 0) == []
        del editor.versions["never.py"]
        editor.open("a.py", "#say points\nx = ", version=5)
        for start, end, version, line in [
            ((9, 0), (9, 1), 6, 1),
            ((1, 0), (0, len("#say points")), 6, 1),
            ((0, 0), (0, 0), 2, 2),
        ]:
            editor.edit("a.py", start, end, "\n", version=version)
            assert len(await editor.ask("a.py", line, 4)) == 1
            editor.replace("a.py", "#say points\nx = ", version=7)
            assert len(await editor.ask("a.py", 1, 4)) == 1
        assert len(await editor.ask("a.py", 50, 4)) == 1, "after the last line is the text's end"
        assert len(await editor.ask("a.py", 1, 4_000)) == 1, "after the line is its end"

    run(test)


def test_a_text_that_is_no_unicode(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("odd.py", '#say points\ny = "\ud83d"\nx = ')
        assert len(await editor.ask("odd.py", 2, 4)) == 1

    run(test)


def test_a_document_of_20_megabytes_blocks_nobody(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.messages.clear()
        editor.open("large.py", "some = line_of_code\n" * 1_000_000)
        assert await editor.ask("large.py", 5, 0) == []
        editor.edit("large.py", (500_000, 0), (500_000, 0), "x")
        editor.open("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1
        assert await editor.ask("large.py", 5, 0) == []
        await editor.hears(lambda: editor.messages)
        assert len(editor.messages) == 1 and "large.py has more than 4,000,000 characters" in editor.messages[0]

    run(test)


def test_a_failing_job_and_a_dead_thread_cost_one_request(program: Program) -> None:
    async def test() -> None:
        editor = await (await editor_for(program).start()).ready()
        editor.open("a.py", "#crash\nx = ")
        assert await editor.ask("a.py", 1, 4) == []
        await editor.hears(lambda: editor.statuses[-1].kind == "Error")
        assert "ZeroDivisionError" in editor.statuses[-1].message
        editor.replace("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1
        await editor.hears(lambda: editor.statuses[-1].kind == "Normal")

        editor.replace("a.py", "#die\n#say points\nx = ")
        assert len(await editor.ask("a.py", 2, 4)) == 1
        await editor.hears(lambda: "ended by itself" in editor.statuses[-1].message)
        editor.replace("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1
        await editor.hears(lambda: editor.statuses[-1].kind == "Normal")
        assert (await editor.run("codeassist.status"))["model"]["num_restarts"] == 1
        code, errors = await editor.stop()
        assert code == 0 and "ZeroDivisionError" in errors and "SystemExit" in errors
        logged = (program.home / "cache" / "log" / "serve.log").read_text()
        assert "ZeroDivisionError" in logged and "points" not in logged, "a document's text is in the log"

    asyncio.run(within(test()))


def test_a_model_that_is_missing_is_said_once_and_another_is_loaded(program: Program) -> None:
    async def test() -> None:
        editor = await editor_for(program).start({"model": {"name": "smollm2-135m"}})
        await editor.hears(lambda: editor.messages)
        assert "codeassist models pull smollm2-135m` in a terminal" in editor.messages[0]
        assert "--" not in editor.messages[0], "options are the command line's"
        await editor.hears(lambda: editor.statuses[-1].kind == "Error")
        assert editor.statuses[-1].message == "smollm2-135m is not installed"
        editor.open("a.py", "#say points\nx = ")
        assert await editor.ask("a.py", 1, 4) == []
        assert (await editor.run("codeassist.status"))["model"]["missing"] == "smollm2-135m"

        def switch(name: str) -> None:
            sent = {"codeassist": {"model": {"name": name}}}
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))

        editor.statuses.clear()
        switch("own")
        await editor.ready()
        assert len(await editor.ask("a.py", 1, 4)) == 1
        assert (await editor.run("codeassist.status"))["model"]["missing"] is None
        switch("smollm2-135m")
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "own stays in service" in editor.statuses[-1].message
        assert len(await editor.ask("a.py", 1, 4)) == 1, "the old one goes on serving"
        assert sum("smollm2-135m is not installed" in message for message in editor.messages) <= 2
        begun = [value["title"] for _, value in editor.progress if value["kind"] == "begin"]
        assert "codeassist: model" in begun
        assert len([value for _, value in editor.progress if value["kind"] == "end"]) == len(begun)
        await editor.stop()

    asyncio.run(within(test()))


def test_folders_come_and_go(program: Program, tmp_path: Path) -> None:
    async def test() -> None:
        other = tmp_path / "other"
        (other / ".git").mkdir(parents=True)
        (other / "far.py").write_text("def far_away():\n    return 1\n")
        editor = await (await editor_for(program).start(folders=[program.root])).ready()
        added, removed = [types.WorkspaceFolder(other.as_uri(), "other")], []
        for event in (
            types.WorkspaceFoldersChangeEvent(added=added, removed=removed),
            types.WorkspaceFoldersChangeEvent(added=removed, removed=added),
        ):
            editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
            roots = {entry["root"] for entry in (await editor.run("codeassist.status"))["index"]}
            assert roots == {str(program.root), *(str(other) for _ in event.added)}
            if event.added:
                away = (other / "near.py").as_uri()
                shutil.rmtree(other)
                editor.open(away, "#say points\nx = ")
                assert len(await editor.ask(away, 1, 4)) == 1, "the folder is gone, the document is not"
        assert set((await editor.run("codeassist.reindex"))["roots"]) == {str(program.root)}
        editor.open("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1
        await editor.stop()

    asyncio.run(within(test()))


def server_without_an_editor(program: Program, tmp_path: Path, process_id: int | None) -> subprocess.Popen[bytes]:
    """A server that has answered `initialize`."""
    environment = program.environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parents[3]}"
    server = subprocess.Popen(
        STAGED, cwd=program.root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(asked("initialize", {"processId": process_id, "capabilities": {}, "rootUri": None}))
    server.stdin.flush()
    assert server.stdout.readline().startswith(b"Content-Length")
    server.stdin.write(framed(b'{"jsonrpc": "2.0", "method": "initialized", "params": {}}'))
    server.stdin.flush()
    return server


def test_a_server_ends_with_its_stdin(program: Program, tmp_path: Path) -> None:
    server = server_without_an_editor(program, tmp_path, None)
    assert server.stdin is not None
    server.stdin.close()
    assert server.wait(DEADLINE_S) == 0
    for pipe in (server.stdout, server.stderr):
        assert pipe is not None
        pipe.close()


def test_a_server_ends_with_the_process_that_it_was_told_of(program: Program, tmp_path: Path) -> None:
    """Its pipes stay open: another process may have inherited them."""
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = server_without_an_editor(program, tmp_path, client.pid)
    client.kill()
    client.communicate()
    began = time.monotonic()
    with server:
        server.wait(DEADLINE_S)
    assert server.returncode == 1, time.monotonic() - began


def test_requests_before_initialize_and_after_shutdown(program: Program) -> None:
    async def test() -> None:
        editor = editor_for(program)
        client = editor.client
        await client.start_io(*STAGED, cwd=program.root, env=dict(editor._environment))
        with pytest.raises(JsonRpcException) as error:
            await editor.run("codeassist.status")
        assert error.value.code == -32002
        await within(client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities())))
        await within(client.shutdown_async(None))
        with pytest.raises(JsonRpcException) as error:
            await editor.run("codeassist.status")
        assert error.value.code == -32600
        client.exit(None)
        assert await within(editor.process.wait()) == 0
        await within(client.stop())

    asyncio.run(within(test()))


def test_who_asks_before_the_model_is_there_gets_an_answer_when_it_is(program: Program) -> None:
    """What nobody asked for gets none at once: the editor asks again when the status says that the model is there."""

    async def test() -> None:
        editor = await editor_for(program).start({"editor": {"debounce_ms": 0}})
        editor.open("early.py", "#say points\nx = \n")
        automatic = await editor.ask("early.py", 1, 4, automatic=True)
        invoked = await editor.ask("early.py", 1, 4)
        assert [item.insert_text for item in invoked] == ["points"]
        assert automatic == [] or [item.insert_text for item in automatic] == ["points"]
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    asyncio.run(within(test()))
