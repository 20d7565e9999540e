"""Next-edit tasks from the histories of repositories, which are only read, and of which nothing runs.

A commit is taken that changes a few edits in a few files of code. Of each repository tasks are drawn with a seed.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from codeassist.edits.edit_request import EditRequest
from codeassist.progress import Progress
from codeassist_eval.edits.commit_edits import CommitEdits, commit_edits, num_by_kind, task_of
from codeassist_eval.edits.edit_task import EditTask, change_row
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.commits import commits_since_date, modified_files
from codeassist_indexer.edit_sites.past_changes import names_in
from codeassist_indexer.ingest.git import Git, GitError, is_bare
from codeassist_indexer.ingest.git_objects import Blob, read_blobs, tree_files
from codeassist_indexer.languages.registry import language_of, spec_of

MOST_CHANGED, MOST_CODE = 12, 6
MOST_LINES, MOST_LINE_CHARS, MOST_BYTES = 1_200, 400, 400_000
_QUIET_SHARE, _SINGLE_SHARE = 0.25, 0.1
_MOST_BESIDE_READ = 300
_GENERATED = re.compile(
    r"(^|/)(vendor|node_modules|third_party|dist|build|generated|locales?|migrations|__snapshots__|fixtures?)/"
    r"|\.d\.ts$|\.min\.|\.g\.cs$|(^|/)(CHANGELOG|version)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EditMining:
    """How tasks are drawn: at most `per_repository`, from commits since a date (as git reads it). `beside`: so many
    files that the commit did not touch, but that hold a name it changed, stand in a task too, where there are any: what
    finds places must leave them alone."""

    per_repository: int = 150
    since: str = "2019-01-01"
    beside: int = 0
    seed: int = 0


def make_edits(repositories: Sequence[Path], out: Path, mining: EditMining, progress: Progress) -> Mapping[str, int]:
    """Write the tasks of all repositories to `out`; return how many there are of each kind.

    Raises EvaluationError where a repository cannot be read, or none has a commit that fits.
    """
    tasks: list[EditTask] = []
    names = _names(repositories)
    for number, (root, name) in enumerate(zip(repositories, names, strict=True)):
        progress("reading commits", number, len(repositories))
        try:
            tasks += _of_repository(Git.open_bare(root) if is_bare(root) else Git.open(root), name, mining)
        except GitError as error:
            raise EvaluationError(f"{error} (next edits are cut from commits)") from error
    progress("reading commits", len(repositories), len(repositories))
    if not tasks:
        raise EvaluationError("no commit of these repositories has edits that follow from each other; try --since")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(json.dumps(_row(task)) + "\n" for task in tasks), encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"{out}: cannot be written: {error}") from error
    return num_by_kind(tasks)


def _names(repositories: Sequence[Path]) -> list[str]:
    """What each is called: its folder's name, with the one above it where several are called alike."""
    folders = [root.resolve() for root in repositories]
    names = [folder.name.removesuffix(".git") for folder in folders]
    return [
        name if names.count(name) == 1 else f"{folder.parent.name}/{name}"
        for folder, name in zip(folders, names, strict=True)
    ]


def _of_repository(git: Git, name: str, mining: EditMining) -> Iterator[EditTask]:
    rng = random.Random(f"{mining.seed} {name}")
    commits = commits_since_date(git, mining.since)
    rng.shuffle(commits)
    count = 0
    for commit in commits:
        found = _read_commit(git, commit)
        num_made = _num_made(found, rng) if found is not None else None
        if found is None or num_made is None:
            continue
        path = found.edits[found.order[num_made - 1]].path
        request = EditRequest(path, 0, (), _beside(git, commit, found, mining.beside, rng))
        empty = EditTask(f"{name}/{count}", name, commit[:12], language_of(path) or "", "quiet", request, ())
        yield task_of(found, num_made, empty)
        count += 1
        if count == mining.per_repository:
            return


def _num_made(commit: CommitEdits, rng: random.Random) -> int | None:
    """How many edits are made; None where the commit is passed over. A quarter of the tasks are to be complete."""
    if len(commit.edits) == 1:
        return 1 if rng.random() < _SINGLE_SHARE else None
    if rng.random() >= _QUIET_SHARE:
        return rng.randint(1, len(commit.order) - 1)
    return len(commit.order) if len(commit.order) == len(commit.edits) else None


def _read_commit(git: Git, commit: str) -> CommitEdits | None:
    changed = modified_files(git, commit)
    if not 1 <= changed.num_changed <= MOST_CHANGED:
        return None
    code = [(old, new) for old, new in changed.modified if _is_code(old.path)]
    if not 1 <= len(code) <= MOST_CODE:
        return None
    old, new = (_texts(git, blobs) for blobs in zip(*code, strict=True))
    if len(old) != len(code) or len(new) != len(code):
        return None
    return commit_edits(old, new)


def _is_code(path: str) -> bool:
    spec = spec_of(language_of(path))
    is_code = spec is not None and spec.grammar is not None and spec.definitions is not None
    return is_code and not _GENERATED.search(path)


def _texts(git: Git, blobs: Sequence[Blob]) -> dict[str, str]:
    """The texts of those files that somebody wrote by hand."""
    found: dict[str, str] = {}
    for blob, content in read_blobs(git, blobs, MOST_BYTES):
        text = content.decode("utf-8", errors="replace")
        lines = text.split("\n")
        if text and "\r" not in text and len(lines) <= MOST_LINES and max(map(len, lines)) <= MOST_LINE_CHARS:
            found[blob.path] = text
    return found


def _beside(git: Git, commit: str, found: CommitEdits, most: int, rng: random.Random) -> dict[str, str]:
    """Files of the tree that hold a name which the commit changed."""
    if not most:
        return {}
    names = {name for edit in found.edits for name in names_in((*edit.old, *edit.new))}
    blobs = [blob for blob in tree_files(git, f"{commit}^") if blob.path not in found.before and _is_code(blob.path)]
    suffixes = {PurePosixPath(path).suffix for path in found.before}
    blobs = [blob for blob in blobs if PurePosixPath(blob.path).suffix in suffixes]
    texts = _texts(git, rng.sample(blobs, min(_MOST_BESIDE_READ, len(blobs))))
    holding = [path for path, text in texts.items() if names & names_in([text]).keys()]
    return {path: texts[path] for path in holding[:most]}


def _row(task: EditTask) -> dict[str, Any]:
    request = task.request
    return {
        "task_id": task.task_id, "repository": task.repository, "commit": task.commit, "kind": task.kind,
        "language": task.language, "history": [change_row(change) for change in request.history],
        "cursor": {"path": request.path, "line": request.line}, "files": dict(request.files),
        "targets": [
            {**change_row(change), "end_line": change.start_line + len(change.old)} for change in task.targets
        ],
    }  # fmt: skip
