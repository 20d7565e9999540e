"""The server that several windows share: started by the first one's relay, ended a while after the last one left.

One process with an identity serves; a second one ends at once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from codeassist.settings import Override
from codeassist_lsp.completion.backend import Backend, Sharing
from codeassist_lsp.completion.inference import LoadSession
from codeassist_lsp.serving.serving import SWITCH_S, serve_stream
from codeassist_lsp.serving.socket_serving import end, end_on_signals
from codeassist_lsp.transport.addresses import private_folder
from codeassist_lsp.transport.local_socket import LocalSocket

log = logging.getLogger(__name__)

# The window that has a server started may take its time to say hello.
_FIRST_S = 60.0


class Lingering:
    """Calls `end` once nobody is connected and the last editor left `linger_s` ago. Used on one event loop.

    `editor_left_s` is when that was, None while there has been none: then the first one is waited for.
    """

    def __init__(self, linger_s: float, editor_left_s: Callable[[], float | None], end: Callable[[], None]) -> None:
        self._linger_s = linger_s
        self._editor_left_s = editor_left_s
        self._end = end
        self._first_until_s = time.monotonic() + max(linger_s, _FIRST_S)
        self._num_connected = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def came(self) -> None:
        """Somebody connected."""
        self._num_connected += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def left(self) -> None:
        """Somebody hung up."""
        self._num_connected -= 1
        if self._num_connected == 0:
            self._wait()

    def _wait(self) -> None:
        left_s = self._editor_left_s()
        until_s = self._first_until_s if left_s is None else left_s + self._linger_s
        self._timer = asyncio.get_running_loop().call_later(max(0.0, until_s - time.monotonic()), self._end)


def run_shared(
    load: LoadSession, run: Path, identity: str, overrides: Sequence[Override] = (), linger_s: float = 600.0
) -> int:
    """Serve every window of this identity until none is left; return the exit code. Raises CodeAssistError.

    Where such a server runs already, or is being started, it returns at once.
    """

    async def serve() -> int:
        ended = asyncio.Event()
        backend = Backend(load, Sharing(linger_s, ended.set))
        lingering = Lingering(linger_s, lambda: backend.editor_left_s, ended.set)

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lingering.came()
            try:
                await serve_stream(backend, reader, writer, overrides)
            finally:
                lingering.left()

        local = LocalSocket(one, run, identity)
        await local.open()
        end_on_signals(ended.set)
        await ended.wait()
        log.info("nobody needs this server any more, or it was told to end")
        await end(backend, local)
        return 0

    try:
        with FileLock(private_folder(run) / f"shared-{identity}.lock", timeout=0):
            sys.setswitchinterval(SWITCH_S)
            return asyncio.run(serve())
    except Timeout:
        log.info("a server for these settings runs already, or is being started")
        return 0
