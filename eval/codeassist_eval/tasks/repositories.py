"""The repositories that tasks were cut from: folders, or `*_repos.tar.xz` archives unpacked once into a cache.

Nothing outside the cache folder is ever written.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task

_HASH_BLOCK_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 64 << 30  # the whole CrossCodeEval archive unpacks to a few GiB; more is a bomb


@dataclass(frozen=True, slots=True)
class Repositories:
    """A folder of repositories: `<root>/<repository>` or `<root>/<language>/<repository>`, as officially laid out."""

    root: Path

    def folder(self, task: Task) -> Path:
        """Return the folder of the task's repository; raise `EvaluationError` if it is not there."""
        for folder in (self.root / task.repository, self.root / task.language / task.repository):
            if folder.is_dir() and folder.resolve().is_relative_to(self.root.resolve()):
                return folder
        raise EvaluationError(
            f"task {task.task_id}: repository '{task.repository}' is not in {self.root}; give its folder or archive "
            "with --repos, or choose --context none or provided"
        )

    def require_all(self, tasks: Iterable[Task]) -> None:
        """Raise `EvaluationError` for the first task whose repository is missing, before any work is done."""
        for task in tasks:
            self.folder(task)


def repository_folders(repositories: Repositories) -> list[Path]:
    """Return the folder of every repository, sorted; links and files beside them do not count."""
    children = sorted(child for child in repositories.root.iterdir() if child.is_dir() and not child.is_symlink())
    if not children:
        raise EvaluationError(f"{repositories.root}: no repository in it (--repos)")
    return children


def open_repositories(source: Path, cache: Path) -> Repositories:
    """Return the repositories in `source`, a folder or an archive; an archive is unpacked below `cache` once."""
    if source.is_dir():
        return Repositories(source.resolve())
    if not source.is_file():
        raise EvaluationError(f"{source}: no such folder or archive of repositories (--repos)")
    return Repositories(_unpack_once(source, cache))


def _unpack_once(archive: Path, cache: Path) -> Path:
    """Unpack into a folder named by the archive's hash. Interrupted work is left in no final place."""
    final = cache / _sha256(archive)[:32]
    if final.is_dir():
        return final
    cache.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="unpacking-", dir=cache))
    try:
        _extract(archive, partial)
        try:
            partial.rename(final)
        except OSError:
            if not final.is_dir():  # else another process was faster: its result is as good
                raise
    except OSError as error:
        raise EvaluationError(f"{archive}: cannot be unpacked into {cache}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


def _extract(archive: Path, target: Path) -> None:
    """Extract with the tarfile module's `data` filter: no absolute paths, no links outside, no devices."""
    if not hasattr(tarfile, "data_filter"):
        raise EvaluationError("this Python cannot unpack archives safely; use 3.11.4 or newer, or give a folder")
    try:
        with tarfile.open(archive) as tar:
            num_bytes = 0
            for member in tar:
                num_bytes += member.size
                if num_bytes > MAX_UNPACKED_BYTES:
                    raise EvaluationError(f"{archive}: unpacks to over {MAX_UNPACKED_BYTES >> 30} GiB; not unpacked")
                tar.extract(member, target, filter="data")
    except tarfile.FilterError as error:
        raise EvaluationError(f"{archive}: unsafe member, not unpacked: {error}") from error
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise EvaluationError(f"{archive}: not a complete tar archive: {error}") from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_source(folder: Path, suffixes: tuple[str, ...]) -> dict[str, str]:
    """Return the text of every file below `folder` with one of `suffixes`, by path with forward slashes, sorted.

    Bytes that are not UTF-8 are replaced, as the official retrieval does; links are not followed.
    """
    texts: dict[str, str] = {}
    for parent, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix.lower() in suffixes and path.is_file() and not path.is_symlink():
                texts[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return dict(sorted(texts.items()))
