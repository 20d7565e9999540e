"""Which of the servers that windows share is a window's own, found or started. Nothing heavy is imported here.

A server is shared by the windows of one user that would start the same one: the same version of the program,
configuration file, CODEASSIST_* variables and command line's settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import codeassist
from codeassist.errors import CodeAssistError
from codeassist.processes import child_environment
from codeassist.settings import Folders, Override
from codeassist_lsp.transport.addresses import Address, reachable

_START_S = 60.0
_LOOK_S = 0.02
_AGAIN_S = 1.0
_MOST_STDERR_BYTES = 1 << 20


def identity_of(overrides: Sequence[Override], places: Folders, environment: Mapping[str, str] = os.environ) -> str:
    """Return what tells one shared server from another."""
    program = [codeassist.__version__, str(Path(codeassist.__file__).parent), sys.prefix]
    where = [str(path) for path in (places.config_file, places.data, places.cache)]
    asked = [[override.key, str(override.value)] for override in overrides]
    variables = sorted((name, value) for name, value in environment.items() if name.startswith("CODEASSIST_"))
    said = json.dumps([program, where, asked, variables])
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def log_file(cache: Path) -> Path:
    """The file that a shared server logs to, where no other is asked for."""
    return cache / "log" / "shared.log"


def stderr_file(cache: Path) -> Path:
    """The file with what a shared server said that could not log."""
    return cache / "log" / "shared.stderr"


def reach(
    places: Folders, identity: str, command: Sequence[str], is_wanted: Callable[[], bool]
) -> tuple[Address, socket.socket] | None:
    """Return a connection to the server with this identity, started by `command` if need be; None once it is not wanted
    any more.

    Of several processes that are started at once one serves and the others end. Raises CodeAssistError where none does.
    """
    deadline = time.monotonic() + _START_S
    started: subprocess.Popen[bytes] | None = None
    start_at_s = 0.0
    while is_wanted():
        found = next(reachable(places.run, identity), None)
        if found is not None:
            return found
        if started is not None and (code := started.poll()) is not None:
            if code != 0:
                said = stderr_file(places.cache)
                raise CodeAssistError(f"the shared server ended when it was started, with code {code}; {said} says why")
            started, start_at_s = None, time.monotonic() + _AGAIN_S  # another one is on its way, or on its way out
        if started is None and time.monotonic() >= start_at_s:
            try:
                started = _start_detached(command, places.cache)
            except OSError as error:
                raise CodeAssistError(
                    f"the shared server cannot be started ({error.strerror}); check {places.cache}"
                ) from error
        if time.monotonic() > deadline:
            log = log_file(places.cache)
            raise CodeAssistError(
                f"the shared server was not there {_START_S:.0f} s after it was started; {log} says why"
            )
        time.sleep(_LOOK_S)
    return None


def _start_detached(command: Sequence[str], cache: Path) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one and whoever started it: a session and pipes of its own."""
    said = stderr_file(cache)
    said.parent.mkdir(parents=True, exist_ok=True)
    is_long = said.exists() and said.stat().st_size > _MOST_STDERR_BYTES
    with said.open("wb" if is_long else "ab") as stderr:
        # In a folder of our own: the one that an editor has open may be removed.
        if sys.platform == "win32":
            flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=cache,
                env=child_environment(),
                creationflags=flags,
            )
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            cwd=cache,
            env=child_environment(),
            start_new_session=True,
        )
