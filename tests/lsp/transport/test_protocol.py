"""The protocol in this process, over a writer that keeps what is written."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from collections import Counter
from typing import Any

import pytest
from lsprotocol import types

from codeassist_lsp.transport.server import Server


class Written:
    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def write(self, data: bytes) -> None:
        self.bodies.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None:
        pass


def message(method: str, params: dict[str, Any], number: int | None = None) -> bytes:
    numbered = {} if number is None else {"id": number}
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **numbered}).encode()


def num_futures() -> int:
    gc.collect()
    return sum("Future" in type(each).__name__ for each in gc.get_objects())


@pytest.mark.slow
def test_nothing_is_kept_of_a_message_that_was_handled() -> None:
    async def test() -> None:
        server, written = Server(), Written()
        server.protocol.set_writer(written)
        heard: list[Any] = []

        def hear(params: Any) -> None:
            heard.append(params)

        server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(hear)

        async def answer(params: Any) -> None:
            await asyncio.sleep(0)

        server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)(answer)
        await server.protocol.receive(message("initialize", {"capabilities": {}}, 0), 0.0)
        before = num_futures()
        place = {"textDocument": {"uri": "file:///a", "version": 1}}
        where = {"position": {"line": 0, "character": 0}, "context": {"triggerKind": 1}}
        for number in range(1, 101):
            await server.protocol.receive(message("textDocument/didChange", {**place, "contentChanges": []}), 0.0)
            await server.protocol.receive(message("textDocument/inlineCompletion", {**place, **where}, number), 0.0)
        while len(written.bodies) < 101:
            await asyncio.sleep(0)
        assert len(heard) == 100
        assert num_futures() - before < 10

    asyncio.run(asyncio.wait_for(test(), 60))


NO_IDS: list[Any] = [None, True, False, 1.5, [], {}, {"a": 1}]


def test_every_request_is_answered_exactly_once_whatever_comes() -> None:
    """Random messages: requests, notifications with ids, cancellations and responses of all kinds."""
    seed = 20261130
    rng = random.Random(seed)

    async def test() -> None:
        server, written = Server(), Written()
        server.protocol.set_writer(written)

        async def answer(params: Any) -> None:
            await asyncio.sleep(0)

        server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)(answer)
        server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(lambda params: None)
        await server.protocol.receive(message("initialize", {"capabilities": {}}, 0), 0.0)
        document = {"textDocument": {"uri": "file:///a", "version": 1}}
        fine = {**document, "position": {"line": 0, "character": 0}, "context": {"triggerKind": 1}}
        methods = ["textDocument/inlineCompletion", "textDocument/didChange", "$/cancelRequest", "$/unknown",
                   "textDocument/hover", "initialized", "workspace/executeCommand", "no such thing"]  # fmt: skip
        params: list[Any] = [fine, {**document, "contentChanges": []}, {}, None, [], "text", {"id": {}}, {"id": 7},
                             {"id": [1]}, {"id": True}, {"command": "none"}]  # fmt: skip
        asked: list[str | int] = []
        for number in range(600):
            sent: dict[str, Any] = {"jsonrpc": "2.0"}
            kind = rng.random()
            if kind < 0.8:
                sent |= {"method": rng.choice(methods), "params": rng.choice(params)}
            if kind > 0.6:
                sent["id"] = rng.choice([f"request {number}", number + 10_000, rng.choice(NO_IDS)])
            if kind > 0.9:
                sent["result" if rng.random() < 0.5 else "error"] = rng.choice([None, {}, {"code": 1, "message": "x"}])
            identity = sent.get("id")
            if "method" in sent and isinstance(identity, str | int) and not isinstance(identity, bool):
                asked.append(identity)
            await server.protocol.receive(json.dumps(sent).encode(), 0.0)
        for _ in range(1_000):
            await asyncio.sleep(0)
        answered = Counter(body["id"] for body in written.bodies if body.get("id") is not None and body["id"] != 0)
        assert answered == Counter(asked), f"seed {seed}"
        assert all(("result" in body) != ("error" in body) for body in written.bodies), f"seed {seed}"

    asyncio.run(asyncio.wait_for(test(), 60))


@pytest.mark.parametrize("identity", NO_IDS)
def test_a_request_whose_id_is_none_is_refused(identity: Any) -> None:
    async def test() -> None:
        server, written = Server(), Written()
        server.protocol.set_writer(written)
        body = {"jsonrpc": "2.0", "method": "initialize", "params": {"capabilities": {}}, "id": identity}
        await server.protocol.receive(json.dumps(body).encode(), 0.0)
        [answer] = written.bodies
        assert answer["id"] is None and answer["error"]["code"] == -32600

    asyncio.run(test())


NO_CONTEXTS: list[Any] = [None, 7, "invoked", [], {}, *({"triggerKind": kind} for kind in (0, 3, -1, "1", None, True))]


@pytest.mark.parametrize("context", NO_CONTEXTS)
@pytest.mark.parametrize("method", [types.TEXT_DOCUMENT_INLINE_COMPLETION, types.TEXT_DOCUMENT_COMPLETION])
def test_a_completion_without_a_known_trigger_is_automatic(method: str, context: Any) -> None:
    async def test() -> None:
        server, written = Server(), Written()
        server.protocol.set_writer(written)
        heard: list[Any] = []
        server.feature(method)(lambda params: heard.append(params))
        await server.protocol.receive(message("initialize", {"capabilities": {}}, 0), 0.0)
        place = {"textDocument": {"uri": "file:///a"}, "position": {"line": 0, "character": 0}}
        await server.protocol.receive(message(method, place, 1), 0.0)
        await server.protocol.receive(message(method, {**place, "context": context}, 2), 0.0)
        assert [(body["id"], "error" in body) for body in written.bodies] == [(0, False), (1, False), (2, False)]
        kinds = [params.context and params.context.trigger_kind for params in heard]
        is_inline = method == types.TEXT_DOCUMENT_INLINE_COMPLETION
        assert kinds == [types.InlineCompletionTriggerKind.Automatic if is_inline else None] * 2

    asyncio.run(test())


def test_what_is_selected_is_kept_whatever_the_trigger() -> None:
    async def test() -> None:
        server = Server()
        server.protocol.set_writer(Written())
        heard: list[Any] = []
        server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)(lambda params: heard.append(params))
        await server.protocol.receive(message("initialize", {"capabilities": {}}, 0), 0.0)
        start = {"line": 0, "character": 0}
        for kind in (0, 1):
            info = {"text": "point", "range": {"start": start, "end": start}}
            params = {"textDocument": {"uri": "file:///a"}, "position": start}
            params["context"] = {"triggerKind": kind, "selectedCompletionInfo": info}
            await server.protocol.receive(message(types.TEXT_DOCUMENT_INLINE_COMPLETION, params, kind + 1), 0.0)
        assert [params.context.selected_completion_info.text for params in heard] == ["point", "point"]
        assert [params.context.trigger_kind.name for params in heard] == ["Automatic", "Invoked"]

    asyncio.run(test())
