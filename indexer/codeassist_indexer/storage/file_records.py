"""What the index keeps of one file, and what it is told about one. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from codeassist_indexer.languages.forms.parsed import ParsedFile


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
