"""SHA-256 of a model's files, and the seal that spares computing it again at each start.

It is told which files, and what to call them.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codeassist.progress import Progress, silent

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What a file was when its hash was computed. While size and time are the same, the hash is believed."""

    size: int
    mtime_ns: int
    sha256: str

    def still_fits(self, file: Path) -> bool:
        """Whether the file looks untouched; reads no content."""
        found = file.stat()
        return (found.st_size, found.st_mtime_ns) == (self.size, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class Seal:
    """The hashes of a model's files, and the identity of the source that they came from."""

    source: str
    files: Mapping[str, FileSeal]

    @property
    def sha256(self) -> str:
        """The one file's hash, or of several the hash of the lines `<sha256>  <name>`, sorted by name."""
        if len(self.files) == 1:
            return next(iter(self.files.values())).sha256
        lines = "".join(f"{self.files[name].sha256}  {name}\n" for name in sorted(self.files))
        return hashlib.sha256(lines.encode()).hexdigest()


def sha256_of(file: Path, progress: Progress = silent) -> str:
    """Hash a file, reporting as "verify <name>"."""
    return _hash(file, hashlib.sha256(), progress)


def git_blob_id(file: Path) -> str:
    """Return git's name for the file's content, which the hub lists for small files."""
    return _hash(file, hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False), silent)


def seal_files(source: str, files: Mapping[str, Path], progress: Progress = silent) -> Seal:
    """Hash every file."""
    seals: dict[str, FileSeal] = {}
    for name, file in files.items():
        before = file.stat()
        seals[name] = FileSeal(before.st_size, before.st_mtime_ns, sha256_of(file, progress))
    return Seal(source, seals)


def read_seal(file: Path) -> Seal | None:
    """Read what `write_seal` wrote; None if there is none or it cannot be read, for it can be made again."""
    try:
        document: Any = json.loads(file.read_bytes())
        return Seal(document["source"], {name: FileSeal(**entry) for name, entry in document["files"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write_seal(seal: Seal, file: Path) -> None:
    """Write the seal whole or not at all."""
    document = {"source": seal.source, "files": {name: asdict(entry) for name, entry in seal.files.items()}}
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=".seal-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(document, out, indent=1)
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _hash(file: Path, digest: Any, progress: Progress) -> str:
    total = file.stat().st_size
    done = 0
    with file.open("rb") as content:
        while block := content.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            progress(f"verify {file.name}", done, total)
    return digest.hexdigest()
