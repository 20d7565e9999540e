"""The protocol in this process, over a writer that keeps what is written."""

from __future__ import annotations

import asyncio
import gc
import json
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
