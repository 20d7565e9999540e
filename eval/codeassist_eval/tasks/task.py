"""A completion task: a cursor in a file of a repository, and what stands after it in truth.

The benchmark modules make tasks from their rows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal, get_args

from codeassist.request import Snippet

Language = Literal["python", "java", "typescript", "csharp"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
SUFFIXES: dict[Language, tuple[str, ...]] = {
    "python": (".py",),
    "java": (".java",),
    "typescript": (".ts", ".tsx"),
    "csharp": (".cs",),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One cursor. `prefix` and `suffix` are what the benchmark shows of the file around it."""

    task_id: str
    repository: str
    path: str  # of the file in the repository, with forward slashes
    language: Language
    prefix: str
    suffix: str
    groundtruth: str
    kind: str | None = None
    provided: tuple[Snippet, ...] = ()  # cross-file context that came with the row, best first
    gold_snippet: int | None = None  # which of `provided` the truth needs, where the benchmark knows
    created_at: datetime | None = None  # when the code was written, where the benchmark says


def language_of(path: str) -> Language | None:
    """Return the language that a file's name says it is in; None if no benchmark has it."""
    suffix = PurePosixPath(path).suffix.lower()
    return next((language for language, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def sample(tasks: Sequence[Task], limit: int | None, seed: int) -> list[Task]:
    """Return `limit` tasks drawn with `seed`, all where there is no limit, in the order of `in_prefix_order`."""
    drawn = list(tasks)
    if limit is not None and limit < len(drawn):
        chosen = set(random.Random(seed).sample(range(len(drawn)), limit))
        drawn = [task for index, task in enumerate(drawn) if index in chosen]
    return in_prefix_order(drawn)


def in_prefix_order(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks so that those whose prompts begin alike follow each other; equals keep their order.

    Those of one repository come together (one index, one header), of these those of one file, from its top to its
    bottom: the next prompt then goes on where the last one's cursor stood, as far as both show the same lines.
    """
    first_seen: dict[str, int] = {}
    for task in tasks:
        first_seen.setdefault(task.repository, len(first_seen))
    return sorted(tasks, key=lambda task: (first_seen[task.repository], task.path, len(task.prefix)))


def repository_path(path: str) -> str | None:
    """Return `path` with forward slashes; None if it is absolute or leaves its repository."""
    clean = PurePosixPath(path.replace("\\", "/"))
    return None if clean.is_absolute() or ".." in clean.parts or not clean.parts else str(clean)
