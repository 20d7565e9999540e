"""A server on the local socket: beside stdio, or alone, for several clients at once.

The socket beside stdio is a convenience: without it the server goes on.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from codeassist.errors import CodeAssistError
from codeassist.settings import Override
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.inference import LoadSession
from codeassist_lsp.serving.serving import SWITCH_S, Beside, serve_stream
from codeassist_lsp.transport.addresses import Address
from codeassist_lsp.transport.local_socket import LocalSocket
from codeassist_lsp.transport.stdio import exit_now, exit_soon
from codeassist_lsp.workspace.configuration import Configuration

log = logging.getLogger(__name__)


def beside_stdio(run: Path, path: Path | None, overrides: Sequence[Override] = ()) -> Beside:
    """Return what `run_stdio` is to have beside it: a socket at `path`, by default one in the folder `run`."""

    @asynccontextmanager
    async def listen(backend: Backend) -> AsyncIterator[None]:
        local = LocalSocket(lambda reader, writer: serve_stream(backend, reader, writer, overrides), run)
        try:
            await local.open(path)
        except CodeAssistError as error:
            log.warning("no local socket: %s", error)
        try:
            yield
        finally:
            await local.close()

    return listen


def run_socket(
    load: LoadSession,
    run: Path,
    path: Path,
    overrides: Sequence[Override] = (),
    on_listening: Callable[[Address], None] = lambda address: None,
) -> int:
    """Serve on a socket at `path` until the process is told to end; return the exit code. Raises CodeAssistError.

    The model that the settings name is loaded at once; the first client may name another one.
    """

    async def serve() -> int:
        backend = Backend(load)
        local = LocalSocket(lambda reader, writer: serve_stream(backend, reader, writer, overrides), run)
        on_listening(await local.open(path))
        backend.inference.want(Configuration(lambda problem: log.warning("%s", problem), overrides).settings(None))
        told = asyncio.Event()
        end_on_signals(told.set)
        await told.wait()
        await end(backend, local)
        return 0

    sys.setswitchinterval(SWITCH_S)
    return asyncio.run(serve())


def end_on_signals(end: Callable[[], None]) -> None:
    """Have `end` called on the running loop when the process is told to end."""
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end)


async def end(backend: Backend, local: LocalSocket) -> None:
    """Leave nothing behind; the process ends in time, whatever holds it up."""
    exit_soon(0)
    await local.close()
    backend.close()
    if backend.inference.is_loading:
        exit_now(0)
