"""Every message that a server sends, held to the protocol's meta model: lsprotocol's types, which are made from it.

A message is read as the type that its method names, and written again: what is not the same then has fields that the
model does not know, or values of another kind. Our own messages are held to the shapes of own_messages.py.
"""

from __future__ import annotations

import types as python_types
from collections.abc import Iterator
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from lsprotocol import types
from lsprotocol.converters import get_converter

from codeassist_lsp.transport.own_messages import COMMAND_RESULTS, NOTIFICATIONS, RESULTS, STATUS

_CONVERTER = get_converter()
_REGISTRATIONS = {
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: ("workspace", "didChangeConfiguration"),
    types.TEXT_DOCUMENT_COMPLETION: ("textDocument", "completion"),
}


class Messages:
    """What goes between a client and a server; `problems` are those of what the server sent."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.num_checked = 0
        self.progress: dict[
            str | int, str
        ] = {}  # by token what came last: "create" and its answer "made", "begin", ...
        self._to_make: dict[str | int, str | int] = {}  # the token that a request of the server's makes
        self._asked: dict[str | int, tuple[str, str | None]] = {}
        self._able: dict[str, Any] = {}

    def sent(self, message: dict[str, Any]) -> None:
        """Note what the client sends."""
        params = message.get("params") or {}
        if message.get("method") == types.INITIALIZE:
            self._able = params["capabilities"]
        if "method" not in message and "error" not in message and message.get("id") in self._to_make:
            self.progress[self._to_make[message["id"]]] = "made"
        if "id" in message and "method" in message:
            self._asked[message["id"]] = (message["method"], params.get("command"))

    def received(self, message: dict[str, Any]) -> None:
        """Check what the server sends."""
        self.num_checked += 1
        self.problems += [f"{problem}: {message}" for problem in self._problems_with(message)]

    def at_the_end(self) -> list[str]:
        """All problems of a connection that has ended: what began to go on has ended, too."""
        open_ones = [token for token, kind in self.progress.items() if kind in ("made", "begin", "report")]
        return self.problems + [f"the progress {token} never ended" for token in open_ones]

    def _problems_with(self, message: dict[str, Any]) -> Iterator[str]:
        if message.get("jsonrpc") != "2.0":
            yield "no JSON-RPC"
        elif "method" not in message:
            yield from self._problems_with_answer(message)
        elif message["method"] in NOTIFICATIONS:
            if message["method"] == STATUS and (self._able.get("experimental") or {}).get(STATUS) is not True:
                yield "not asked for"
            yield from misfits(message["params"], NOTIFICATIONS[message["method"]], "params")
            yield from _wrong_keys(message, {"jsonrpc", "method", "params"})
        elif message["method"] not in types.METHOD_TO_TYPES:
            yield "neither the protocol's nor declared"
        elif types.message_direction(message["method"]) == "clientToServer":
            yield "only clients send it"
        else:
            yield from _not_the_same(message, types.METHOD_TO_TYPES[message["method"]][0])
            yield from self._problems_with_order(message)

    def _problems_with_answer(self, message: dict[str, Any]) -> Iterator[str]:
        method, command = self._asked.pop(message["id"], ("", None))
        if "error" in message:
            yield from _not_the_same(message, types.ResponseErrorMessage)
            return
        yield from _wrong_keys(message, {"jsonrpc", "id", "result"})
        if method in RESULTS:
            yield from misfits(message["result"], RESULTS[method], "result")
        elif method in types.METHOD_TO_TYPES:
            yield from _not_the_same(message, types.METHOD_TO_TYPES[method][1])
            if method == types.WORKSPACE_EXECUTE_COMMAND:
                yield from misfits(message["result"], COMMAND_RESULTS[command or ""], "result")

    def _problems_with_order(self, message: dict[str, Any]) -> Iterator[str]:
        method, params = message["method"], message.get("params") or {}
        if method == types.WINDOW_WORK_DONE_PROGRESS_CREATE:
            if not (self._able.get("window") or {}).get("workDoneProgress"):
                yield "the client shows no progress"
            self.progress[params["token"]] = "create"
            self._to_make[message["id"]] = params["token"]
        elif method == types.PROGRESS:
            kind, before = params["value"]["kind"], self.progress.get(params["token"])
            if before not in (("made",) if kind == "begin" else ("begin", "report")):
                yield f"{kind} after {before}"
            self.progress[params["token"]] = kind
        elif method == types.WORKSPACE_CONFIGURATION and not (self._able.get("workspace") or {}).get("configuration"):
            yield "the client has no settings to say"
        elif method == types.CLIENT_REGISTER_CAPABILITY:
            for each in params["registrations"]:
                part, feature = _REGISTRATIONS[each["method"]]
                if not ((self._able.get(part) or {}).get(feature) or {}).get("dynamicRegistration"):
                    yield f"the client registers no {each['method']}"


def _not_the_same(message: dict[str, Any], kind: Any) -> Iterator[str]:
    try:
        again = _CONVERTER.unstructure(_CONVERTER.structure(message, kind), kind)
        if "error" in message and message.get("id", 0) is None:
            again["id"] = None  # whose request could not be read; lsprotocol leaves it out, JSON-RPC wants it
    except Exception as error:  # noqa: BLE001  # whatever cattrs and attrs raise for what does not fit
        yield f"no {kind.__name__} ({error!r})"
        return
    yield from differences(again, message, "")


def differences(expected: Any, given: Any, where: str) -> Iterator[str]:
    """Where two JSON values differ; true is no 1."""
    if isinstance(expected, dict) and isinstance(given, dict):
        for name in sorted(expected.keys() | given.keys()):
            if name not in expected or name not in given:
                yield f"{where}.{name} is {'unknown' if name in given else 'missing'}"
            else:
                yield from differences(expected[name], given[name], f"{where}.{name}")
    elif isinstance(expected, list | tuple) and isinstance(given, list):
        if len(expected) != len(given):
            yield f"{where} has {len(given)} entries"
        for n, (one, other) in enumerate(zip(expected, given, strict=False)):
            yield from differences(one, other, f"{where}[{n}]")
    elif expected != given or isinstance(expected, bool) != isinstance(given, bool):
        yield f"{where} is {given!r}, not {expected!r}"


def _wrong_keys(message: dict[str, Any], keys: set[str]) -> Iterator[str]:
    if message.keys() != keys:
        yield f"has {sorted(message)}"


def misfits(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Where a JSON value is not what a type says; it may be made of TypedDict, list, dict, Literal and unions."""
    origin, inner = get_origin(shape), get_args(shape)
    if shape is Any:
        return
    if is_typeddict(shape):
        hints = get_type_hints(shape, include_extras=True)
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        yield from (f"{where}.{name} is unknown" for name in value.keys() - hints.keys())
        for name, hint in hints.items():
            is_optional = get_origin(hint) is NotRequired
            if name in value:
                yield from misfits(value[name], get_args(hint)[0] if is_optional else hint, f"{where}.{name}")
            elif not is_optional:
                yield f"{where}.{name} is missing"
    elif origin is list and isinstance(value, list):
        for n, each in enumerate(value):
            yield from misfits(each, inner[0], f"{where}[{n}]")
    elif origin is dict and isinstance(value, dict):
        for name, each in value.items():
            yield from misfits(each, inner[1], f"{where}.{name}")
    elif origin in (Union, python_types.UnionType):
        if all(any(misfits(value, each, where)) for each in inner):
            yield f"{where} is {value!r}"
    elif origin is Literal:
        if value not in inner:
            yield f"{where} is {value!r}"
    elif shape in (None, type(None)):
        if value is not None:
            yield f"{where} is {value!r}"
    elif shape is float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield f"{where} is {value!r}"
    elif origin is not None or not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        yield f"{where} is {value!r}"
