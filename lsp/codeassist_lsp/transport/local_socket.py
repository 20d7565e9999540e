"""The socket on which a server is reached by other programs of its user, beside stdio or in its place.

Every connection goes to a function. Only its user can open it; where the system names the other side's user, others are
turned away at the door.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from codeassist.errors import CodeAssistError
from codeassist_lsp.transport.addresses import (
    HAS_UNIX_SOCKETS,
    TOKEN_LINE,
    Address,
    LoopbackAddress,
    NotReachable,
    UnixAddress,
    announce,
    checked_socket_path,
    connect,
    forget_dead_servers,
    is_of_this_user,
    new_socket_path,
    private_folder,
)

log = logging.getLogger(__name__)

ServeConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_TOKEN_S = 5.0


class LocalSocket:
    """Listens from `open` to `close` and announces itself in the folder `run`. Used on one event loop.

    `serve` has a connection to itself until it returns; what it raises is logged. `shared` is the identity of a server
    that several windows share.
    """

    def __init__(self, serve: ServeConnection, run: Path, shared: str | None = None) -> None:
        self._serve = serve
        self._run = run
        self._shared = shared
        self._server: asyncio.Server | None = None
        self._announcement: Path | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.address: Address | None = None

    async def open(self, path: Path | None = None) -> Address:
        """Listen at `path`, or where nobody asked for a place in the folder of all. Raises CodeAssistError."""
        try:
            run = private_folder(self._run)
            forget_dead_servers(run)
            if HAS_UNIX_SOCKETS:
                self.address = await self._listen_at(path, checked_socket_path(path or new_socket_path(run)))
            elif path is not None:
                raise CodeAssistError("--socket: this system has no Unix sockets; leave it away")
            else:
                self.address = await self._listen_on_loopback()
            self._announcement = announce(run, self.address)
        except OSError as error:
            await self.close()
            raise CodeAssistError(f"no local socket ({error.strerror}); check {path or self._run}") from error
        log.info("listening at %s", self.address)
        return self.address

    async def close(self) -> None:
        """Hang up on everybody and leave nothing behind."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=1.0)
        self.remove_files()

    def remove_files(self) -> None:
        """Remove the socket and its announcement, for a process that ends in a hurry."""
        with contextlib.suppress(OSError):
            if self._announcement is not None:
                self._announcement.unlink(missing_ok=True)
            if isinstance(self.address, UnixAddress):
                self.address.path.unlink(missing_ok=True)

    async def _listen_at(self, asked: Path | None, path: Path) -> Address:
        if asked is not None:
            _make_way(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(path))
            path.chmod(0o600)  # before anybody can connect: nothing listens yet
            self._server = await asyncio.start_unix_server(self._welcome, sock=listening)
        except BaseException:
            listening.close()
            raise
        return UnixAddress(os.getpid(), path.absolute(), self._shared)

    async def _listen_on_loopback(self) -> Address:
        token = secrets.token_hex(32)

        async def check(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                line = await asyncio.wait_for(reader.readuntil(b"\n"), _TOKEN_S)
            except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                line = b""
            if hmac.compare_digest(line.rstrip(b"\r\n"), TOKEN_LINE + token.encode()):
                await self._welcome(reader, writer)
            else:
                log.warning("a connection without the token was turned away")
                writer.close()

        self._server = await asyncio.start_server(check, "127.0.0.1", 0)
        return LoopbackAddress(os.getpid(), self._server.sockets[0].getsockname()[1], token, self._shared)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if is_of_this_user(connection):
                await self._serve(reader, writer)
            else:
                log.warning("a connection of another user was turned away")
        except asyncio.CancelledError:
            log.debug("a connection was cut off")
        except ConnectionError as error:
            log.info("a connection ended: %s", type(error).__name__)
        except Exception:  # the boundary of a connection: the others go on
            log.exception("a connection failed")
        finally:
            self._connections.discard(task)
            writer.close()


def _make_way(path: Path) -> None:
    """Remove a socket that a server left behind. Raises CodeAssistError for anything else that stands there."""
    try:
        if path.is_socket():
            try:
                connect(UnixAddress(0, path)).close()
            except NotReachable as error:
                if not isinstance(error.__cause__, ConnectionRefusedError):
                    raise
                path.unlink()
                return
            raise CodeAssistError(f"--socket {path}: another server listens there; take another path")
        if path.exists() or path.is_symlink():
            raise CodeAssistError(f"--socket {path}: something else stands there; take another path")
        if not path.parent.is_dir():
            raise CodeAssistError(f"--socket {path}: there is no folder {path.parent}; make it, or take another path")
    except OSError as error:
        what = os.strerror(error.errno or errno.EIO)
        raise CodeAssistError(f"--socket {path}: cannot be used ({what}); take another path") from error
