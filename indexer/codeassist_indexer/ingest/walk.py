"""The files of a repository that count: where its root is, and what in it is source worth indexing.

Links are never followed: what a link inside the repository points to counts once, in its own place.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codeassist.request import NO_REPOSITORY
from codeassist.settings import REPOSITORY_FILE
from codeassist.settings.ownership import is_own_file
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.secrets.file_names import secret_file_reason

_ROOT_MARKERS = (".git", ".hg")

_GENERATED_NAME = re.compile(
    r"""(?x) \.min\.(?:js|mjs|cjs)$ | \.bundle\.js$ | _pb2(?:_grpc)?\.pyi?$ | \.pb(?:\.gw)?\.go$ | \.pb\.(?:h|cc)$
    | \.g(?:\.i)?\.cs$ | \.designer\.cs$ | \.generated\.\w+$ | ^zz_generated | _generated\.go$ | \.d\.ts\.map$"""
)
_LOCK_NAMES = frozenset({"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "gradle.lockfile"})
_GENERATED_MARK = re.compile(
    r"@generated\b|Code generated .{0,200}DO NOT EDIT|<auto-?generated|GENERATED CODE\b.{0,80}DO NOT"
)
_MARK_CHARS = 1_500  # generators write their mark at the top
_MINIFIED_MIN_CHARS = 5_000
_MINIFIED_MEAN_LINE_CHARS = 250


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Which files are too much: `max_file_bytes` and above are not read at all."""

    max_file_bytes: int = 512 << 10


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to index. `path` is relative to the root, with forward slashes."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A path that does not count, and why in plain words. Ignored files are not listed, they are as if absent."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotSource:
    """Why a file's content is not worth indexing, in plain words."""

    reason: str


def repository_name(root: Path, opened: Path) -> str:
    """Return what the user calls the repository at `root`: the name of the folder at or above `opened` that is it.

    A link goes by its own name, and what it leads to by none: NO_REPOSITORY where the root was not opened itself.
    """
    opened = opened.absolute()
    for folder in (opened, *opened.parents):
        if folder.name != ".." and folder.resolve() == root:
            return folder.name
    return NO_REPOSITORY


def repository_root(path: Path) -> Path | None:
    """Return the nearest folder at or above `path` that is a repository's root, links resolved, or None.

    Another user's settings file makes a folder no root: it would bring all that lies there into the user's index.
    """
    path = path.resolve()
    for folder in (path, *path.parents):
        settings = folder / REPOSITORY_FILE
        if any((folder / marker).exists() for marker in _ROOT_MARKERS) or is_own_file(settings):
            return folder
    return None


def walk(
    root: Path, rules: IgnoreRules, is_source: Callable[[str], bool], limits: FileLimits
) -> Iterator[FoundFile | SkippedFile]:
    """Yield every source file under `root` in a fixed order (by path), and what was left out and why.

    `is_source` says by its path whether a file is in a language that is indexed; other files are passed over silently.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            yield SkippedFile(folder or ".", "folder cannot be read")
            continue
        subfolders: list[str] = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if not rules.ignores_folder(path):
                    subfolders.append(path)
            elif not rules.ignores_file(path):
                found = inspect(root, path, is_source, limits)
                if found is not None:
                    yield found
        pending += reversed(subfolders)


def inspect(
    root: Path, path: str, is_source: Callable[[str], bool], limits: FileLimits
) -> FoundFile | SkippedFile | None:
    """Judge one path that no rule ignores by its name, kind and size; None where there is nothing to say about it."""
    secret = secret_file_reason(path)
    if secret is not None:
        return SkippedFile(path, secret)
    try:
        status = os.lstat(f"{root}/{path}")  # not by Path, which takes as long again for each of 100,000 files
        if stat.S_ISLNK(status.st_mode):
            return _judge_link(root, path, is_source)
    except OSError:
        return None  # gone since it was listed
    if not is_source(path) or not stat.S_ISREG(status.st_mode):
        return None
    reason = None
    if not _is_text(path):
        reason = "name is not UTF-8"
    elif status.st_size > limits.max_file_bytes:
        reason = f"larger than {limits.max_file_bytes:,} bytes"
    else:
        reason = _generated_name_reason(path)
    return SkippedFile(path, reason) if reason else FoundFile(path, status.st_size, status.st_mtime_ns)


def decode_source(content: bytes) -> str | NotSource:
    """Return the text of a source file, or why it is none: binary, not UTF-8, generated, minified."""
    if b"\0" in content:
        return NotSource("binary")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return NotSource("not UTF-8")
    if _GENERATED_MARK.search(text, 0, _MARK_CHARS):
        return NotSource("generated")
    if len(text) > _MINIFIED_MIN_CHARS and len(text) > _MINIFIED_MEAN_LINE_CHARS * (text.count("\n") + 1):
        return NotSource("minified")
    return text


def _generated_name_reason(path: str) -> str | None:
    name = path.rpartition("/")[2].lower()
    if name in _LOCK_NAMES or name.endswith(".lock"):
        return "lock file"
    return "generated" if _GENERATED_NAME.search(name) else None


def _judge_link(root: Path, path: str, is_source: Callable[[str], bool]) -> SkippedFile | None:
    """Say what becomes of a link. Only its target's place decides; nothing behind it is read."""
    try:
        target = (root / path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a circle, before Python 3.13
        return SkippedFile(path, "link that is broken or leads in a circle")
    if not target.is_relative_to(root):
        return SkippedFile(path, "link out of the repository")
    return SkippedFile(path, "link, counted where it leads") if target.is_dir() or is_source(path) else None


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
