"""Reads the text to complete in, from a file or stdin, and refuses what is none."""

from __future__ import annotations

import sys
from pathlib import Path

from codeassist.errors import RequestError
from codeassist.models.sources import size_text

MOST_BYTES = 8_000_000


def read_file(file: Path) -> str:
    """Return the text of a UTF-8 file, line ends as they are. Raises RequestError."""
    try:
        if file.is_dir():
            raise RequestError(f"{file}: is a folder; name a file in it")
        if not file.exists():
            raise RequestError(f"{file}: no such file; check the path, or give unsaved text with --stdin")
        if not file.is_file():
            raise RequestError(f"{file}: not a regular file; give its text with --stdin")
        if (size := file.stat().st_size) > MOST_BYTES:
            raise _too_large(str(file), size_text(size))
        return _decode(file.read_bytes(), str(file))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(f"{file}: cannot be read ({reason}); check its path and permissions") from error


def read_stdin() -> str:
    """Return the text on stdin. Raises RequestError."""
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _too_large("stdin", f"over {size_text(MOST_BYTES)}")
    return _decode(content, "stdin")


def _too_large(where: str, size: str) -> RequestError:
    return RequestError(f"{where}: {size} is too large to complete in (at most {size_text(MOST_BYTES)})")


def _decode(content: bytes, where: str) -> str:
    if b"\0" in content:
        raise RequestError(f"{where}: a binary file, or UTF-16; name a text file in UTF-8")
    try:
        return content.decode("utf-8-sig")  # no editor counts a byte order mark as a column
    except UnicodeDecodeError as error:
        raise RequestError(f"{where}: not UTF-8 (byte {error.start}); save it as UTF-8, or use --stdin") from error
