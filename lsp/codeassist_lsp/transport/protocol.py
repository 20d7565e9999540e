"""The protocol's state machine over pygls: what is a message, what may come when, and one answer to each request.

Nothing that a client sends raises here: it is answered with an error, or logged without the text that it held.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import InvalidStateError
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from lsprotocol import types
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
    lsp_method,
)

from codeassist.json_object import parse_json
from codeassist_lsp.transport.framing import Chunk, Framing

if TYPE_CHECKING:
    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

T = TypeVar("T")
log = logging.getLogger(__name__)

OnExit = Callable[[int], None]
"""Hears the exit code that a client's `exit` asks for."""
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_INVALID_PARAMS = -32602
_NOT_INITIALIZED = -32002
_NOTIFICATIONS = frozenset(method for method in types.METHOD_TO_TYPES if types.METHOD_TO_TYPES[method][1] is None)
"""What has no answer in the protocol."""


class Protocol(LanguageServerProtocol):
    """One client's side of the protocol. `receive` takes whole messages, one at a time, on the event loop.

    `on_exit` is called with the exit code that the client's `exit` asks for. `read_s` is when the message was read that
    is being handled: an `async` handler finds it when it begins.
    """

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.on_exit: OnExit = lambda code: None
        self.read_s = monotonic()
        self._is_initialized = False

    async def read(self, chunks: AsyncIterator[Chunk]) -> None:
        """Handle what a client sends, in the order in which it comes, to its end."""
        framing = Framing()
        async for chunk in chunks:
            for body in framing.feed(chunk.data):
                await self.receive(body, chunk.read_s)

    async def receive(self, body: bytes, read_s: float) -> None:
        """Handle one message, read at `read_s`, and run what it started until that waits for something.

        An `async` handler thus sees the documents as they stood when its request came: the messages after it are
        handled later.
        """
        self.read_s = read_s
        try:
            self._dispatch(body)
        except Exception:  # the boundary of a message
            log.exception("a message could not be handled")
        await asyncio.sleep(0)

    def _dispatch(self, body: bytes) -> None:
        try:
            message: Any = parse_json(body)
        except ValueError as error:
            log.warning("%d bytes from the client are no JSON: %s", len(body), type(error).__name__)
            self._refuse(None, _PARSE_ERROR, "not JSON")
            return
        problem = _problem_with(message)
        if problem is not None:
            log.warning("a message from the client was left out: %s", problem)
            self._refuse(_id_of(message), _INVALID_REQUEST, problem)
            return
        method = message.get("method")
        if method is not None and not self._may_come_now(method, message):
            return
        try:
            structured = self.structure_message(message)
        except Exception as error:  # noqa: BLE001  # pygls wraps whatever its libraries raise for wrong params
            log.warning("%s from the client has wrong params: %s", method or "a response", type(error).__name__)
            if method is not None and "id" in message:
                self._refuse(message["id"], _INVALID_PARAMS, f"{method}: wrong params")
            return
        # A response that nobody waits for any more; asyncio and concurrent.futures have an error each for it.
        with contextlib.suppress(asyncio.InvalidStateError, InvalidStateError):
            self._hand_on(message, structured)

    def _hand_on(self, message: dict[str, Any], structured: Any) -> None:
        """As pygls' `handle_message`, which asks of each message whether it has all attributes of a request, of a
        notification, ...: a tenth of a millisecond that is known already."""
        context = contextvars.copy_context()
        method = message.get("method")
        if method is None:
            result, error = getattr(structured, "result", None), getattr(structured, "error", None)
            context.run(self._handle_response, structured.id, result, error)
        elif "id" in message and method in _NOTIFICATIONS:
            # Somebody waits for an answer to what has none: it is handled as what it is, and answered with nothing.
            context.run(self._handle_notification, method, structured.params)
            self._answer(message["id"], {"result": None})
        elif "id" in message:
            context.run(self._handle_request, structured.id, method, structured.params)
        else:
            context.run(self._handle_notification, method, structured.params)

    def _may_come_now(self, method: str, message: dict[str, Any]) -> bool:
        is_request = "id" in message
        if method == types.EXIT:
            return True
        if self._shutdown:
            code, problem = _INVALID_REQUEST, f"{method}: the server was shut down"
        elif method == types.INITIALIZE and self._is_initialized:
            code, problem = _INVALID_REQUEST, "initialize came twice"
        elif method != types.INITIALIZE and not self._is_initialized:
            code, problem = _NOT_INITIALIZED, f"{method}: send initialize first"
        else:
            self._is_initialized = True
            return True
        log.warning("left out: %s", problem)
        if is_request:
            self._refuse(message["id"], code, problem)
        return False

    def _refuse(self, msg_id: str | int | None, code: int, problem: str) -> None:
        """Answer a request that never became one."""
        self._answer(msg_id, {"error": {"code": code, "message": problem}})

    def _answer(self, msg_id: str | int | None, what: dict[str, Any]) -> None:
        if self.writer is None:
            return
        body = json.dumps({"jsonrpc": "2.0", "id": msg_id, **what}).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """As pygls, which keeps a future of each notification for ever: two kilobytes a keystroke (2.1)."""

        def done(future: Any) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """Report the exit code; the process belongs to all clients, so it does not end here."""
        self.on_exit(0 if self._shutdown else 1)
        yield from ()

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Any:
        """Leave the text to the server's own documents: pygls' copy would cost each edit twice."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Any:
        """As for `did_open`."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Any:
        """As for `did_open`."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def lsp_notebook_document__did_open(self, params: types.DidOpenNotebookDocumentParams) -> Any:
        """As for `did_open`."""
        yield self.fm.features[types.NOTEBOOK_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(self, params: types.DidChangeNotebookDocumentParams) -> Any:
        """As for `did_open`."""
        yield self.fm.features[types.NOTEBOOK_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def lsp_notebook_document__did_close(self, params: types.DidCloseNotebookDocumentParams) -> Any:
        """As for `did_open`."""
        yield self.fm.features[types.NOTEBOOK_DOCUMENT_DID_CLOSE], (params,), None


def _problem_with(message: object) -> str | None:
    if not isinstance(message, dict):
        return "not an object"
    if message.get("jsonrpc") != "2.0":
        return 'not of JSON-RPC version "2.0"'
    if "id" in message and not _is_id(message["id"]):
        return "its id is neither a string nor a whole number"
    if "method" in message and not isinstance(message["method"], str):
        return "its method is no string"
    if "method" not in message and "id" not in message:
        return "neither a method nor an id"
    if message.get("method") == types.CANCEL_REQUEST:
        params = message.get("params")
        if not (isinstance(params, dict) and _is_id(params.get("id"))):
            return "it names no request to cancel"
    return None


def _id_of(message: object) -> str | int | None:
    found = message.get("id") if isinstance(message, dict) else None
    return found if _is_id(found) else None


def _is_id(value: object) -> TypeGuard[str | int]:
    return isinstance(value, str | int) and not isinstance(value, bool)


@cache
def make_converter() -> Converter:
    """pygls' converter, but methods that the protocol's library does not know keep their params as plain JSON.

    A request for a completion whose context is missing, or names no kind of trigger that the protocol knows, is an
    automatic one. One for all connections: making it, and what it makes for each kind of message, takes 60 ms.
    """
    converter = default_converter()
    converter.register_structure_hook(
        JsonRPCNotification, lambda data, _: JsonRPCNotification(data["method"], data["jsonrpc"], data.get("params"))
    )
    converter.register_structure_hook(
        JsonRPCRequestMessage,
        lambda data, _: JsonRPCRequestMessage(data["id"], data["method"], data["jsonrpc"], data.get("params")),
    )
    converter.register_structure_hook(
        JsonRPCResponseMessage, lambda data, _: JsonRPCResponseMessage(data["id"], data["jsonrpc"], data.get("result"))
    )
    _read_as(converter, types.InlineCompletionParams, _with_inline_context)
    _read_as(converter, types.CompletionParams, _without_context)
    return converter


def _read_as(converter: Converter, kind: type[T], correct: Callable[[Any], Any]) -> None:
    """Have params of this kind structured from what `correct` makes of them."""
    structure = converter.get_structure_hook(kind)
    converter.register_structure_hook(kind, lambda data, to: structure(correct(data), to))


def _with_inline_context(params: Any) -> Any:
    if not isinstance(params, dict):
        return params
    given = params.get("context")
    context = given if isinstance(given, dict) else {}
    kind = context.get("triggerKind")
    is_invoked = not isinstance(kind, bool) and kind == types.InlineCompletionTriggerKind.Invoked
    kinds = types.InlineCompletionTriggerKind
    return params | {"context": context | {"triggerKind": (kinds.Invoked if is_invoked else kinds.Automatic).value}}


def _without_context(params: Any) -> Any:
    """The ordinary list is always taken as automatic: how it was triggered is not looked at."""
    return params | {"context": None} if isinstance(params, dict) else params
