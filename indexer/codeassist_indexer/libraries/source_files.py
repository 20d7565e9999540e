"""The source files below a package's folder, and whether a folder is the repository's at all."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_MOST_FOLDERS = 2_000
_MOST_FILES = 6_000


def sources_below(
    root: Path, extensions: tuple[str, ...], without: Collection[str], manifest: str, test_end: str = "\0"
) -> list[str]:
    """Return a package's source files below its folder, those nearest to its top first; no link is followed.

    `without`: names of files and folders that importers do not see; what begins with a dot or an underscore is not
    theirs either where it is a folder. A folder with a `manifest` of its own is another package. `test_end` ends files
    of tests.
    """
    found: list[str] = []
    num_left = _MOST_FOLDERS
    for parent, folders, names in os.walk(root):
        below = Path(parent).relative_to(root).as_posix()
        num_left -= 1
        if num_left < 0 or (below != "." and manifest in names):
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if name not in without and name[0] not in "._")
        kept = [name for name in names if name.endswith(extensions) and name not in without]
        found += [name if below == "." else f"{below}/{name}" for name in kept if not name.endswith(test_end)]
        if len(found) > _MOST_FILES:
            break
    return sorted(found, key=lambda path: (path.count("/"), path))


def may_be_read(root: Path, folder: Path) -> bool:
    """Say whether a folder that is named as one of the repository's lies in it also once all links are followed."""
    if not folder.is_relative_to(root):
        return True
    try:
        return folder.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return False
