"""Opening what a stranger's repository names: regular files only, and no link where none is to be followed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegularError(OSError):
    """A folder, a pipe, a device, or a link where none is to be followed."""


def open_regular(path: Path, *, follows_links: bool = False) -> BinaryIO:
    """Open a file for reading. Never waits for a pipe. Raises OSError, NotRegularError for what is no regular file.

    What is opened is what was looked at: nobody can put another file in its place meanwhile.
    """
    no_follow = 0 if follows_links else getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDONLY | no_follow | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or (not follows_links and path.is_symlink()):
        os.close(descriptor)
        raise NotRegularError(errno.EINVAL, "no regular file")
    return os.fdopen(descriptor, "rb")
