"""What git says of a repository's files: which it tracks or would track, of all of them or of some paths.

Paths are relative to the root, with forward slashes. A repository inside another one answers for its own files.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from codeassist_indexer.ingest.checkouts import checkout_of, is_checkout
from codeassist_indexer.ingest.git import Git, GitError, GitLimits

LIMITS = GitLimits(time_s=5.0)  # its own matcher may take for ever, as may a pipe named .gitignore
_INDEX_LIMITS = GitLimits(time_s=2.0)
_PATIENCE_S = 600.0
_GLOB = re.compile(r"[*?\[\\]")


class GitAnswer(Protocol):
    """Something that git said; of tracked files alone where it is not `is_complete`."""

    @property
    def is_complete(self) -> bool:
        """Whether it said something of untracked files, too."""
        ...

    def ignores(self, path: str, is_folder: bool) -> bool | None:
        """Say whether git ignores a path whose folder it does not ignore; None: not known."""
        ...


class NoRepositoryError(GitError):
    """No git answers for the folder: none is there, no repository is around it, or the one around it ignores it."""


class ListedFiles:
    """All files below `root` that git tracks or would track; in nested repositories those that these list.

    Raises NoRepositoryError, or GitError where git does not answer within `limits`. Nested ones share that time; of
    those that do not answer nothing is known, which `give_up` is told.
    """

    def __init__(
        self,
        root: Path,
        limits: GitLimits = LIMITS,
        options: Sequence[str] = ("-co", "--exclude-standard"),
        is_complete: bool = True,
        give_up: Callable[[GitError], None] = lambda error: None,
    ) -> None:
        self._give_up = give_up
        self._root = root
        self._until_s = time.monotonic() + limits.time_s
        self._limits = limits
        self._options = options
        self.is_complete = is_complete
        self._files: set[str] = set()
        self._folders: set[str] = {""}
        self._is_known_by_top: dict[str, bool] = {}
        self._add("", git_of(root, limits))

    def ignores(self, path: str, is_folder: bool) -> bool | None:
        """Say whether nothing at the path is listed. A nested repository is asked when it is met."""
        if is_folder and path in self._files:
            return self._ignores_nested(path)
        if path in (self._folders if is_folder else self._files):
            return False
        return True if self.is_complete and not self._is_in_silence(path) else None

    def _ignores_nested(self, path: str) -> bool:
        if not is_checkout(self._root / path):
            return True  # a submodule that was not fetched
        if path not in self._is_known_by_top:
            try:
                left = GitLimits(max(0.0, self._until_s - time.monotonic()), self._limits.output_bytes)
                self._add(path + "/", Git.open(self._root / path, left))
                self._is_known_by_top[path] = True
            except GitError as error:
                self._give_up(error)
                self._is_known_by_top[path] = False
        return False

    def _is_in_silence(self, path: str) -> bool:
        silent = [top for top, is_known in self._is_known_by_top.items() if not is_known]
        return any(path.startswith(top + "/") for top in silent)

    def _add(self, prefix: str, git: Git) -> None:
        listed = os.fsdecode(git.run("ls-files", *self._options, "-z")).split("\0")
        for name in listed:
            path = prefix + name.rstrip("/")
            self._files.add(path)
            folder = path.rpartition("/")[0]
            while folder not in self._folders:
                self._folders.add(folder)
                folder = folder.rpartition("/")[0]


class AskedPaths:
    """Which of some paths, and of the folders above them, git ignores. Raises as ListedFiles does."""

    def __init__(self, root: Path, paths: Collection[str], limits: GitLimits = LIMITS) -> None:
        self.is_complete = True
        git = git_of(root, limits)
        asked = {*paths, *(folder for path in paths for folder in folders_above(path))}
        tops = {folder for folder in asked if is_checkout(root / folder)}
        self._behind_links = {path for path in asked if (root / path).is_symlink()} - {*paths}
        self._ignored: set[str] = set()
        asked_by_top: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(asked):
            above = list(folders_above(path))
            if self._behind_links.isdisjoint(above):
                asked_by_top[next((folder for folder in above if folder in tops), "")].append(path)
        for top, asked_here in asked_by_top.items():
            self._ask(git if not top else Git.open(root / top, limits), top + "/" if top else "", asked_here)

    def ignores(self, path: str, is_folder: bool) -> bool | None:
        """Return what git said of the path. What lies behind a link is ignored: it counts where it is."""
        return path in self._ignored or path in self._behind_links

    def _ask(self, git: Git, prefix: str, paths: Sequence[str]) -> None:
        names = [path.removeprefix(prefix) for path in paths]
        ignored = _ignored(git, [name for name in names if not _GLOB.search(name)])
        odd = [name for name in names if _GLOB.search(name)]  # as patterns they find other names in the index
        if odd:
            tracked = os.fsdecode(git.run("ls-files", "-c", "-z", "--", *odd)).split("\0")
            holding = {*tracked, *(folder for name in tracked for folder in folders_above(name))}
            ignored |= _ignored(git, odd, "--no-index") - holding
        self._ignored.update(prefix + name for name in ignored)


def _ignored(git: Git, names: Sequence[str], *options: str) -> set[str]:
    question = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
    answer = git.run("check-ignore", *options, "--stdin", "-z", stdin=question, statuses=(0, 1)) if names else b""
    return {name.removeprefix("./") for name in os.fsdecode(answer).split("\0") if name}


class GitPatience:
    """Asks git, and where that fails goes without for ten minutes: it would most likely fail again.

    One for each index, for any thread. Git is then asked only what it tracks, which takes no ignore
    file; the rest is read without it.
    """

    def __init__(self, limits: GitLimits = LIMITS) -> None:
        self._limits = limits
        self._again_s = 0.0
        self._notices: tuple[str, ...] = ()
        self._has_given_up = False

    def about_tree(self, root: Path) -> GitAnswer | None:
        """Return what git says of all files, None where nothing."""
        return self._ask(lambda: ListedFiles(root, self._limits, give_up=self._give_up), root)

    def about_paths(self, root: Path, paths: Collection[str]) -> GitAnswer | None:
        """Return what git says of some files, None where nothing."""
        return self._ask(lambda: AskedPaths(root, paths, self._limits), root)

    def tracked_although_ignored(self, root: Path) -> frozenset[str]:
        """Return the files that git tracks although a rule matches; none where it does not answer."""
        try:
            if time.monotonic() < self._again_s:
                return frozenset()
            listed = git_of(root, self._limits).run("ls-files", "-ci", "--exclude-standard", "-z")
        except NoRepositoryError:
            return frozenset()
        except GitError as error:
            self._give_up(error)
            return frozenset()
        return frozenset(filter(None, os.fsdecode(listed).split("\0")))

    def take_notices(self) -> tuple[str, ...]:
        """Return what a user should know and was not told yet."""
        new, self._notices = self._notices, ()
        return new

    def _ask(self, question: Callable[[], GitAnswer], root: Path) -> GitAnswer | None:
        if time.monotonic() >= self._again_s:
            try:
                return question()
            except NoRepositoryError:
                return None
            except GitError as error:
                self._give_up(error)
        try:
            return ListedFiles(root, _INDEX_LIMITS, ("-c",), is_complete=False)
        except GitError:  # said above
            return None

    def _give_up(self, error: GitError) -> None:
        self._again_s = time.monotonic() + _PATIENCE_S
        if not self._has_given_up:
            self._notices = (f"ignore files are read without git, which did not answer: {error}",)
        self._has_given_up = True


def folders_above(path: str) -> Iterator[str]:
    """Yield the folders above a path but the root, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path


def git_of(root: Path, limits: GitLimits) -> Git:
    """Return git for the folder, which may stand below the top of its checkout."""
    top = checkout_of(root)
    if top is None or not is_checkout(top):
        raise NoRepositoryError(f"{root}: not in a repository of git")
    try:
        git, above = Git.open(root, limits), Git.open(top, limits)
    except GitError as error:
        raise NoRepositoryError(str(error)) from error
    if top != root:
        name = b"./" + os.fsencode(root.relative_to(top).as_posix())
        if above.run("check-ignore", "--stdin", "-z", stdin=name + b"\0", statuses=(0, 1)):
            raise NoRepositoryError(f"{root}: ignored by the repository around it")
    return git
