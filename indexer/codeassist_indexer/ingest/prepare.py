"""One file on its way into the index: read and hashed here, parsed elsewhere, then ready to be stored."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from codeassist.regular_file import open_regular
from codeassist_indexer.ingest.file_messages import ParsedText
from codeassist_indexer.ingest.walk import FoundFile, NotSource, decode_source
from codeassist_indexer.storage.file_records import FileState, PreparedFile, SameContent


@dataclass(frozen=True, slots=True)
class GoneFile:
    """A file that vanished, or stopped being readable, after it was listed."""

    path: str
    reason: str


def content_hash(content: bytes) -> bytes:
    """Return the hash by which contents are compared."""
    return hashlib.blake2b(content, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class UnparsedFile:
    """A file that was read and is to be parsed."""

    path: str
    text: str
    state: FileState


def read_from_disk(
    root: Path, found: FoundFile, known: FileState | None
) -> UnparsedFile | PreparedFile | SameContent | GoneFile:
    """Read a file, unless its content is what `known` has already or is not worth parsing.

    Only a regular file is read, never through a link, and no more of it than was listed.
    """
    read_ns = time.time_ns()
    try:
        with open_regular(root / found.path) as file:
            content = file.read(found.size)
    except FileNotFoundError:
        return GoneFile(found.path, "gone")
    except OSError as error:
        return GoneFile(found.path, f"cannot be read ({error.strerror})")
    digest = content_hash(content)
    state = FileState(digest, found.size, found.mtime_ns, read_ns)
    if known is not None and known.content_hash == digest:
        return SameContent(found.path, FileState(digest, found.size, found.mtime_ns, read_ns, known.skip_reason))
    text = decode_source(content)
    if isinstance(text, NotSource):
        return PreparedFile(found.path, skipped_state(state, text.reason), None)
    return UnparsedFile(found.path, text, state)


def unsaved_file(path: str, text: str) -> UnparsedFile:
    """An open document's text, which may not be what is on disk."""
    content = text.encode("utf-8", errors="replace")
    return UnparsedFile(path, text, FileState(content_hash(content), len(content), None, time.time_ns()))


def prepared(file: UnparsedFile, found: ParsedText) -> PreparedFile:
    """Return what to store of a file of which the parser found this."""
    if found.parsed is None:
        return PreparedFile(file.path, skipped_state(file.state, found.skip_reason or "not parsed"), None)
    return PreparedFile(file.path, file.state, found.parsed, found.tokens_by_chunk, found.num_redacted_lines)


def skipped_state(state: FileState, reason: str) -> FileState:
    """Return the state of a file that is left out until its content changes."""
    return FileState(state.content_hash, state.size, state.mtime_ns, state.read_ns, reason)
