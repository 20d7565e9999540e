"""Whose a repository's settings file is, and whether it stands in the repository at all."""

from __future__ import annotations

import os
from pathlib import Path


def is_inside(file: Path, repository: Path) -> bool:
    """Say whether the file lies in the repository, links followed."""
    try:
        return file.resolve().is_relative_to(repository.resolve())
    except (OSError, RuntimeError):  # links in a circle; RuntimeError before Python 3.13
        return False


def is_own_file(file: Path) -> bool:
    """Say whether there is such a file, and it is no other user's."""
    return file.exists() and not is_of_another(file)


def is_of_another(file: Path) -> bool:
    """Say whether the file, or a link in its place, is another user's: as git's safe.directory judges, on POSIX.

    Under sudo the files of the user who called it count as one's own. A file that is gone is nobody's.
    """
    if os.name != "posix":
        return False
    mine = {os.geteuid()}
    if os.geteuid() == 0 and (caller := os.environ.get("SUDO_UID", "")).isdecimal():
        mine.add(int(caller))
    try:
        return not {file.lstat().st_uid, file.stat().st_uid} <= mine
    except OSError:
        return False
