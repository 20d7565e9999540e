"""Standard input and output as a connection: bytes in from a thread, bytes out, and the end of the process.

From here on, file descriptor 1 is stderr: whatever a library prints, stdout holds messages only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from time import monotonic
from typing import BinaryIO, NoReturn

import psutil

from codeassist_lsp.transport.client_process import LOOK_S, has_ended
from codeassist_lsp.transport.framing import Chunk

log = logging.getLogger(__name__)

_CHUNK = 1 << 16
_MOST_SECONDS_TO_EXIT = 1.5  # a client that is killed expects its server gone within two


class StdioWriter:
    """Writes messages. When the client reads no more, it stays quiet and `is_closed`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Write and flush."""
        if self.is_closed:
            return
        try:
            self._stream.write(data)
            self._stream.flush()
        except (OSError, ValueError) as error:
            log.info("the client reads no more: %s", type(error).__name__)
            self.is_closed = True

    def close(self) -> None:
        """Write nothing more."""
        self.is_closed = True


def take_over_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Return private streams for stdin and stdout; 0 becomes the null device and 1 stderr, for children too."""
    sys.stdout.flush()
    reading, writing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb")


async def chunks(stream: BinaryIO) -> AsyncIterator[Chunk]:
    """What arrives, as it arrives, until the other side closes. One daemon thread reads: it holds up no exit."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Chunk] = asyncio.Queue()

    def read() -> None:
        data = b"?"
        while data:
            try:
                data = stream.read(_CHUNK) or b""
            except (OSError, ValueError):
                data = b""
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, Chunk(data, monotonic()))
            except RuntimeError:  # the loop is closed: nobody reads any more
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (chunk := await arrived.get()).data:
        yield chunk


async def process_ends(process: psutil.Process) -> None:
    """Return when a process is gone (or a zombie)."""
    while not has_ended(process):
        await asyncio.sleep(LOOK_S)
    log.info("the client's process %d is gone", process.pid)


def exit_soon(code: int) -> None:
    """End the process in time even if a thread or a child holds up an orderly end."""

    def end() -> None:
        log.warning("the orderly end took too long")
        exit_now(code)

    timer = threading.Timer(_MOST_SECONDS_TO_EXIT, end)
    timer.daemon = True
    timer.start()


def exit_now(code: int) -> NoReturn:
    """End the process, whatever its threads do. PyTorch may abort when Python ends below it in another thread."""
    logging.shutdown()
    os._exit(code)
