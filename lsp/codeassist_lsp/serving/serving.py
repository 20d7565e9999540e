"""A server from its start to its end: one client on stdio, others on streams, one backend below them.

The command line says how models are loaded and what listens beside stdio.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import monotonic

from codeassist.settings import Override
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.inference import LoadSession
from codeassist_lsp.serving.connection import Connection
from codeassist_lsp.transport.framing import Chunk
from codeassist_lsp.transport.stdio import StdioWriter, chunks, exit_now, exit_soon, take_over_stdio

log = logging.getLogger(__name__)

Beside = Callable[[Backend], AbstractAsyncContextManager[object]]
_CHUNK = 1 << 16
SWITCH_S = 0.001
"""After this long a waiting thread asks another for Python's lock; by default 5 ms, which is felt in typing.

0.2 ms are no better (`bench lsp`, two cores, 2026-11-22)."""


def nothing_beside(backend: Backend) -> AbstractAsyncContextManager[None]:
    """Listen nowhere but on stdio."""
    return contextlib.nullcontext()


def run_stdio(load: LoadSession, overrides: Sequence[Override] = (), beside: Beside = nothing_beside) -> int:
    """Serve the client on stdin and stdout until it leaves; return the exit code.

    `beside` is entered with the backend for as long as the server lives: a socket, say. The process ends within two
    seconds of the client, by force if need be.
    """
    sys.setswitchinterval(SWITCH_S)
    reading, writing = take_over_stdio()

    async def serve() -> int:
        backend = Backend(load)
        async with beside(backend):
            connection = Connection(backend, StdioWriter(writing), tuple(overrides))
            code = await connection.run(chunks(reading))
            log.info("the client left")
            exit_soon(code)
            await connection.close()
        backend.close()
        if backend.inference.is_loading:
            exit_now(code)
        return code

    return asyncio.run(serve())


async def serve_stream(
    backend: Backend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, overrides: Sequence[Override] = ()
) -> None:
    """Serve one more client, on a stream, until it leaves."""
    connection = Connection(backend, writer, tuple(overrides))
    try:
        await connection.run(_stream_chunks(reader))
    finally:
        await connection.close()


async def _stream_chunks(reader: asyncio.StreamReader) -> AsyncIterator[Chunk]:
    while data := await reader.read(_CHUNK):
        yield Chunk(data, monotonic())
