"""`codeassist dashboard` as a process: it says its address, serves without any server, and ends when it is told to."""

from __future__ import annotations

import json
import signal
import socket
import sys
import urllib.request

import pytest

from tests.end_to_end.conftest import Program
from tests.end_to_end.test_served import started

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")


def test_it_says_its_address_serves_and_ends(program: Program) -> None:
    with started(program, "dashboard", "--no-open") as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("dashboard: ").strip()
        with urllib.request.urlopen(f"{url}data.json", timeout=60) as answer:
            data = json.load(answer)
        assert (data["servers"], data["stats"]["suggestions"]) == ([], 0)
        assert data["indexes"] == [{"root": str(program.root), "is_indexed": False, "problem": None}]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert not list((program.home / "cache").glob("index/*")), "looking makes nothing"


def test_a_port_that_is_taken_is_one_line(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program.run("dashboard", "--no-open", "--port", str(port)).fails(1, f"port {port} cannot be had")
