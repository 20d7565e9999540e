"""Cross-file completion tasks from git history: the lines that commits added, in the repository as it was before them.

What a good cursor is, `cursors` says. The repository is only read, and nothing of it runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.commits import added_lines, changed_files, commits_since, write_tree
from codeassist_eval.tasks.cursors import Definitions, cross_file_cursors
from codeassist_eval.tasks.make import Candidate, Made, draw, is_wanted, parse_all, source_texts, write_tasks
from codeassist_eval.tasks.task import Language
from codeassist_indexer.ingest.git import Git, GitError, GitLimits
from codeassist_indexer.ingest.git_objects import Blob, read_blobs, resolve_commit
from codeassist_indexer.ingest.walk import FileLimits
from codeassist_indexer.languages.parsing.parse import parse_file

_GIT_LIMITS = GitLimits()
_MAX_FILE_BYTES = FileLimits().max_file_bytes  # the index reads no larger ones


def make_from_history(repo: Path, since: str, out: Path, language: Language | None, limit: int, seed: int) -> Made:
    """Draw up to `limit` tasks from the commits after `since`, newest first, into `out`.

    Before each commit that a task comes from, the repository is written to `out/repositories/NAME-COMMIT`. Where `repo`
    is a folder inside of a repository, only what lies in it counts.
    """
    if not repo.is_dir():
        raise EvaluationError(f"{repo}: no such folder")
    try:
        git = Git.open(repo, _GIT_LIMITS)
        base = resolve_commit(git, since)
        if base is None:
            raise EvaluationError(
                f"{repo}: no commit {since!r}; name one that is there (a shallow clone lacks older ones)"
            )
        commits = commits_since(git, base)
        candidates = _first_candidates(git, commits, out / "repositories", language, 4 * limit)
    except GitError as error:
        raise EvaluationError(f"{error} (without --since, git is not needed)") from error
    nothing = f"{repo}: none of {len(commits)} commits after {since} added a line that needs a name of another file"
    return write_tasks(out, draw(candidates, limit, seed), out / "repositories", nothing)


def _first_candidates(
    git: Git, commits: Sequence[str], snapshots: Path, language: Language | None, enough: int
) -> list[Candidate]:
    candidates: list[Candidate] = []
    for commit in commits:
        changed = [blob for blob in changed_files(git, commit) if is_wanted(blob.path, language)]
        if changed:
            candidates += _of_commit(git, commit, changed, snapshots / f"{git.root.name}-{commit[:10]}")
        if len(candidates) >= enough:
            break
    return candidates


def _of_commit(git: Git, commit: str, changed: Sequence[Blob], snapshot: Path) -> list[Candidate]:
    _write_snapshot(git, f"{commit}^", snapshot)
    before = parse_all(source_texts(snapshot))
    candidates: list[Candidate] = []
    for blob, content in read_blobs(git, changed, _MAX_FILE_BYTES):
        text = content.decode(errors="replace")
        parsed = parse_file(blob.path, text)
        if parsed is None:
            continue
        definitions = Definitions({**before, blob.path: parsed})
        added = added_lines(git, commit, blob.path)
        cursors = cross_file_cursors(blob.path, text, parsed, definitions)
        candidates += [Candidate(snapshot.name, blob.path, cursor) for cursor in cursors if cursor.line in added]
    return candidates


def _write_snapshot(git: Git, commit: str, folder: Path) -> None:
    if folder.is_dir():
        return
    partial = folder.with_name(folder.name + ".partial")
    try:
        if partial.exists():  # left by a run that was interrupted
            shutil.rmtree(partial)
        write_tree(git, commit, partial, _MAX_FILE_BYTES)
        partial.rename(folder)
    except OSError as error:
        raise EvaluationError(f"{folder}: the repository before the commit cannot be written: {error}") from error
