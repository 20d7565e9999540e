"""Cross-file completion tasks in CrossCodeEval's format, cut from a repository as it stands.

What a good cursor is, `cursors` says.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.cursors import Cursor, Definitions, cross_file_cursors
from codeassist_eval.tasks.task import Language, language_of
from codeassist_indexer.ingest.git_answers import GitPatience
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.walk import FileLimits, FoundFile, decode_source, walk
from codeassist_indexer.languages.forms.parsed import ParsedFile
from codeassist_indexer.languages.parsing.parse import parse_file

_MAX_PER_FILE = 4


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and what to give to `--repos`."""

    tasks_path: Path
    repositories: Path
    num_by_kind: Mapping[str, int]

    @property
    def num_tasks(self) -> int:
        """How many tasks there are."""
        return sum(self.num_by_kind.values())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cursor, the file it stands in, and the name under which that file's repository is to be found."""

    repository: str
    path: str
    cursor: Cursor


def make_from_folder(repo: Path, out: Path, language: Language | None, limit: int, seed: int) -> Made:
    """Draw up to `limit` tasks from the repository at `repo` into `out/tasks.jsonl`."""
    root = repo.resolve()
    if not root.is_dir():
        raise EvaluationError(f"{repo}: no such folder")
    texts = source_texts(root)
    files = parse_all(texts)
    definitions = Definitions(files)
    candidates = [
        Candidate(root.name, path, cursor)
        for path, text in texts.items()
        if is_wanted(path, language) and path in files
        for cursor in cross_file_cursors(path, text, files[path], definitions)
    ]
    return write_tasks(out, draw(candidates, limit, seed), root.parent, f"{repo}: no file uses a name of another one")


def source_texts(root: Path) -> dict[str, str]:
    """Return the text of every file that the index would hold, by path; ignore files and size limits count."""
    texts: dict[str, str] = {}
    rules = IgnoreRules(root, git=GitPatience().about_tree(root))
    for found in walk(root, rules, lambda path: language_of(path) is not None, FileLimits()):
        if isinstance(found, FoundFile):
            text = decode_source((root / found.path).read_bytes())
            if isinstance(text, str):
                texts[found.path] = text
    return texts


def parse_all(texts: Mapping[str, str]) -> dict[str, ParsedFile]:
    """Parse what can be parsed."""
    parsed = ((path, parse_file(path, text)) for path, text in texts.items())
    return {path: found for path, found in parsed if found is not None}


def is_wanted(path: str, language: Language | None) -> bool:
    """Whether tasks may be cut from this file."""
    found = language_of(path)
    return found is not None and (language is None or found == language)


def draw(candidates: Sequence[Candidate], limit: int, seed: int) -> list[Candidate]:
    """Draw with `seed`: one cursor a line, few of a file, `limit` in all; the order of the files is kept."""
    order = list(range(len(candidates)))
    random.Random(seed).shuffle(order)
    per_file: Counter[tuple[str, str]] = Counter()
    lines: set[tuple[str, str, int]] = set()
    chosen: list[int] = []
    for index in order:
        candidate = candidates[index]
        file = (candidate.repository, candidate.path)
        line = (*file, candidate.cursor.line)
        if line in lines or per_file[file] == _MAX_PER_FILE or len(chosen) == limit:
            continue
        lines.add(line)
        per_file[file] += 1
        chosen.append(index)
    return [candidates[index] for index in sorted(chosen)]


def write_tasks(out: Path, candidates: Iterable[Candidate], repositories: Path, if_none: str) -> Made:
    """Write `out/tasks.jsonl`; raise `EvaluationError` with the text `if_none` where there is nothing to write."""
    rows = [_row(number, candidate) for number, candidate in enumerate(candidates)]
    if not rows:
        raise EvaluationError(if_none)
    path = out / "tasks.jsonl"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be written: {error}") from error
    return Made(path, repositories, Counter(row["metadata"]["kind"] for row in rows))


def _row(number: int, candidate: Candidate) -> dict[str, Any]:
    cursor = candidate.cursor
    return {
        "prompt": cursor.prefix,
        "groundtruth": cursor.truth,
        "right_context": cursor.suffix,
        "metadata": {
            "task_id": f"{candidate.repository}/{number}",
            "repository": candidate.repository,
            "file": candidate.path,
            "kind": cursor.kind,
            "context_start_lineno": 0,
            "groundtruth_start_lineno": cursor.line,
            "right_context_start_lineno": cursor.line + 1,
        },
    }
