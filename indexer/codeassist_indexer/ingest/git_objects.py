"""Commits, trees and contents of a repository that may be a stranger's, as git keeps them: no filter has seen them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codeassist_indexer.ingest.git import Git, GitError

_BATCH_BYTES = 16 << 20
_LINKS_AND_SUBMODULES = (b"120000", b"160000")


@dataclass(frozen=True, slots=True)
class Blob:
    """A regular file of a tree: its path, with forward slashes, and the id of its content."""

    path: str
    id: str


def resolve_commit(git: Git, name: str) -> str | None:
    """Return the id of the commit that a name stands for, None if it stands for none."""
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", statuses=(0, 1))
    return found.decode().strip() or None


def tree_files(git: Git, commit: str) -> list[Blob]:
    """Return the regular files of a commit's tree."""
    rows = [row.partition(b"\t") for row in git.run("ls-tree", "-r", "-z", commit).split(b"\0") if row]
    return list(blobs_of((header.split()[0], header.split()[2], path) for header, _, path in rows))


def read_blobs(git: Git, blobs: Iterable[Blob], max_bytes: int) -> Iterator[tuple[Blob, bytes]]:
    """Yield the contents of those that are no larger than `max_bytes`; raise `GitError` where one is missing."""
    blobs = list(blobs)
    batch: list[Blob] = []
    num_bytes = 0
    for blob, size in zip(blobs, _sizes(git, blobs), strict=True):
        if size > max_bytes:
            continue
        if num_bytes + size > _BATCH_BYTES:
            yield from _read_batch(git, batch)
            batch, num_bytes = [], 0
        batch.append(blob)
        num_bytes += size
    yield from _read_batch(git, batch)


def blobs_of(rows: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[Blob]:
    """Make blobs of modes, ids and paths; a path that is not UTF-8 is left out, as the index leaves it out."""
    for mode, blob_id, path in rows:
        if mode in _LINKS_AND_SUBMODULES:
            continue
        try:
            yield Blob(path.decode("utf-8"), blob_id.decode())
        except UnicodeDecodeError:
            continue


def _sizes(git: Git, blobs: list[Blob]) -> list[int]:
    asked = "".join(f"{blob.id}\n" for blob in blobs).encode()
    answers = git.run("cat-file", "--batch-check", "--buffer", stdin=asked).decode().splitlines() if blobs else []
    sizes: list[int] = []
    for blob, answer in zip(blobs, answers, strict=True):
        found_id, kind, *size = answer.split()
        if kind != "blob":
            raise GitError(f"{git.root}: the content of {blob.path} ({found_id}) is {kind}; give a whole clone")
        sizes.append(int(size[0]))
    return sizes


def _read_batch(git: Git, blobs: list[Blob]) -> Iterator[tuple[Blob, bytes]]:
    if not blobs:
        return
    content = git.run("cat-file", "--batch", "--buffer", stdin="".join(f"{blob.id}\n" for blob in blobs).encode())
    start = 0
    for blob in blobs:
        end = content.index(b"\n", start)
        first, last = end + 1, end + 1 + int(content[start:end].split()[2])
        yield blob, content[first:last]
        start = last + 1
