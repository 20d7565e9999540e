"""A running server asked by a program: one connection, one question at a time, blocking.

Written without pygls: it takes 0.3 s to import, which is most of what a script would wait for.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from codeassist.errors import CodeAssistError
from codeassist.json_object import parse_json
from codeassist_lsp.transport.addresses import Address, reachable
from codeassist_lsp.transport.framing import Framing

SILENCE_S = 3.0
ALIVE = "codeassist/alive"
STOP = "codeassist/stop"
PROGRAM_NAME = "codeassist command line"
"""What a program calls itself; a client of another name is an editor."""
_CHUNK = 1 << 16


class NoAnswer(CodeAssistError):  # noqa: N818 — a state, as the house names it
    """A server that hung up, says nothing, takes too long, or fails."""


class ServerClient:
    """A connection to a server, which it closes. Its methods raise NoAnswer.

    A server that works on an answer says so again and again: `SILENCE_S` without a word mean that it hangs.
    """

    def __init__(self, address: Address, connection: socket.socket) -> None:
        self.address = address
        self._socket = connection
        self._framing = Framing()
        self._arrived: deque[dict[str, Any]] = deque()
        self._ids = itertools.count(1)
        self._has_greeted = False

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def greet(self) -> None:
        """Begin the conversation, which the protocol wants."""
        client = {"name": PROGRAM_NAME}
        self.request(
            "initialize", {"processId": os.getpid(), "clientInfo": client, "rootUri": None, "capabilities": {}}
        )
        self._send({"method": "initialized", "params": {}})

    def request(
        self,
        method: str,
        params: object,
        most_s: float = SILENCE_S,
        on_alive: Callable[[Mapping[str, Any]], None] = lambda state: None,
    ) -> Any:
        """Ask, and return the answer. `on_alive` hears what the server says that it is doing; it may raise."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        deadline = time.monotonic() + most_s
        while True:
            message = self._receive(min(SILENCE_S, deadline - time.monotonic()))
            if message.get("method") == ALIVE and isinstance(message.get("params"), dict):
                on_alive(message["params"])
            elif message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise NoAnswer(f"the server at {self.address} failed: {_message_of(message['error'])}")
                return message.get("result")

    def command(self, name: str, *arguments: object) -> dict[str, Any]:
        """Have one of the server's commands run, and return the object that it says."""
        if not self._has_greeted:
            self.greet()
            self._has_greeted = True
        found = self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})
        return found if isinstance(found, dict) else {}

    def status(self) -> dict[str, Any]:
        """Return what the server does."""
        return self.command("codeassist.status")

    def stop(self) -> bool:
        """Have a server end that several windows share; return False if it is none of these."""
        self.greet()
        answer = self.request(STOP, {})
        return isinstance(answer, dict) and answer.get("ends") is True

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._socket.settimeout(SILENCE_S)
            self._socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except OSError as error:
            raise self._no_answer(error) from error

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while not self._arrived:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise NoAnswer(f"the server at {self.address} does not answer")
            try:
                self._socket.settimeout(left_s)
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                raise self._no_answer(error) from error
            if not data:
                raise NoAnswer(f"the server at {self.address} hung up")
            for body in self._framing.feed(data):
                self._arrived.extend(_message(body))
        return self._arrived.popleft()

    def _no_answer(self, error: OSError) -> NoAnswer:
        what = "does not answer" if isinstance(error, TimeoutError) else f"is gone ({error.strerror})"
        return NoAnswer(f"the server at {self.address} {what}")


def _message(body: bytes) -> list[dict[str, Any]]:
    try:
        message = parse_json(body)
    except ValueError:
        return []  # as good as silence
    return [message] if isinstance(message, dict) else []


def _message_of(error: object) -> str:
    return str(error.get("message")) if isinstance(error, dict) else "it does not say why"


def servers(run: Path) -> Iterator[ServerClient]:
    """Yield a connection to each running server of the user's, the youngest first."""
    for address, connection in reachable(run):
        with ServerClient(address, connection) as control:
            yield control
