"""Where running servers can be reached: a folder of the user's own with one announcement for each.

Both sides use it, and the calling side must start fast: nothing heavy is imported here.

    <run>/<name>.sock    the socket of a server; elsewhere if asked for, none where there are no Unix sockets
    <run>/<name>.json    where it is, written once it listens: {"pid", "socket"} or {"pid", "port", "token"}, and
                         "shared", the identity of a server that several windows share, where it is one
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codeassist.errors import CodeAssistError
from codeassist.json_object import parse_json

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

log = logging.getLogger(__name__)

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX") and os.name == "posix"
TOKEN_LINE = b"codeassist-token "
_CONNECT_S = 1.0
# What the system's structure holds, its last zero byte included, on the systems that have the shortest one.
_MOST_PATH_BYTES = 103


class NotReachable(CodeAssistError):  # noqa: N818 — a state, as the house names it
    """Nobody, or somebody else, listens at an address."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system."""

    pid: int
    path: Path
    shared: str | None = None

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class LoopbackAddress:
    """A port of this machine, for systems without Unix sockets; `token` proves that a caller can read our files."""

    pid: int
    port: int
    token: str
    shared: str | None = None

    def __str__(self) -> str:
        return f"port {self.port}"


Address = UnixAddress | LoopbackAddress


def private_folder(folder: Path) -> Path:
    """Make sure that a folder is there and that nobody but the user can look into it. Raises CodeAssistError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                raise CodeAssistError(f"{folder}: not a folder of your own; remove it, or set XDG_RUNTIME_DIR")
            if status.st_mode & 0o077:
                folder.chmod(0o700)
    except OSError as error:
        raise CodeAssistError(
            f"{folder}: cannot hold sockets ({error.strerror}); correct its permissions, or set XDG_RUNTIME_DIR"
        ) from error
    return folder


def new_socket_path(run: Path) -> Path:
    """Return a path for this process's socket that no other process takes, also in another container."""
    return run / f"{os.getpid()}-{secrets.token_hex(4)}.sock"


def checked_socket_path(path: Path) -> Path:
    """Return the path if a socket can have it. Raises CodeAssistError for one that is too long."""
    if len(os.fsencode(path)) > _MOST_PATH_BYTES:
        raise CodeAssistError(f"{path}: too long for a socket's path (at most {_MOST_PATH_BYTES} bytes); take another")
    return path


def announce(run: Path, address: Address) -> Path:
    """Write where a server listens, for the user alone; return the file, to be removed when the server ends."""
    if isinstance(address, UnixAddress):
        entry: dict[str, Any] = {"pid": address.pid, "socket": str(address.path)}
    else:
        entry = {"pid": address.pid, "port": address.port, "token": address.token}
    if address.shared is not None:
        entry["shared"] = address.shared
    file = run / f"{address.pid}-{secrets.token_hex(4)}.json"
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(entry), encoding="utf-8")
    partial.replace(file)
    return file


def reachable(run: Path, shared: str | None = None) -> Iterator[tuple[Address, socket.socket]]:
    """Yield a connection to each server of the user's, the youngest first; whoever takes it closes it.

    With `shared`: only to servers of that identity. Forgets servers that ended without a word.
    """
    try:
        if os.name == "posix" and run.lstat().st_uid != os.geteuid():
            return
        files = sorted(run.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    except OSError:
        return
    for file in files:
        address = _read(file)
        if address is None or (shared is not None and address.shared != shared):
            continue
        try:
            connection = connect(address)
        except NotReachable as error:
            log.info("%s", error)
            if isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
                _forget(file, address, run)
            continue
        yield address, connection


def forget_dead_servers(run: Path) -> None:
    """Remove what servers left behind that ended without a word."""
    for _, connection in reachable(run):
        connection.close()


def connect(address: Address, timeout_s: float = _CONNECT_S) -> socket.socket:
    """Return a connection to a server of the same user. Raises NotReachable."""
    try:
        if isinstance(address, UnixAddress):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(timeout_s)
            try:
                connection.connect(str(address.path))
            except BaseException:
                connection.close()
                raise
        else:
            connection = socket.create_connection(("127.0.0.1", address.port), timeout_s)
            connection.sendall(TOKEN_LINE + address.token.encode() + b"\n")
    except OSError as error:
        raise NotReachable(f"no server answers at {address} ({error.strerror or type(error).__name__})") from error
    if not is_of_this_user(connection):
        connection.close()
        raise NotReachable(f"the server at {address} is another user's; it was told nothing")
    return connection


def is_of_this_user(connection: socket.socket | TransportSocket) -> bool:
    """Say whether the other side of a connection is the same user's, as far as the system tells."""
    if not HAS_UNIX_SOCKETS or connection.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder's and the socket's permissions, or the token, have to do
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid == os.geteuid()


def _read(file: Path) -> Address | None:
    try:
        entry = cast("dict[str, Any]", parse_json(file.read_text(encoding="utf-8")))
        shared = str(entry["shared"]) if "shared" in entry else None
        if "socket" in entry:
            return UnixAddress(int(entry["pid"]), Path(entry["socket"]), shared) if HAS_UNIX_SOCKETS else None
        return LoopbackAddress(int(entry["pid"]), int(entry["port"]), str(entry["token"]), shared)
    except (OSError, ValueError, KeyError, TypeError):
        log.info("%s is no announcement of a server", file)
        return None


def _forget(file: Path, address: Address, run: Path) -> None:
    with contextlib.suppress(OSError):  # another process was faster
        file.unlink()
        if isinstance(address, UnixAddress) and address.path.parent == run:
            address.path.unlink()
