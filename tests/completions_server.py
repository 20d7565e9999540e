"""A small real completions server on the loopback address, which misbehaves when a test says so.

It has a real tokenizer, reads markers in texts as special tokens like real servers do, and counts tokens truthfully.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from transformers import PreTrainedTokenizerFast

Reply = Callable[[str], str]


@dataclass(frozen=True)
class Status:
    """A response with this status, headers and body."""

    code: int
    body: bytes = b'{"error": {"message": "not now"}}'
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Half a response, then a connection reset."""


@dataclass(frozen=True)
class Break:
    """A streamed answer whose connection is reset after its first piece."""


@dataclass(frozen=True)
class Garble:
    """A streamed answer that goes on with what is no event's data, or none that means anything."""

    said: bytes = b"<html>busy</html>"


@dataclass(frozen=True)
class Stall:
    """A streamed answer that does not go on after its first piece until the server stops."""


@dataclass(frozen=True)
class Hang:
    """No response until the server stops."""


@dataclass(frozen=True)
class Die:
    """The server stops listening and resets every connection, as a process does that is killed."""


Fault = Status | Reset | Break | Garble | Stall | Hang | Die


class CompletionsServer:
    """Answers `reply(prompt as text)`. `faults` are what happens at the next requests, None an answer; each is used
    once.

    `takes_ids`: prompts may be token ids; else they are refused as llama-cpp-python's server does. `requests` are the
    bodies that came, `received` their bytes, `headers` theirs. `before_answer` gets the connection of a request.
    `num_most` is the most requests that were under way at once. `during_answer` gets it after the first piece of a
    streamed answer. `num_gets` counts the other requests. `obeys` is the field that constrains answers, of those of
    `remote.features`; `choose` says what is answered to its value. `gives_logprobs`: an answer's tokens have
    `logprob` each. `scores` says of a prompt's text how likely each token of it is, once it is to be repeated.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        reply: Reply,
        *,
        takes_ids: bool = True,
        owner: str = "vllm",
        model: str = "tiny",
        tells_usage: bool = True,
        max_model_len: int | None = None,
        obeys: str | None = None,
        gives_logprobs: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.reply = reply
        self.takes_ids = takes_ids
        self.owner = owner
        self.model = model
        self.tells_usage = tells_usage
        self.max_model_len = max_model_len
        self.faults: deque[Fault | None] = deque()
        self.requests: list[dict[str, Any]] = []
        self.received: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.before_answer: Callable[[socket.socket], None] = lambda connection: None
        self.during_answer: Callable[[socket.socket], None] = lambda connection: None
        self.choose: Callable[[Any], str] = str
        self.obeys = obeys
        self.gives_logprobs = gives_logprobs
        self.logprob = -0.5
        self.scores: Callable[[list[str]], list[float]] | None = None
        self.metrics = ""
        self.num_gets = 0
        self.num_most = 0
        self._tls = tls
        self._num_now = 0
        self._lock = threading.Lock()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()

    def __enter__(self) -> CompletionsServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_port
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and reset every connection."""
        self._stopping.set()
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = None
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _reset(connection)

    def prompts(self) -> list[Any]:
        return [request["prompt"] for request in self.requests]

    def ids_of(self, prompt: str | list[int]) -> list[int]:
        """What a prompt is to the model."""
        return prompt if isinstance(prompt, list) else self.tokenizer.encode(prompt, add_special_tokens=False)

    def _text(self, body: dict[str, Any]) -> str:
        if self.obeys is not None and self.obeys in body:
            return self.choose(body[self.obeys])
        return self.reply(str(self.tokenizer.decode(self.ids_of(body["prompt"]))))

    def _usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        usage = {"prompt_tokens": len(self.ids_of(body["prompt"])), "completion_tokens": len(text.split())}
        return {"usage": usage | {"prompt_tokens_details": {"cached_tokens": 3}}} if self.tells_usage else {}

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self._text(body)
        choice: dict[str, Any] = {"text": text, "finish_reason": "stop"}
        if self.scores is not None and body.get("echo"):
            tokens = [str(self.tokenizer.decode([each])) for each in self.ids_of(body["prompt"])]
            choice["text"] = "".join(tokens) + text
            choice["logprobs"] = {"token_logprobs": [None, *self.scores(tokens)[1:], self.logprob]}
        return {"choices": [choice]} | self._usage(body, text)

    def _events(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A streamed answer: words one by one, then its end, then the counts."""
        text = self._text(body)
        logprobs = {"token_logprobs": [self.logprob]} if self.gives_logprobs and "logprobs" in body else None
        for word in re.findall(r"\s*\S+|\s+$", text):
            yield {"choices": [{"text": word, "finish_reason": None, "logprobs": logprobs}]}
        yield {"choices": [{"text": "", "finish_reason": "stop", "logprobs": None}]}
        yield {"choices": []} | self._usage(body, text)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with outer._lock:
                    outer._connections.add(self.connection)

            def finish(self) -> None:
                with outer._lock:
                    outer._connections.discard(self.connection)
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                outer.num_gets += 1
                path = urlsplit(self.path).path
                if path == "/metrics" and outer.metrics:
                    return self.send(Status(200, outer.metrics.encode()))
                if path != "/v1/models":
                    return self.send(Status(404))
                model = {"id": outer.model, "owned_by": outer.owner, "max_model_len": outer.max_model_len}
                return self.send(Status(200, json.dumps({"data": [model]}).encode()))

            def do_POST(self) -> None:
                received = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(received)
                with outer._lock:
                    outer.received.append(received)
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    outer._num_now += 1
                    outer.num_most = max(outer.num_most, outer._num_now)
                    fault = outer.faults.popleft() if outer.faults else None
                try:
                    self.respond(body, fault)
                finally:
                    with outer._lock:
                        outer._num_now -= 1

            def respond(self, body: dict[str, Any], fault: Fault | None) -> None:
                match fault:
                    case Status():
                        self.send(fault)
                    case Reset():
                        self.send_response(200)
                        self.send_header("Content-Length", "1000")
                        self.end_headers()
                        self.wfile.write(b'{"choices": [{"te')
                        self.wfile.flush()
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        self.close_connection = True
                    case Break() | Garble() | Stall():
                        self.stream(body, fault)
                    case Hang():
                        outer._stopping.wait()
                        self.close_connection = True
                    case Die():
                        self.close_connection = True
                        threading.Thread(target=outer.stop).start()
                        outer._stopping.wait()
                    case None if isinstance(body["prompt"], list) and not outer.takes_ids:
                        self.send(Status(500, b'{"error": {"message": "Input should be a valid string"}}'))
                    case None if body.get("stream"):
                        outer.before_answer(self.connection)
                        self.stream(body, None)
                    case None:
                        outer.before_answer(self.connection)
                        self.send(Status(200, json.dumps(outer._answer(body)).encode()))

            def stream(self, body: dict[str, Any], fault: Fault | None) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for number, event in enumerate(outer._events(body)):
                    self.wfile.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
                    self.wfile.flush()
                    if number == 0:
                        outer.during_answer(self.connection)
                    match fault:
                        case Break():
                            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            return
                        case Garble():
                            self.wfile.write(b"data: " + fault.said + b"\n\n")
                            return
                        case Stall():
                            outer._stopping.wait()
                            return
                        case _:
                            pass
                self.wfile.write(b"data: [DONE]\n\n")

            def send(self, status: Status) -> None:
                self.send_response(status.code)
                for name, value in {"Content-Length": str(len(status.body)), **status.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(status.body)

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the tests."""


def _reset(connection: socket.socket) -> None:
    """End a connection without ceremony; the thread that reads from it sees its end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)


def is_hung_up(connection: socket.socket, timeout_s: float) -> bool:
    """Whether the client hangs up before it sends anything more; raises TimeoutError if it does neither."""
    connection.settimeout(timeout_s)
    try:
        return connection.recv(1) == b""
    except ConnectionError:  # it had not read all that was sent: its end is a reset then
        return True
