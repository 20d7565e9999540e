"""`serve`, `status`, and `complete` through a running server: real processes, real sockets, a tiny model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from codeassist_lsp.sharing.server_client import servers
from tests.end_to_end.conftest import CURSOR, Done, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
WAIT_S = 90

# A server whose inference thread takes a program's request and never gives it back; it says so in a file.
HANGING = """
import threading
from pathlib import Path
from codeassist.cli import main
from codeassist_lsp.handlers import cli_completion as scripts
def hang(*arguments):
    Path({marker!r}).touch()
    threading.Event().wait()
scripts._complete = hang
main()
"""


@contextmanager
def started(program: Program, *arguments: str, script: str | None = None) -> Iterator[subprocess.Popen[str]]:
    command = program.command(*arguments) if script is None else program.command(*arguments, program=script)
    process = subprocess.Popen(
        command,
        cwd=program.root,
        env=program.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def greet(process: subprocess.Popen[str]) -> None:
    """Say what an editor says first."""
    assert process.stdin is not None
    for message in (
        {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
        {"method": "initialized", "params": {}},
    ):
        body = json.dumps({"jsonrpc": "2.0", **message})
        process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n{body}")
    process.stdin.flush()


def run_folder(program: Program) -> Path:
    return program.home / "cache" / "run"


def serving(program: Program, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until the server has loaded its model; return its status."""
    deadline = time.monotonic() + WAIT_S
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        for server in servers(run_folder(program)):
            if server.address.pid == process.pid and (status := server.status())["model"]["name"]:
                return status
        time.sleep(0.02)


def wait_until(has_happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not has_happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_complete_and_status_through_a_server(program: Program) -> None:
    none = program.run("status")
    assert (none.code, none.out.startswith("no server runs")) == (0, True), none
    with started(program, "serve", "--socket", "s.sock") as process:
        status = serving(program, process)
        assert (status["model"]["name"], status["clients"]) == ("own", 1)
        first, second = (json.loads(program.run("complete", CURSOR, "--json").out) for _ in range(2))
        assert first["server"] == {"pid": process.pid, "reason": None}
        alone = json.loads(program.run("complete", CURSOR, "--json", "--no-server").out)
        assert alone["server"] == {"pid": None, "reason": "--no-server"}
        for key in ("text", "file", "line", "column", "model", "finish_reason", "num_prompt_tokens", "snippets"):
            assert first[key] == alone[key] == second[key], key
        assert "shapes.py" in [Path(snippet["path"]).name for snippet in first["snippets"]]
        assert second["num_cached_tokens"] > first["num_cached_tokens"]

        program.write("src/shapes.py", "def polygon_edges(points):\n    return points\n")  # what is on disk now counts
        changed = json.loads(program.run("complete", CURSOR, "--json").out)
        assert changed["server"]["pid"] == process.pid
        assert "polygon_edges" in "".join(snippet["text"] for snippet in changed["snippets"])
        unsaved = program.run("complete", "src/new.py:1:3", "--stdin", "--explain", stdin="x.")
        assert unsaved.code == 0
        assert f"answered by the running server, process {process.pid}" in unsaved.err

        other = json.loads(program.run("complete", CURSOR, "--json", "--set", "model.context_tokens=256").out)
        assert other["server"]["pid"] is None
        assert "its model.context_tokens is 512, not 256" in other["server"]["reason"]
        assert other["notices"] == alone["notices"]

        [listed] = json.loads(program.run("status", "--json").out)["servers"]
        assert (listed["pid"], listed["problem"], sum(listed["requests"]["counts"].values())) == (process.pid, None, 4)
        shown = program.run("status").out
        for part in (
            f"process {process.pid} at ",
            "model     own on cpu",
            "tokens reused",
            "no repository is open",
            "p95",
        ):
            assert part in shown, shown
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    assert not (program.root / "s.sock").exists()
    assert list(run_folder(program).iterdir()) == []


def test_a_server_that_hangs_is_busy_or_dies_costs_a_notice(program: Program, tmp_path: Path) -> None:
    config, marker = program.home / "config.toml", tmp_path / "hangs"
    # Both answers must be the same, however late the analysis is that names come from.
    config.write_text(config.read_text().replace("[monitor]\n", "[monitor]\nmode = 'off'\n"))
    with started(program, "serve", "--socket", "s.sock", script=HANGING.format(marker=str(marker))) as server:
        serving(program, server)
        with started(program, "complete", CURSOR) as waiting:
            wait_until(marker.exists)
            busy = program.run("complete", CURSOR)
            busy.completes()
            assert "is busy; the model was loaded anew" in busy.err
            assert waiting.poll() is None
            server.kill()
            out, err = waiting.communicate(timeout=WAIT_S)
    killed = Done(waiting.returncode, out, err)
    killed.completes()
    assert "; the model was loaded anew" in killed.err
    assert killed.out == busy.out


def test_a_server_that_is_stopped_does_not_answer(program: Program) -> None:
    with started(program, "serve") as server:
        greet(server)
        serving(program, server)
        os.kill(server.pid, signal.SIGSTOP)
        stopped = program.run("complete", CURSOR, "--json")
        assert stopped.code == 0, stopped
        assert "does not answer" in json.loads(stopped.out)["server"]["reason"]
        assert "does not answer" in json.loads(stopped.out)["notices"][0]
        assert "does not answer" in program.run("status").out
        os.kill(server.pid, signal.SIGCONT)
        assert json.loads(program.run("complete", CURSOR, "--json").out)["server"]["pid"] == server.pid
        server.kill()
        server.wait(WAIT_S)
        left = list(run_folder(program).iterdir())
    assert len(left) == 2
    with started(program, "serve") as server:
        greet(server)
        serving(program, server)
        assert not set(left) & set(run_folder(program).iterdir())
        server.communicate(timeout=WAIT_S)  # closes its stdin
    assert list(run_folder(program).iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "oops"], 2, "write --set section.key=value"),
        (["--socket", "none/s.sock"], 1, "there is no folder"),
        (["--socket", "src/app.py"], 1, "something else stands there"),
        (["--log-level", "loud"], 2, "is not one of"),
    ],
)
def test_what_cannot_be_served_is_one_line(program: Program, arguments: list[str], code: int, message: str) -> None:
    program.run("serve", *arguments).fails(code, message)
