"""How this program starts others, so that the folder it happens to run in never decides what runs.

A repository that somebody has merely opened may hold a `socket.py`, a `pip/__main__.py` or a `git.exe`. Python puts the
current folder first on the path of `python -c` and `python -m`, multiprocessing does the same for its workers, and
Windows looks for programs there: so nothing here relies on any of them. Every place that starts a process names this
module's functions; a test walks all of them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def forget_working_folder() -> None:
    """Take the current folder off this process's import path, and off that of every Python it starts.

    Called before anything else is imported. It stays only where this program itself lies in it (`python -m` in a
    checkout).
    """
    sys.path[:] = trusted_import_path()
    os.environ["PYTHONSAFEPATH"] = "1"


def trusted_import_path() -> list[str]:
    """Return `sys.path` without relative entries and without the current folder, unless this program lies there."""
    package_folder = Path(__file__).resolve().parents[1]
    try:
        here = Path.cwd().resolve()
    except OSError:  # the folder has been deleted: nothing can be imported from it
        here = None
    kept = [path for path in sys.path if path and Path(path).is_absolute()]
    return [path for path in kept if here == package_folder or here is None or Path(path).resolve() != here]


def python_command(program: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a piece of Python with what this process imports from, and with nothing else.

    Neither PYTHON* variables nor the current folder count over there (`-I`).
    """
    path = f"import sys; sys.path[:] = {trusted_import_path()!r}; "
    return [sys.executable, "-I", "-c", path + program, *arguments]


def module_command(module: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command that runs an installed module as a program (`python -m`), never one of the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def child_folder(command: Sequence[str | Path]) -> Path:
    """Return the folder to start a command in: its own, which whoever installed the program controls anyway."""
    return Path(command[0]).resolve().parent


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a copy of the environment in which a Python anywhere below imports nothing from its current folder."""
    return {**environment, "PYTHONSAFEPATH": "1"}


def own_program() -> str:
    """Return how whoever sits at a terminal starts this program: its name where that finds it, or else its path."""
    script = Path(sys.executable).with_name("codeassist.exe" if sys.platform == "win32" else "codeassist")
    if not script.is_file():
        return "codeassist"
    found = find_program("codeassist")
    return "codeassist" if found is not None and found.samefile(script) else str(script)


def find_program(name: str) -> Path | None:
    """Return the program of this name on PATH as an absolute path, or None.

    A name with a folder in it must be absolute. Relative entries of PATH and the current folder, where Windows looks
    first, do not count.
    """
    if len(Path(name).parts) > 1:
        return Path(name) if Path(name).is_absolute() and shutil.which(name) is not None else None
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    for folder in folders:
        found = shutil.which(str(Path(folder) / name))  # with a folder in its name, it is looked for only there
        if found is not None:
            return Path(found)
    return None
