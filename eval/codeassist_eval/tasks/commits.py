"""Commits of a repository that may be a stranger's: which files each changed, which lines it added, a whole tree.

Contents are objects, as git keeps them: no filter of the repository has seen them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_indexer.ingest.git import Git, GitError

_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_BATCH_BYTES = 16 << 20
_LINKS_AND_SUBMODULES = (b"120000", b"160000")
# What a diff looks like whatever the configuration and the attributes say; paths are relative to the folder asked in.
_SHAPE = ("-r", "--relative", "--no-renames", "--diff-filter=AM", "--no-commit-id")
_PATCH = ("-p", "-U0", "--text", "--diff-algorithm=myers", "--indent-heuristic", "--inter-hunk-context=0")


@dataclass(frozen=True, slots=True)
class Blob:
    """A regular file of a tree: its path, with forward slashes, and the id of its content."""

    path: str
    id: str


def resolve_commit(git: Git, name: str) -> str | None:
    """Return the id of the commit that a name stands for, None if it stands for none."""
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", statuses=(0, 1))
    return found.decode().strip() or None


def commits_since(git: Git, base: str) -> list[str]:
    """Return the ids of the commits with one parent that HEAD has and `base` has not, newest first."""
    return git.run("rev-list", "--min-parents=1", "--max-parents=1", f"{base}..HEAD", "--").decode().splitlines()


def changed_files(git: Git, commit: str) -> list[Blob]:
    """Return the regular files that a commit added or modified, in the order of their paths."""
    fields = git.run("diff-tree", *_SHAPE, "--raw", "-z", f"{commit}^", commit).split(b"\0")
    rows = zip(fields[::2], fields[1::2], strict=False)
    return list(_blobs((header.split()[1], header.split()[3], path) for header, path in rows))


def tree_files(git: Git, commit: str) -> list[Blob]:
    """Return the regular files of a commit's tree."""
    rows = [row.partition(b"\t") for row in git.run("ls-tree", "-r", "-z", commit).split(b"\0") if row]
    return list(_blobs((header.split()[0], header.split()[2], path) for header, _, path in rows))


def added_lines(git: Git, commit: str, path: str) -> set[int]:
    """Return the lines, from 0, that a commit added to a file."""
    diff = git.run("diff-tree", *_SHAPE, *_PATCH, f"{commit}^", commit, "--", path)
    added: set[int] = set()
    for match in _HUNK.finditer(diff):
        first, count = int(match[1]), int(match[2] or 1)
        added.update(range(first - 1, first - 1 + count))
    return added


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


def write_tree(git: Git, commit: str, folder: Path, max_bytes: int) -> None:
    """Write the regular files of a commit's tree that are no larger than `max_bytes` into `folder`, which is not there.

    A name that would leave `folder`, or that git itself would not check out, is left out.
    """
    blobs = [blob for blob in tree_files(git, commit) if _may_be_written(blob.path)]
    try:
        folder.mkdir(parents=True)
        for blob, content in read_blobs(git, blobs, max_bytes):
            path = folder / blob.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise EvaluationError(f"{folder}: the repository at {commit} cannot be written: {error}") from error


def _blobs(rows: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[Blob]:
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


def _may_be_written(path: str) -> bool:
    parts = path.split("/")
    forbidden = "\\:" if os.name == "nt" else ""
    return not any(
        part in ("", ".", "..") or part.lower() in (".git", "git~1") or any(letter in part for letter in forbidden)
        for part in parts
    )
