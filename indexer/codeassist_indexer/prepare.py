"""One file made ready for the index: read, hashed, cleared of secrets, parsed, its chunks split into tokens.

Knows no database; runs in worker processes, so all that goes in and comes out can be pickled.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from codeassist_indexer.lexical import code_tokens
from codeassist_indexer.parse import parse_file
from codeassist_indexer.parsed import ParsedFile
from codeassist_indexer.secrets import redact
from codeassist_indexer.walk import FoundFile, NotSource, decode_source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileState:
    """What the index remembers of a file to tell whether it has changed.

    `mtime_ns` is None when the indexed text did not come from the disk (an unsaved document). `read_ns` is the clock
    just before the file was read. `skip_reason` is set for a file whose content is not worth indexing.
    """

    content_hash: bytes
    size: int
    mtime_ns: int | None
    read_ns: int
    skip_reason: str | None = None


@dataclass(frozen=True, slots=True)
class FileVectors:
    """The vectors of all chunks of a file in order, as one block, and the identity of the encoder that made them."""

    encoder: str
    vectors: bytes


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file to store. `parsed` is None where there is nothing to keep (`state.skip_reason` says why).

    `tokens_by_chunk` runs along `parsed.chunks`: each chunk's code tokens joined by spaces.
    """

    path: str
    state: FileState
    parsed: ParsedFile | None
    tokens_by_chunk: tuple[str, ...] = ()
    num_redacted_lines: int = 0
    vectors: FileVectors | None = None


@dataclass(frozen=True, slots=True)
class SameContent:
    """A file that was touched but holds what the index already has."""

    path: str
    state: FileState


@dataclass(frozen=True, slots=True)
class GoneFile:
    """A file that vanished, or stopped being readable, after it was listed."""

    path: str
    reason: str


def content_hash(content: bytes) -> bytes:
    """Return the hash by which contents are compared."""
    return hashlib.blake2b(content, digest_size=16).digest()


def prepare_from_disk(root: Path, found: FoundFile, known: FileState | None) -> PreparedFile | SameContent | GoneFile:
    """Read a file and prepare it, unless its content is what `known` has already."""
    read_ns = time.time_ns()
    try:
        content = (root / found.path).read_bytes()
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
        return PreparedFile(found.path, _skipped(state, text.reason), None)
    return _prepare(found.path, text, state)


def prepare_unsaved(path: str, text: str) -> PreparedFile:
    """Prepare an open document's text, which may not be what is on disk."""
    content = text.encode("utf-8", errors="replace")
    return _prepare(path, text, FileState(content_hash(content), len(content), None, time.time_ns()))


def _prepare(path: str, text: str, state: FileState) -> PreparedFile:
    redaction = redact(text)
    try:
        parsed = parse_file(path, redaction.text)
    except RecursionError:
        log.warning("not indexed, nested too deeply: %s", path)
        return PreparedFile(path, _skipped(state, "nested too deeply"), None)
    if parsed is None:
        return PreparedFile(path, _skipped(state, "language is not indexed"), None)
    tokens = tuple(" ".join(code_tokens(chunk.text, parsed.language)) for chunk in parsed.chunks)
    return PreparedFile(path, state, parsed, tokens, len(redaction.lines))


def _skipped(state: FileState, reason: str) -> FileState:
    return FileState(state.content_hash, state.size, state.mtime_ns, state.read_ns, reason)
