"""Commits of a repository that may be a stranger's: which files each changed, which lines it added, a whole tree."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_indexer.ingest.git import Git
from codeassist_indexer.ingest.git_objects import Blob, blobs_of, read_blobs, tree_files

_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
# What a diff looks like whatever the configuration and the attributes say; paths are relative to the folder asked in.
_SHAPE = ("-r", "--relative", "--no-renames", "--diff-filter=AM", "--no-commit-id")
_PATCH = ("-p", "-U0", "--text", "--diff-algorithm=myers", "--indent-heuristic", "--inter-hunk-context=0")


def commits_since(git: Git, base: str) -> list[str]:
    """Return the ids of the commits with one parent that HEAD has and `base` has not, newest first."""
    return git.run("rev-list", "--min-parents=1", "--max-parents=1", f"{base}..HEAD", "--").decode().splitlines()


def commits_since_date(git: Git, date: str) -> list[str]:
    """Return the ids of the commits with one parent that HEAD has since a date, newest first."""
    since = f"--since={date}"
    return git.run("rev-list", "--min-parents=1", "--max-parents=1", since, "HEAD", "--").decode().splitlines()


@dataclass(frozen=True, slots=True)
class ModifiedFiles:
    """What a commit changed: how many files in all, and of the regular ones that it modified both sides."""

    num_changed: int
    modified: tuple[tuple[Blob, Blob], ...]


def modified_files(git: Git, commit: str) -> ModifiedFiles:
    """Return the files that a commit changed, in the order of their paths."""
    shape = ("-r", "--relative", "--no-renames", "--no-commit-id", "--raw", "-z")
    fields = git.run("diff-tree", *shape, f"{commit}^", commit).split(b"\0")
    rows = [(header.split(), path) for header, path in zip(fields[::2], fields[1::2], strict=False)]
    pairs = [
        (*blobs_of([(header[0].lstrip(b":"), header[2], path)]), *blobs_of([(header[1], header[3], path)]))
        for header, path in rows
        if header[4] == b"M"
    ]
    return ModifiedFiles(len(rows), tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2))


def changed_files(git: Git, commit: str) -> list[Blob]:
    """Return the regular files that a commit added or modified, in the order of their paths."""
    fields = git.run("diff-tree", *_SHAPE, "--raw", "-z", f"{commit}^", commit).split(b"\0")
    rows = zip(fields[::2], fields[1::2], strict=False)
    return list(blobs_of((header.split()[1], header.split()[3], path) for header, path in rows))


def added_lines(git: Git, commit: str, path: str) -> set[int]:
    """Return the lines, from 0, that a commit added to a file."""
    diff = git.run("diff-tree", *_SHAPE, *_PATCH, f"{commit}^", commit, "--", path)
    added: set[int] = set()
    for match in _HUNK.finditer(diff):
        first, count = int(match[1]), int(match[2] or 1)
        added.update(range(first - 1, first - 1 + count))
    return added


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


def _may_be_written(path: str) -> bool:
    parts = path.split("/")
    forbidden = "\\:" if os.name == "nt" else ""
    return not any(
        part in ("", ".", "..") or part.lower() in (".git", "git~1") or any(letter in part for letter in forbidden)
        for part in parts
    )
