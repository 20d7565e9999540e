"""What the process that analyses may touch: it reads source files below given folders, and nothing else.

Knows no analysis. A repository's text decides which modules are looked for; it must not decide what is run or read.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Events that start programs, reach the network, load machine code or change files. None of them is ever needed here.
_FORBIDDEN = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
    "socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen", "os.remove", "os.rename", "os.rmdir",
    "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "shutil.rmtree", "urllib.Request",
    "webbrowser.open", "os.putenv", "os.chdir",
)  # fmt: skip
_READS = ("open", "os.listdir", "os.scandir")
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def standard_paths() -> list[str]:
    """Return the folders of the standard library that this interpreter runs with, without any site-packages."""
    paths = sysconfig.get_paths()
    folders = [paths["stdlib"], paths["platstdlib"]]
    folders += [path for path in sys.path if path.endswith("lib-dynload") or path.endswith(".zip")]
    return list(dict.fromkeys(folders))


def confine(readable: Sequence[str]) -> None:
    """Allow this process, for the rest of its life, no more than to read below `readable` and its own libraries."""
    sys.dont_write_bytecode = True
    roots = [os.path.realpath(path) for path in (*readable, *standard_paths(), *_own_libraries())]
    prefixes = tuple(root.rstrip(os.sep) + os.sep for root in roots)
    exact = frozenset(roots) | {os.devnull}

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _READS:
            target = arguments[0]
            if event == "open" and (_writes(arguments) or isinstance(target, int)):
                raise PermissionError(f"{event} {target!r}: the analysis reads source files only")
            path = os.path.realpath(os.fsdecode(target)) if target is not None and not isinstance(target, int) else ""
            if path not in exact and not path.startswith(prefixes):
                raise PermissionError(f"{path}: outside of what the analysis may read")
        elif event.startswith(_FORBIDDEN):
            raise PermissionError(f"{event}: the analysis runs nothing")

    sys.addaudithook(audit)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return (isinstance(mode, str) and any(letter in mode for letter in "wax+")) or bool(flags & _WRITE_FLAGS)


def _own_libraries() -> list[str]:
    """Return where this program's own modules lie: they are imported late, and jedi reads its stubs from there."""
    return [path for path in sys.path if path and Path(path).exists()]
