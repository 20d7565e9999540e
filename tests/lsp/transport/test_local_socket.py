"""The local socket: only its user's, never in the way of another, nothing left behind; and the program's side of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from codeassist.errors import CodeAssistError
from codeassist_lsp.sharing import server_client as control
from codeassist_lsp.sharing.server_client import ALIVE, NoAnswer, servers
from codeassist_lsp.transport import addresses, local_socket
from codeassist_lsp.transport.addresses import (
    Address,
    LoopbackAddress,
    NotReachable,
    UnixAddress,
    announce,
    connect,
    private_folder,
    reachable,
)
from codeassist_lsp.transport.framing import Framing
from codeassist_lsp.transport.local_socket import LocalSocket

posix = pytest.mark.skipif(os.name != "posix", reason="looks at modes and owners")
Handle = Callable[[dict[str, Any], Callable[[dict[str, Any]], None]], Awaitable[None]]


async def answer(message: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    if "id" in message:
        send({"id": message["id"], "result": {"method": message["method"], "params": message["params"]}})


@contextmanager
def listening(run: Path, handle: Handle = answer, path: Path | None = None) -> Iterator[LocalSocket]:
    """A socket on an event loop in another thread; each message of each connection is handled by `handle`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: dict[str, Any]) -> None:
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

        framing = Framing()
        while data := await reader.read(1 << 16):
            for body in framing.feed(data):
                await handle(json.loads(body), send)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = LocalSocket(serve, run)
    try:
        asyncio.run_coroutine_threadsafe(made.open(path), loop).result(30)
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture(params=["unix", "loopback"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "loopback" or os.name != "posix":
        for module in (addresses, local_socket):
            monkeypatch.setattr(module, "HAS_UNIX_SOCKETS", False)
        return "loopback"
    return "unix"


def test_programs_of_the_user_find_the_server_and_nothing_is_left_behind(run: Path, kind: str) -> None:
    with listening(run) as one, listening(run) as two:
        found = [each.address for each in servers(run)]
        assert sorted(map(str, found)) == sorted([str(one.address), str(two.address)])
        assert all(isinstance(each, LoopbackAddress) == (kind == "loopback") for each in found)
        for each in servers(run):
            each.greet()
            assert each.request("what", {"a": "é"}) == {"method": "what", "params": {"a": "é"}}
    assert list(run.iterdir()) == []
    assert list(servers(run)) == []


@posix
def test_nobody_else_can_open_it(run: Path) -> None:
    run.mkdir(mode=0o755, parents=True)
    with listening(run) as made:
        assert isinstance(made.address, UnixAddress)
        modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (run, *run.iterdir())}
        assert set(modes.values()) == {0o700, 0o600}
        assert modes["run"] == 0o700
        assert len(modes) == 3


@posix
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not name the other side's user")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_turned_away_even_if_the_file_lets_them(tmp_path: Path, run: Path) -> None:
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
        "print(s.recv(9))"
    )
    path = Path(f"/tmp/codeassist-test-{os.getpid()}.sock")  # a place that others can reach
    with listening(run, path=path):
        path.chmod(0o666)
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, b"b''\n"), done


def test_who_does_not_know_the_token_is_turned_away(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (addresses, local_socket):
        monkeypatch.setattr(module, "HAS_UNIX_SOCKETS", False)
    with listening(run) as made:
        assert isinstance(made.address, LoopbackAddress)
        for token in ("", "wrong"):
            with connect(LoopbackAddress(0, made.address.port, token)) as connection:
                connection.settimeout(30)
                assert connection.recv(9) == b""


@posix
def test_a_folder_that_is_not_the_users_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(CodeAssistError, match="not a folder of your own"):
        private_folder(tmp_path / "link")
    (tmp_path / "file").touch()
    with pytest.raises(CodeAssistError, match="cannot hold sockets"):
        private_folder(tmp_path / "file" / "run")
    with listening(tmp_path / "theirs"):
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert list(reachable(tmp_path / "theirs")) == []


def test_what_dead_servers_left_is_removed_and_nothing_else(run: Path, kind: str) -> None:
    private_folder(run)
    dead: list[Address] = [LoopbackAddress(1, unused_port(), "t")]
    if kind == "unix":
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(run / "1-dead.sock"))
        left.close()
        dead = [UnixAddress(1, run / "1-dead.sock"), UnixAddress(1, run / "never.sock")]
    for address in dead:
        announce(run, address)
    (run / "notes.json").write_text("no announcement")
    with listening(run) as made:
        assert [each.address for each in servers(run)] == [made.address]
    assert [path.name for path in run.iterdir()] == ["notes.json"]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@posix
def test_a_socket_where_one_was_asked_for(tmp_path: Path, run: Path) -> None:
    path = tmp_path / "mine.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with listening(run, path=path) as made:  # what a dead server left is no obstacle
        assert [each.address for each in servers(run)] == [made.address]
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        with pytest.raises(CodeAssistError, match="another server listens there"), listening(run, path=path):
            pass
        assert [each.address for each in servers(run)] == [made.address]
    assert not path.exists()
    path.write_text("precious")
    for taken, message in (
        (path, "something else stands there"),
        (tmp_path / "none" / "x.sock", "there is no folder"),
        (tmp_path / ("x" * 120), "too long"),
    ):
        with pytest.raises(CodeAssistError, match=message), listening(run, path=taken):
            pass
    assert path.read_text() == "precious"


# --- the program's side


def test_a_server_that_says_that_it_works_is_waited_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "SILENCE_S", 2.0)
    heard: list[Any] = []

    async def slow(message: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        for stage in ("queue", "running"):
            send({"method": ALIVE, "params": {"stage": stage}})
        send({"method": "window/logMessage", "params": {}})
        send({"id": 99, "result": "of something else"})
        send({"id": message["id"], "result": 7})

    with listening(run, slow):
        for each in servers(run):
            assert each.request("work", None, on_alive=heard.append) == 7
    assert heard == [{"stage": "queue"}, {"stage": "running"}]


@pytest.mark.parametrize(
    ("way", "message"),
    [("silent", "does not answer"), ("hangs up", "hung up"), ("fails", "failed: no"), ("garbage", "does not answer")],
)
def test_a_server_that_does_not_answer_is_left(
    run: Path, way: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "SILENCE_S", 0.2)

    async def badly(message: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        if way == "hangs up":
            raise ConnectionResetError
        if way == "fails":
            send({"id": message["id"], "error": {"code": -32603, "message": "no"}})
        if way == "garbage":
            send({"id": "?", "result": 1})

    with listening(run, badly):
        for each in servers(run):
            with pytest.raises(NoAnswer, match=message):
                each.request("work", {})


def test_a_server_that_only_ever_says_that_it_works_is_left(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "SILENCE_S", 5.0)

    async def endless(message: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        while True:
            send({"method": ALIVE, "params": {"stage": "running"}})
            await asyncio.sleep(0.02)

    with listening(run, endless):
        for each in servers(run):
            with pytest.raises(NoAnswer, match="does not answer"):
                each.request("work", {}, most_s=0.3)


def test_nobody_listens(tmp_path: Path) -> None:
    assert list(servers(tmp_path / "none")) == []
    with pytest.raises(NotReachable, match="no server answers"):
        connect(UnixAddress(1, tmp_path / "none.sock"))
