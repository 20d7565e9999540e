"""The sources in a jar of a package: listed and read from the zip, which is unpacked nowhere.

A jar is a stranger's: its size, its table of contents and each text are bounded, and a name that could mean another
place on a disk is none, although nothing is written by it.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from codeassist.regular_file import open_regular

SOURCES = (".java", ".kt", ".scala")
MOST_ENTRIES = 20_000
_MOST_JAR_BYTES = 256 << 20
_MOST_TABLE_BYTES = 4 << 20  # zipfile reads a jar's table of contents at once
_MOST_NAME_CHARS = 400
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError)


@dataclass(frozen=True, slots=True)
class SourceJar:
    """A jar that is open: its source files by name, and their texts."""

    names: Mapping[str, zipfile.ZipInfo]
    _zip: zipfile.ZipFile

    def size(self, name: str) -> int:
        """Return how many bytes a file is said to have."""
        return self.names[name].file_size

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Return a file's content, `most_bytes` at most, whatever the jar says; None where it cannot be read."""
        try:
            with self._zip.open(self.names[name]) as file:
                return file.read(most_bytes)
        except _BROKEN:
            return None


@contextmanager
def opened_jar(path: Path) -> Iterator[SourceJar | None]:
    """Open a jar; None for what is none, or too large."""
    try:
        file = open_regular(path)
    except (OSError, ValueError):
        yield None
        return
    with file:
        try:
            if path.stat().st_size > _MOST_JAR_BYTES:
                raise zipfile.BadZipFile("too large")
            archive = zipfile.ZipFile(cast("IO[bytes]", _Bounded(file)))
        except _BROKEN:
            yield None
            return
        with archive:
            names = {each.filename: each for each in archive.infolist()[:MOST_ENTRIES] if _is_source(each)}
            yield SourceJar(names, archive)


def _is_source(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    if not name.endswith(SOURCES) or len(name) > _MOST_NAME_CHARS or name.startswith("META-INF/"):
        return False
    parts = name.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts)


class _Bounded:
    """A file that is read in pieces of a bounded size, or not at all."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size if 0 <= size <= _MOST_TABLE_BYTES else _MOST_TABLE_BYTES + 1)
        if len(content) > _MOST_TABLE_BYTES:
            raise zipfile.BadZipFile("a piece that is too large")
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing: who opened the file closes it."""
