"""Standard input and output of a window, passed on to the server that it shares with others, byte for byte.

The client's process, `shutdown` and `exit`. It starts fast and stays small: no event loop, no protocol library, no
model.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeassist.errors import CodeAssistError
from codeassist.json_object import parse_json
from codeassist_lsp.transport.addresses import Address
from codeassist_lsp.transport.framing import Framing

if TYPE_CHECKING:
    import psutil

Reach = Callable[[Callable[[], bool]], "tuple[Address, socket.socket] | None"]
_CHUNK = 1 << 16
_LOOK_S = 0.5
_REST_S = 1.0  # for what is still on its way when the client has said goodbye
_FIRST_WORD_S = 30.0
_MOST_TRIES = 3
_LONGEST_GOODBYE = 256


@dataclass(frozen=True, slots=True)
class _ClientLeft:
    """The client closed a pipe or said `exit`."""


@dataclass(frozen=True, slots=True)
class _ServerLeft:
    """The server hung up."""

    connection: socket.socket


class _Client:
    """What the client said that matters here. `feed` is called by one thread."""

    def __init__(self) -> None:
        self.process_id: int | None = None
        self.has_shut_down = False
        self.has_left = False
        self._framing = Framing()
        self._is_known = False

    def feed(self, data: bytes) -> None:
        for body in self._framing.feed(data):
            if self._is_known and not (len(body) < _LONGEST_GOODBYE and (b"exit" in body or b"shutdown" in body)):
                continue
            message = _message(body)
            method, params = message.get("method"), message.get("params")
            if method == "initialize" and isinstance(params, dict):
                self._is_known = True
                process_id = params.get("processId")
                self.process_id = process_id if isinstance(process_id, int) and process_id > 0 else None
            self.has_shut_down = self.has_shut_down or method == "shutdown"
            self.has_left = self.has_left or method == "exit"


class StdioRelay:
    """Passes bytes on between two file descriptors and a shared server. `reach` finds or starts that server; it gives
    up, with None, when the function that it is given says that nobody waits any more.

    What the client says before the server has answered at all is kept: a server that ends at that very moment has
    another one in its place. `log` is where that server says what happens to it.
    """

    def __init__(self, reach: Reach, log: Path, reading: int = 0, writing: int = 1) -> None:
        self._reach = reach
        self._log = log
        self._reading = reading
        self._writing = writing
        self._client = _Client()
        self._left: queue.SimpleQueue[_ClientLeft | _ServerLeft] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unanswered: bytearray | None = bytearray()
        self._connection: socket.socket | None = None
        self._process: psutil.Process | None = None
        self._is_process_known = False

    def run(self) -> int:
        """Pass on until the client leaves; return the exit code. Raises CodeAssistError when the server does."""
        threading.Thread(target=self._pass_on_to_server, name="client", daemon=True).start()
        for _ in range(_MOST_TRIES):
            reached = self._reach(self._is_client_there)
            if reached is None:
                return self._code()
            address, connection = reached
            self._connect(connection)
            code = self._wait(address, connection)
            if code is not None:
                return code
        raise CodeAssistError(f"the shared server hangs up before it has said a word; {self._log} says why")

    def _is_client_there(self) -> bool:
        """Whether to go on looking for a server. Called before one is connected."""
        return self._left.empty() and not self._is_process_gone()

    def _connect(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        with self._lock:
            assert self._unanswered is not None
            self._connection = connection
            _send(connection, bytes(self._unanswered))
        threading.Thread(target=self._pass_on_to_client, args=(connection,), name="server", daemon=True).start()

    def _wait(self, address: Address, connection: socket.socket) -> int | None:
        """Wait for an end; return the exit code, None where another server is to be looked for."""
        silent_until_s = time.monotonic() + _FIRST_WORD_S
        while True:
            try:
                left = self._left.get(timeout=_LOOK_S)
            except queue.Empty:
                if self._is_process_gone():
                    return self._code()
                if not self._unanswered:
                    silent_until_s = time.monotonic() + _FIRST_WORD_S
                elif time.monotonic() > silent_until_s:
                    raise CodeAssistError(
                        f"the shared server, process {address.pid}, does not answer; end that process"
                    ) from None
                continue
            if isinstance(left, _ClientLeft):
                self._say_goodbye(connection)
                return self._code()
            if left.connection is not connection:
                continue  # the one before
            if self._client.has_left or self._is_process_gone():
                return self._code()
            if self._unanswered is None:
                raise CodeAssistError(f"the shared server, process {address.pid}, is gone; {self._log} says why")
            return None

    def _say_goodbye(self, connection: socket.socket) -> None:
        """Say that nothing more comes, and let what the server still says through."""
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return
        until_s = time.monotonic() + _REST_S
        while (rest_s := until_s - time.monotonic()) > 0:
            try:
                if isinstance(self._left.get(timeout=rest_s), _ServerLeft):
                    return
            except queue.Empty:
                return

    def _code(self) -> int:
        """The exit code that the protocol asks for; a pipe that is closed is a goodbye too."""
        if self._client.has_left:
            return 0 if self._client.has_shut_down else 1
        return 1 if self._is_process_gone() else 0

    def _is_process_gone(self) -> bool:
        """Whether the process that the client says it is has ended."""
        if not self._is_process_known and self._client.process_id is not None:
            from codeassist_lsp.transport.client_process import find_process

            self._is_process_known = True
            self._process = find_process(self._client.process_id)
        if self._process is None:
            return False
        from codeassist_lsp.transport.client_process import has_ended

        return has_ended(self._process)

    def _pass_on_to_server(self) -> None:
        while data := _read(self._reading):
            with self._lock:
                connection = self._connection
                if self._unanswered is not None:
                    self._unanswered += data
            self._client.feed(data)
            if connection is not None:
                _send(connection, data)
            if self._client.has_left:
                break
        self._left.put(_ClientLeft())

    def _pass_on_to_client(self, connection: socket.socket) -> None:
        while data := _receive(connection):
            with self._lock:
                self._unanswered = None
            if not _write(self._writing, data):
                self._left.put(_ClientLeft())
                return
        self._left.put(_ServerLeft(connection))


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = parse_json(body)
    except ValueError:
        return {}  # the server says what is wrong with it
    return message if isinstance(message, dict) else {}


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        return b""


def _write(descriptor: int, data: bytes) -> bool:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return False
    return True


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(_CHUNK)
    except OSError:
        return b""


def _send(connection: socket.socket, data: bytes) -> None:
    """Send; of a server that is gone the other direction hears."""
    try:
        connection.sendall(data)
    except OSError:
        return
