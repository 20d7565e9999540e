"""Which files the last commits of a repository changed together: who edits one of them often has the others to edit.

Read with git (ingest/git.py) on a thread of its own, once for each commit that is checked out. Without git, in a
repository that git does not read for this user, or one whose objects are not there, nothing is known, which costs
nothing else. Of a shallow clone the commits that it has count.

Co-change as a guide to what else has to change: Zimmermann et al., "Mining Version Histories to Guide Software
Changes", ICSE 2004.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codeassist_indexer.ingest.git import Git, GitError, GitLimits
from codeassist_indexer.ingest.git_answers import NoRepositoryError, git_of
from codeassist_indexer.ingest.git_objects import resolve_commit

log = logging.getLogger(__name__)

MOST_COMMITS = 3_000
MOST_FILES = 20  # a commit of more is a renaming, a formatter, somebody's import: it says nothing
_BATCH_COMMITS = 250
_BATCH_LIMITS = GitLimits(time_s=10.0, output_bytes=16 << 20)
_READ_S = 30.0
_PATIENCE_S = 600.0  # until a git that gave no answer is asked again
_SHAPE = ("--stdin", "-r", "--relative", "--no-renames", "--name-only", "-z")


@dataclass(frozen=True, slots=True)
class CommittedTogether:
    """The files of each commit, as paths relative to the repository's folder, and the commits of each file."""

    commits: tuple[tuple[str, ...], ...] = ()
    commits_by_path: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, commits: Iterable[Collection[str]]) -> CommittedTogether:
        """Keep the commits that say something: those of 2 to `MOST_FILES` files."""
        kept_once: dict[str, str] = {}  # else each path is in memory once for each commit
        kept = tuple(
            tuple(kept_once.setdefault(path, path) for path in paths)
            for paths in commits
            if 1 < len(paths) <= MOST_FILES
        )
        commits_by_path: defaultdict[str, list[int]] = defaultdict(list)
        for number, paths in enumerate(kept):
            for path in paths:
                commits_by_path[path].append(number)
        return cls(kept, dict(commits_by_path))

    def with_files(self, paths: Collection[str]) -> Counter[str]:
        """Return in how many commits each other file changed with one of `paths`."""
        numbers = {number for path in paths for number in self.commits_by_path.get(path, ())}
        counted = Counter(path for number in numbers for path in self.commits[number])
        for path in paths:
            counted.pop(path, None)
        return counted


NOTHING_COMMITTED = CommittedTogether()


class CommitHistory:
    """What is known of the repository at `root`, which may be a folder of one. For any thread; nobody waits for git."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None
        self._closed = threading.Event()
        self._head: str | None = None
        self._again_s = 0.0
        self._known = NOTHING_COMMITTED

    def look(self) -> None:
        """See whether another commit is checked out by now, and read on from it, in the background."""
        with self._lock:
            if self._closed.is_set() or (self._reading is not None and self._reading.is_alive()):
                return
            if time.monotonic() < self._again_s:
                return
            self._reading = threading.Thread(target=self._read, name="commit-history", daemon=True)
            try:
                self._reading.start()
            except RuntimeError as error:  # no more threads: what is known stays
                self._reading = None
                log.info("the commits of %s are not read: %s", self._root, error)

    def known(self) -> CommittedTogether:
        """Return what was read last; at once."""
        return self._known

    def wait(self, timeout_s: float) -> CommittedTogether:
        """Return what is known once a reading under way has ended, or the time is up."""
        with self._lock:  # one that is there has been started
            reading = self._reading
        if reading is not None:
            reading.join(timeout_s)
        return self._known

    def close(self) -> None:
        """Read no further."""
        self._closed.set()

    def _read(self) -> None:
        try:
            git = git_of(self._root, _BATCH_LIMITS)
            head = resolve_commit(git, "HEAD")
            if head == self._head:
                return
            self._known = CommittedTogether.of(self._commits(git, head) if head is not None else ())
            self._head = head
        except NoRepositoryError:
            self._known, self._head = NOTHING_COMMITTED, None
        except GitError as error:
            self._again_s = time.monotonic() + _PATIENCE_S
            log.info("which files changed together is not known: %s", error)

    def _commits(self, git: Git, head: str) -> Iterator[list[str]]:
        """Yield the files of each commit with one parent, the newest first, as far as git gets in time."""
        until_s = time.monotonic() + _READ_S
        listed = git.run("rev-list", f"--max-count={MOST_COMMITS}", "--min-parents=1", "--max-parents=1", head, "--")
        ids = listed.decode().split()
        for start in range(0, len(ids), _BATCH_COMMITS):
            if self._closed.is_set() or time.monotonic() > until_s:
                return
            batch = ids[start : start + _BATCH_COMMITS]
            try:
                printed = git.run("diff-tree", *_SHAPE, stdin="".join(f"{each}\n" for each in batch).encode())
            except GitError as error:
                log.info("which files changed together is known of %d commits: %s", start, error)
                return
            yield from _files_by_commit(printed, frozenset(batch))


def _files_by_commit(printed: bytes, ids: frozenset[str]) -> Iterator[list[str]]:
    """Yield what stands below each commit's id. A path that is not UTF-8 names no file of the index."""
    paths: list[str] = []
    for part in printed.decode(errors="replace").split("\0"):
        if part in ids:
            yield paths
            paths = []
        elif part:
            paths.append(part)
    yield paths
