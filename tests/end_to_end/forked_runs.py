"""Runs of a Python program in processes of their own that need not import PyTorch again: forked from one that has.

The process that is forked has imported PyTorch (1.5 s of processor time) and nothing of codeassist. What it is asked
for, a program with arguments, environment, folder and the ends of three pipes, it does in a child.
"""

from __future__ import annotations

import array
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_READY = b"ready"
_MOST_BYTES = 1 << 20
_WAIT_S = 120


def run(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    stdin: str,
    most_file_bytes: int | None = None,
) -> tuple[int, str, str]:
    """Run a program to its end; return its exit code (negative: a signal's number), stdout and stderr.

    `most_file_bytes`: what it writes of a file beyond that fails, as on a full disk.
    """
    asked = [program, list(arguments), str(folder), dict(environment), most_file_bytes]
    with (
        socket.socket(socket.AF_UNIX) as connection,
        tempfile.TemporaryFile() as into,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        into.write(stdin.encode())
        into.seek(0)
        connection.settimeout(_WAIT_S)
        connection.connect(_address(environment["OMP_NUM_THREADS"]))
        descriptors = array.array("i", [each.fileno() for each in (into, out, err)])
        connection.sendmsg([b"%08d" % len(body := json.dumps(asked).encode())], [_rights(descriptors)])
        connection.sendall(body)
        ended = connection.recv(64)
        assert ended, f"it did not say how it ended: {arguments}"
        for each in (out, err):
            each.seek(0)
        return int(ended), out.read().decode(), err.read().decode()


@cache
def _address(num_threads: str) -> str:
    """Where the process listens; it is started first, and ends with this one, whose end of its stdin it holds."""
    folder = tempfile.mkdtemp(prefix="forked-")
    address = f"{folder}/socket"
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": num_threads},
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.read(len(_READY)) == _READY
    return address


def _rights(descriptors: array.array[int]) -> tuple[int, int, bytes]:
    return socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors.tobytes()


def _serve(address: str) -> None:
    import torch  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch the runs
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        os.write(1, _READY)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _watch(connection)
            connection.close()


def _watch(connection: socket.socket) -> None:
    """Fork once more, and say how that process ends."""
    length, ancillary, *_ = connection.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    descriptors = array.array("i")
    descriptors.frombytes(ancillary[0][2])
    body = bytearray()
    while len(body) < int(length):
        body += connection.recv(_MOST_BYTES)
    child = os.fork()
    if child == 0:
        connection.close()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _run(*json.loads(body))
    _, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run(
    program: str, arguments: list[str], folder: str, environment: dict[str, str], most_file_bytes: int | None
) -> None:
    """What the interpreter does with `-c`: returns where the program ends, raises SystemExit where it does so."""
    if most_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    sys.path[:0] = ["", *environment["PYTHONPATH"].split(os.pathsep)]
    values: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(program, "<string>", "exec"), values)
    sys.exit(0)


if __name__ == "__main__":
    import threading

    def _end_with_the_tests() -> None:
        os.read(0, 1)
        Path(sys.argv[1]).unlink(missing_ok=True)
        Path(sys.argv[1]).parent.rmdir()
        os._exit(0)

    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    _serve(sys.argv[1])
