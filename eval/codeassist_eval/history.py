"""Cross-file completion tasks from git history: the lines that commits added, in the repository as it was before them.

Knows no model; what a good cursor is, `cursors` says. The repository is only read.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.cursors import Definitions, cross_file_cursors
from codeassist_eval.errors import EvaluationError
from codeassist_eval.make import Candidate, Made, draw, is_wanted, parse_all, source_texts, write_tasks
from codeassist_eval.statement import Language
from codeassist_indexer.parse import parse_file

_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Git:
    """Reads one repository through the git program."""

    root: Path

    def run(self, *arguments: str) -> bytes:
        """Return what a git command prints; raise `EvaluationError` with git's last line where it fails."""
        command = ["git", "-C", str(self.root), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            raise EvaluationError("git is not installed; leave --since out, or install it") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise EvaluationError(f"{self.root}: git {arguments[0]}: {said[-1] if said else 'failed'}")
        return done.stdout

    def lines(self, *arguments: str) -> list[str]:
        return self.run(*arguments).decode().splitlines()


def make_from_history(repo: Path, since: str, out: Path, language: Language | None, limit: int, seed: int) -> Made:
    """Draw up to `limit` tasks from the commits after `since`, newest first, into `out`.

    Before each commit that a task comes from, the repository is written to `out/repositories/NAME-COMMIT`.
    """
    if not repo.is_dir():
        raise EvaluationError(f"{repo}: no such folder")
    git = _Git(repo.resolve())
    base = git.lines("rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}")[0]
    commits = git.lines("rev-list", "--no-merges", f"{base}..HEAD")
    candidates: list[Candidate] = []
    for commit in commits:
        candidates += _of_commit(git, commit, out / "repositories", language)
        if len(candidates) >= 4 * limit:  # enough to draw from
            break
    nothing = f"{repo}: none of {len(commits)} commits after {since} added a line that needs a name of another file"
    return write_tasks(out, draw(candidates, limit, seed), out / "repositories", nothing)


def _of_commit(git: _Git, commit: str, snapshots: Path, language: Language | None) -> list[Candidate]:
    changed = git.run("diff-tree", "-r", "-z", "--no-commit-id", "--name-only", "--diff-filter=AM", commit)
    paths = [path for path in changed.decode(errors="replace").split("\0") if path and is_wanted(path, language)]
    if not paths:
        return []
    name = f"{git.root.name}-{commit[:10]}"
    snapshot = snapshots / name
    _write_snapshot(git, f"{commit}^", snapshot)
    before = parse_all(source_texts(snapshot))
    candidates: list[Candidate] = []
    for path in paths:
        text = git.run("show", f"{commit}:{path}").decode(errors="replace")
        parsed = parse_file(path, text)
        if parsed is None:
            continue
        definitions = Definitions({**before, path: parsed})
        added = _added_lines(git.run("diff", "-U0", f"{commit}^", commit, "--", path))
        cursors = cross_file_cursors(path, text, parsed, definitions)
        candidates += [Candidate(name, path, cursor) for cursor in cursors if cursor.line in added]
    return candidates


def _write_snapshot(git: _Git, commit: str, folder: Path) -> None:
    if folder.is_dir():
        return
    partial = folder.with_name(folder.name + ".partial")
    archive = git.run("archive", "--format=tar", commit)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if member.isfile():
                    tar.extract(member, partial, filter="data")
        partial.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    except (OSError, tarfile.TarError) as error:
        raise EvaluationError(f"{folder}: the repository before {commit} cannot be written: {error}") from error


def _added_lines(diff: bytes) -> set[int]:
    """Return the lines, from 0, that a diff without context says were added."""
    added: set[int] = set()
    for match in _HUNK.finditer(diff):
        first, count = int(match[1]), int(match[2] or 1)
        added.update(range(first - 1, first - 1 + count))
    return added
