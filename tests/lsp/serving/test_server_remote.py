"""A remote engine behind the real language server and the real command line: a loopback server in a thread of ours."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.completions_server import CompletionsServer, is_hung_up
from tests.end_to_end.conftest import CURSOR, Program
from tests.git_repositories import commit_files
from tests.lsp.editor import CANCELLED, Editor, within
from tests.tiny_models import train_tokenizer

SAID = "polygon_area(points)"


@pytest.fixture(scope="module")
def remote() -> Iterator[CompletionsServer]:
    with CompletionsServer(train_tokenizer("qwen2"), lambda prompt: f"{SAID}\n    return 1\n") as server:
        yield server


def configure(program: Program, url: str, more: str = "") -> None:
    patience = "timeout_ms = 90000"
    folders = json.dumps([str(program.root)])
    program.configure(program.model, f"[remote]\nurl = {json.dumps(url)}\nrepositories = {folders}\n{patience}\n{more}")


def test_the_server_behind_an_editor(program: Program, remote: CompletionsServer) -> None:
    configure(program, remote.url)
    asyncio.run(within_all(program, remote))


async def within_all(program: Program, remote: CompletionsServer) -> None:
    editor = Editor(program.command("serve", "--stdio"), program.root, program.environment())
    await editor.start({"editor": {"debounce_ms": 0}, "remote": {"repositories": ["*"]}})
    try:
        await editor.ready()
        assert any("remote.repositories cannot be set here" in message for message in editor.messages)
        status = await editor.run("codeassist.status")
        assert (status["model"]["name"], status["model"]["device"]) == ("tiny at " + host(remote), "remote")

        text = "from src import shapes\n\ndef show(points):\n    shapes.\n"
        editor.open("src/app.py", text)
        [item] = await editor.ask("src/app.py", 3, 11, automatic=True)
        assert item.insert_text.endswith(SAID)
        why = await editor.run("codeassist.explain")
        assert why["sent"]["url"] == remote.url and why["sent"]["num_times"] == 1
        assert "Sent to" in why["markdown"] and why["model"] == "tiny"

        editor.open(".env", "NAME=\n", language="dotenv")
        assert await editor.ask(".env", 0, 5, automatic=True) == []
        assert (await editor.idle())["cache"] is None, "no local model was loaded for it"

        closed = threading.Event()

        def wait_for_the_end(connection: socket.socket) -> None:
            remote.before_answer = lambda connection: None
            if is_hung_up(connection, 60):
                closed.set()

        remote.before_answer = wait_for_the_end
        num_before = len(remote.requests)
        # No beginning of what is known: it is asked for anew. Names are held to what there is after `shapes.`.
        editor.edit("src/app.py", (3, 11), (3, 11), "q + shapes.")
        _, first = editor.begin("src/app.py", 3, 22, automatic=True)
        while len(remote.requests) == num_before:
            await asyncio.sleep(0.01)
        editor.edit("src/app.py", (3, 22), (3, 22), "x + shapes.")
        second = await editor.ask("src/app.py", 3, 33, automatic=True)
        with pytest.raises(Exception) as raised:
            await within(first)
        assert getattr(raised.value, "code", None) == CANCELLED and second
        assert await asyncio.to_thread(closed.wait, 60), "the newer request ended the older one on the server"

        num_before = len(remote.requests)
        editor.open("untitled:///new", "x = 1\n", language="python")
        await editor.ask("untitled:///new", 0, 5)
        assert len(remote.requests) == num_before, "in no repository: it stays here"
        editor.open("untitled:Untitled-1", "from src import shapes\nshapes.\n", language="python")
        await editor.ask("untitled:Untitled-1", 1, 7)
        why = await editor.run("codeassist.explain")
        assert why["path"] == "Untitled-1.py" and "the text has no file yet" in " ".join(why["notices"])
        assert len(remote.requests) == num_before, "without a file it stays here, with its repository's context"
        planned = f"untitled:{program.root.as_posix()}/src/planned.py"
        editor.open(planned, "x = \n", language="python")
        await editor.ask(planned, 0, 4)
        assert len(remote.requests) > num_before, "what is to be a file of the repository is as one"

        num_before = len(remote.received)
        (program.root / ".codeassistignore").write_text("private/\n")
        (program.root / "private").mkdir()
        editor.open("private/plan.py", "plan = 'inherit the moon'\nx = \n")
        await editor.ask("private/plan.py", 1, 4)
        why = await editor.run("codeassist.explain")
        assert "the file is ignored" in " ".join(why["notices"]) and why["sent"] is None
        assert len(remote.received) == num_before, "an ignored file stays here"
        editor.open("src/keys.py", "a = 1\npassword = '" + "tulip47Br")
        await editor.ask("src/keys.py", 1, 21)
        assert len(remote.received) > num_before
        for request in remote.requests:
            assert "tulip" not in remote.tokenizer.decode(remote.ids_of(request["prompt"]))

        num_before = len(remote.received)
        editor.open("src/huge.py", "token = " * 300_000 + "\nx = \n")
        await editor.ask("src/huge.py", 1, 4)
        why = await editor.run("codeassist.explain")
        assert "could not be searched for keys and passwords" in " ".join(why["notices"]) and why["sent"] is None
        assert len(remote.received) == num_before, "what cannot be cleared stays here"
        editor.close("src/huge.py")

        remote.stop()
        for number, col in enumerate((14, 15)):
            editor.edit("src/app.py", (3, col - 1), (3, col - 1), "y")
            await editor.ask("src/app.py", 3, col, automatic=True)
            assert (await editor.idle())["requests"]["counts"].get("failed", 0) == 0, number
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "is away; the local model answers" in editor.statuses[-1].message
        code, errors = await editor.stop()
        assert code == 0, errors
    finally:
        await editor.kill()
        remote.stop()
        remote.start()


def test_the_server_behind_the_command_line(program: Program, remote: CompletionsServer) -> None:
    configure(program, remote.url)
    done = program.run("complete", CURSOR, "--explain")
    assert (
        done.code == 0
        and done.out == f"{SAID}\n"
        and f"Sent to {remote.url}: a prompt of" in " ".join(done.err.split())
    )
    num_before = len(remote.received)
    (program.root / "config.py").symlink_to(program.root / "private.env")
    (program.root / "private.env").write_text("plan = 1\n")
    kept = program.run("complete", "config.py:1:5")
    assert kept.code == 0 and "completed on this machine: secret: file of keys or credentials" in kept.err, kept
    assert "private" not in kept.err, "what a link leads to is not named"
    assert len(remote.received) == num_before
    link = program.root.with_name("mine")
    link.symlink_to(program.root, target_is_directory=True)
    assert program.run("complete", str(link / CURSOR)).out == f"{SAID}\n"
    told = remote.tokenizer.decode(remote.ids_of(remote.requests[-1]["prompt"]))
    assert "mine\n" in told and f"{program.root.name}\n" not in told, "the repository goes by the name that was opened"
    remote.stop()
    try:
        answer = program.run("complete", CURSOR, "--json")
        assert answer.code == 0, answer
        document = json.loads(answer.out)
        assert document["model"] == "own" and document["sent"] is None
        assert "cannot be reached" in document["notices"][0]
        configure(program, remote.url, "fallback = false")
        program.run("complete", CURSOR).fails(4, "remote.fallback is off")
    finally:
        remote.start()


def test_next_edits_by_the_server(program: Program) -> None:
    added = "    total = polygon_area(points, scale=1, closed=True)"
    with CompletionsServer(
        train_tokenizer("qwen2"), lambda prompt: f"+{added}\n     return 3\n", gives_logprobs=True
    ) as server:
        configure(program, server.url, "context_tokens = 2000")
        before = "def polygon_area(points):\n    return sum(points)\n"
        caller = "from src.shapes import polygon_area\n\n\ndef show(points):\n    total = polygon_area(points)\n"
        (program.root / ".git").rmdir()
        files = {"src/shapes.py": before, "src/app.py": caller + "    return 3 * total\n", "keys.env": "plan = 1\n"}
        commit_files(program.root, files)
        program.write("src/shapes.py", before.replace("(points):", "(points, scale, closed):"))
        program.write("keys.env", "plan = 'inherit the moon'\n")
        done = program.run("next-edit", "--json")
        assert done.code == 0, done
        [edit] = json.loads(done.out)["edits"]
        assert (edit["path"], edit["new"], edit["source"]) == ("src/app.py", [added], "diff")
        assert f"Sent to {server.url}" in " ".join(done.err.split())
        texts = [server.tokenizer.decode(server.ids_of(each)) for each in server.prompts()]
        prompts = [text for text in texts if "@@ @@" in text]
        assert prompts and all("+def polygon_area(points, scale, closed):" in text for text in prompts)
        assert not any("moon" in text or "keys.env" in text for text in texts)

        num_before = len(server.received)
        program.configure(program.model, f"[remote]\nurl = {json.dumps(server.url)}\nrepositories = []\n")
        program.run("next-edit")
        assert len(server.received) == num_before, "nobody has said that this repository may leave"


def host(server: CompletionsServer) -> str:
    return server.url.removeprefix("http://").removesuffix("/v1")
