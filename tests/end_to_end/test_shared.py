"""One server for several windows: real relays and servers with a tiny model; relays with an imagined server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from codeassist.errors import CodeAssistError
from codeassist.settings import Override, locate
from codeassist_lsp.serving.shared_server import Lingering
from codeassist_lsp.sharing.discovery import identity_of
from codeassist_lsp.sharing.server_client import servers
from codeassist_lsp.sharing.stdio_relay import StdioRelay
from codeassist_lsp.transport.addresses import Address, UnixAddress
from tests.end_to_end.conftest import Program
from tests.end_to_end.test_served import run_folder, wait_until
from tests.lsp.editor import DEADLINE_S, Editor, within

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")


def window(program: Program, *arguments: str) -> Editor:
    return Editor(program.command("serve", "--shared", *arguments), program.root, program.environment())


def shared_pids(program: Program) -> list[int]:
    return [server.address.pid for server in servers(run_folder(program)) if server.address.shared is not None]


def is_gone(pid: int) -> bool:
    """Whether a process has ended; that of a relay's stays a zombie until the relay ends."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def ended(program: Program) -> Iterator[None]:
    """After a test that fails no server stays."""
    yield
    for pid in shared_pids(program):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.usefixtures("ended")
def test_windows_share_a_server_and_come_and_go_without_each_other(program: Program) -> None:
    async def test() -> None:
        one, two = window(program), window(program)
        await asyncio.gather(one.start(), two.start())
        [pid] = shared_pids(program)
        assert pid not in (one.process.pid, two.process.pid)
        for each in (one, two):
            await each.ready()
            each.open("src/app.py", "x = 1\ny = ")
            await each.ask("src/app.py", 1, 4)
        assert (await two.idle())["model"]["name"] == "own"
        shown = program.run("status").out
        assert f"process {pid} at " in shown and "shared by an editor, an editor; ends 10 min 0 s after" in shown

        assert (await one.stop())[0] == 0
        await two.ask("src/app.py", 1, 3)
        assert [await two.run("codeassist.status") is not None, shared_pids(program)] == [True, [pid]]

        three = await window(program, "--linger", "5").start()  # how long it stays is no other server
        assert shared_pids(program) == [pid]
        os.kill(pid, signal.SIGKILL)
        for each in (two, three):
            await within(each.process.wait())
            code, errors = await each.stop()
            assert code == 1
            assert f"the shared server, process {pid}, is gone" in errors and errors.count("\n") == 1, errors

    asyncio.run(test())


@pytest.mark.usefixtures("ended")
def test_the_server_ends_with_its_last_window_or_when_it_is_told_to(program: Program) -> None:
    async def test() -> None:
        first = window(program, "--linger", "0")
        client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        await first.start(process_id=client.pid)
        [pid] = shared_pids(program)
        client.kill()  # its pipes stay open: another process may have inherited them
        client.communicate()
        await within(first.process.wait())
        assert first.process.returncode == 1
        await asyncio.to_thread(wait_until, lambda: is_gone(pid))
        assert [path.suffix for path in run_folder(program).iterdir()] == [".lock"]
        await first.kill()

        second, other = window(program), window(program, "--set", "completion.max_new_tokens=4")
        await asyncio.gather(second.start(), other.start())
        both = shared_pids(program)
        assert len(set(both)) == 2 and pid not in both
        done = program.run("stop", "--json")
        assert sorted(json.loads(done.out)["stopped"]) == sorted(both)
        for each in (second, other):
            await within(each.process.wait())
            assert each.process.returncode == 1
            await each.kill()
        await asyncio.to_thread(wait_until, lambda: all(map(is_gone, both)))
        assert program.run("stop").out.startswith("no shared server runs")

    asyncio.run(test())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--background"], 2, "belongs to --shared"),
        (["--shared", "--socket", "s.sock"], 2, "finds its own socket"),
        (["--shared", "--set", "oops"], 2, "write --set section.key=value"),
    ],
)
def test_wrong_options_are_one_line(program: Program, arguments: Sequence[str], code: int, message: str) -> None:
    program.run("serve", *arguments).fails(code, message)


