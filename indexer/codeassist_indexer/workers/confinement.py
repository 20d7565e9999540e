"""What a worker process may do: read files below given folders, compute, and answer. Nothing else, for good.

Three fences, each kept although the others stand: limits of the system (memory, no file may grow), the kernel's
(Landlock for files, seccomp for system calls; Linux), and Python's audit hooks (everywhere). docs/security.md says
which of them holds on which system.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import codeassist
import codeassist_indexer
from codeassist_indexer.workers.landlock import restrict_files
from codeassist_indexer.workers.seccomp import restrict_calls

# Events of Python's audit hooks that reading and computing raise. Any other one is denied, also those of later Pythons.
_ALLOWED_EVENTS = frozenset({
    "import", "compile", "exec", "marshal.loads", "marshal.load", "marshal.dumps", "code.__new__", "function.__new__",
    "object.__getattr__", "object.__setattr__", "object.__delattr__", "array.__new__", "builtins.id",
    "sys._getframe", "sys._current_frames", "sys.unraisablehook", "sys.excepthook", "sys.monitoring.register_callback",
    "gc.get_objects", "gc.get_referrers", "gc.get_referents", "_thread.start_new_thread",
    "_thread.start_joinable_thread", "time.sleep", "ctypes.get_errno", "cpython._PySys_ClearAuditHooks",
    "os.walk", "os.fwalk", "os.listxattr", "os.getxattr", "glob.glob", "glob.glob/2", "pathlib.Path.glob",
    "pathlib.Path.rglob", "sqlite3.connect", "sqlite3.connect/handle",
})  # fmt: skip
# Where the dynamic loader looks for what extension modules are linked to. Nothing there is anybody's own.
_LIBRARY_FOLDERS = ("/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64", f"{sys.base_prefix}/lib")
_SYSTEM_LIBRARIES = tuple(Path(path) for path in (*_LIBRARY_FOLDERS, os.devnull))
_READS = frozenset({"open", "os.listdir", "os.scandir"})
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which fences hold in this process."""

    files: bool
    calls: bool
    memory: bool


def confine(readable: Sequence[str | Path], memory_bytes: int) -> Confinement:
    """Allow this process, for the rest of its life, no more than to read below `readable` and its own libraries.

    Call it before any other thread is started: Landlock binds the calling thread and those that it starts. A link below
    `readable` that leads out opens nothing. Raises OSError where the system has a fence and refuses it.
    """
    sys.dont_write_bytecode = True
    roots = [Path(path).resolve() for path in (*readable, *standard_paths(), *_own_libraries())]
    roots = list(dict.fromkeys(roots))
    memory = _limit_resources(memory_bytes)
    files = restrict_files([*roots, *_SYSTEM_LIBRARIES])
    calls = restrict_calls()
    sys.addaudithook(_Fence(roots))
    return Confinement(files, calls, memory)


def standard_paths() -> list[str]:
    """Return the folders of the standard library that this interpreter runs with, without any site-packages."""
    paths = sysconfig.get_paths()
    folders = [paths["stdlib"], paths["platstdlib"]]
    folders += [path for path in sys.path if path.endswith("lib-dynload") or path.endswith(".zip")]
    return list(dict.fromkeys(folders))


class _Fence:
    """The audit hook: what is not known to be harmless raises PermissionError."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._prefixes = tuple(str(root).rstrip(os.sep) + os.sep for root in roots)
        self._exact = frozenset(map(str, roots)) | {os.devnull}
        own = [*standard_paths(), *_own_libraries()]
        self._code_prefixes = tuple(os.path.realpath(path).rstrip(os.sep) + os.sep for path in own)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at one event."""
        if event in _READS:
            self._read(event, arguments)
        elif event == "import":
            self._load(arguments)
        elif event not in _ALLOWED_EVENTS:
            raise PermissionError(f"{event}: a worker reads files and computes")

    def _read(self, event: str, arguments: tuple[Any, ...]) -> None:
        target = arguments[0]
        if isinstance(target, int) or target is None or (event == "open" and _writes(arguments)):
            raise PermissionError(f"{event} {target!r}: a worker reads files by their path")
        path = os.path.realpath(os.fsdecode(target))
        if path not in self._exact and not path.startswith(self._prefixes):
            raise PermissionError(f"{path}: outside of what a worker may read")

    def _load(self, arguments: tuple[Any, ...]) -> None:
        """An extension module is machine code: only this program's own are loaded. (Others' text is never imported.)"""
        filename = arguments[1]
        if filename is not None and not os.path.realpath(os.fsdecode(filename)).startswith(self._code_prefixes):
            raise PermissionError(f"{filename}: not this program's own")


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return (isinstance(mode, str) and any(letter in mode for letter in "wax+")) or bool(flags & _WRITE_FLAGS)


def _own_libraries() -> list[str]:
    """Return where this program's own modules lie: they are imported late, and jedi reads its stubs from there.

    A package that is installed from a checkout need not lie on `sys.path`.
    """
    packages = [str(Path(module.__file__).parent) for module in (codeassist, codeassist_indexer) if module.__file__]
    return [*(path for path in sys.path if path and Path(path).exists()), *packages]


def _limit_resources(memory_bytes: int) -> bool:
    try:
        import resource
    except ImportError:  # Windows
        return False
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails instead of ending the process
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "linux":  # there threads count too, and seccomp forbids new processes
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return True
