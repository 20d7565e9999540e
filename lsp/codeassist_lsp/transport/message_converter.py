"""From a message's JSON to the protocol's objects: pygls' converter, kinder where clients differ from the protocol."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage, default_converter

if TYPE_CHECKING:
    from collections.abc import Callable

    from cattrs import Converter

T = TypeVar("T")


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