def test_a_server_that_cannot_be_started_is_one_line(program: Program) -> None:
    program.home.joinpath("cache").write_text("in the way")
    command = program.command("serve", "--shared")
    # A client that stays: one that has left already needs no server, and nobody tries to start one.
    with subprocess.Popen(
        command, env=program.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.wait(DEADLINE_S) == 1
        out, err = process.stdout.read(), process.stderr.read().decode()
    assert out == b"" and err.count("\n") == 1 and "the shared server cannot be started" in err


def test_a_relay_imports_nothing_heavy(program: Program) -> None:
    script = (
        "import sys, codeassist.cli.app, codeassist_lsp.sharing.stdio_relay, codeassist_lsp.sharing.discovery; "
        "print([name for name in ('torch', 'pygls', 'lsprotocol', 'asyncio', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        program.command(program=script), env=program.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_who_would_start_another_server_has_another_one() -> None:
    def identity(value: str = "own", **variables: str) -> str:
        return identity_of([Override("model.name", value, "--set")], locate(variables), variables)

    assert identity() == identity(EDITOR="vi")
    different = [identity(), identity("other"), identity(CODEASSIST_HOME="/x"), identity(CODEASSIST_MODEL_THREADS="1")]
    assert len(set(different)) == 4


class Pipes:
    """A relay on pipes, in a thread; the servers that it reaches are those of `reachable`, one after the other."""

    def __init__(self, num_servers: int) -> None:
        reading, self.client = os.pipe()
        self.answers, writing = os.pipe()
        pairs = [socket.socketpair() for _ in range(num_servers)]
        self.servers = [server for server, _ in pairs]
        self._ours = [ours for _, ours in pairs]
        self.code: int | None = None
        self.problem: CodeAssistError | None = None
        self._relay = StdioRelay(lambda is_wanted: self._reach(), Path("shared.log"), reading, writing)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _reach(self) -> tuple[Address, socket.socket]:
        return UnixAddress(7, Path("s.sock")), self._ours.pop(0)

    def _run(self) -> None:
        try:
            self.code = self._relay.run()
        except CodeAssistError as error:
            self.problem = error

    def say(self, message: dict[str, object]) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        data = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        os.write(self.client, data)
        return data


@contextmanager
def relayed(num_servers: int = 1) -> Iterator[Pipes]:
    pipes = Pipes(num_servers)
    for server in pipes.servers:
        server.settimeout(DEADLINE_S)
    yield pipes
    for server in pipes.servers:
        server.close()
    pipes.thread.join(DEADLINE_S)
    assert not pipes.thread.is_alive()


def test_a_server_that_ends_as_a_window_comes_is_replaced_unnoticed() -> None:
    with relayed(2) as pipes:
        hello = pipes.say({"id": 1, "method": "initialize", "params": {"processId": os.getpid()}})
        first, second = pipes.servers
        assert first.recv(999) == hello
        first.close()
        assert second.recv(999) == hello
        second.sendall(b"hi")
        assert os.read(pipes.answers, 9) == b"hi"
        second.close()
    assert "the shared server, process 7, is gone; shared.log says why" in str(pipes.problem)


@pytest.mark.parametrize(("methods", "code"), [(["exit"], 1), (["shutdown", "exit"], 0), ([], 0)])
def test_a_relay_ends_as_the_protocol_has_it(methods: list[str], code: int) -> None:
    with relayed() as pipes:
        pipes.say({"id": 1, "method": "initialize", "params": {"processId": None}})
        for method in methods:
            pipes.say({"method": method})
        if not methods:
            os.close(pipes.client)
        while pipes.servers[0].recv(999):
            pass  # until it says that nothing more comes
        pipes.servers[0].sendall(b"bye")
        assert os.read(pipes.answers, 9) == b"bye"
    assert pipes.code == code


def test_a_server_lingers_for_editors_and_not_for_programs() -> None:
    async def test() -> None:
        ends: list[str] = []
        left_s: list[float] = []
        over = asyncio.Event()

        def end() -> None:
            ends.append("end")
            over.set()

        lingering = Lingering(0.0, lambda: left_s[-1] if left_s else None, end)
        lingering.came()
        lingering.left()  # a program asked, no editor has come yet
        await asyncio.sleep(0)
        lingering.came()
        lingering.came()
        left_s.append(0.0)
        lingering.left()
        for _ in range(3):
            await asyncio.sleep(0)
        assert ends == []  # one is still there
        lingering.left()
        await asyncio.wait_for(over.wait(), DEADLINE_S)
        assert ends == ["end"]

    asyncio.run(test())
