"""Paths of the index: what the languages' files ask to find what an import means.

Knows only paths: a module is found by its name, and of several the one whose path ends as the import is written and
that shares the longest path with the importing file. What a file defines is looked up elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Queries(Protocol):
    """What is asked: a `Store`, or one that remembers what it was asked."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement."""
        ...


@dataclass(frozen=True, slots=True)
class Remembering:
    """Asks a store the same question once only: the imports of one file ask for the same modules again and again."""

    store: Queries
    _known: dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]] = field(
        default_factory=dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]]
    )

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement, which nobody may change."""
        key = (sql, tuple(parameters))
        rows = self._known.get(key)
        if rows is None:
            rows = self._known[key] = self.store.query(sql, parameters)
        return rows

    def ask_ahead(self, sql: str, together: str, questions: Iterable[tuple[str, ...]]) -> None:
        """Ask `sql` for each of the questions with one query, `together`.

        It takes their list as JSON, and gives before each row of an answer the place of its question.
        """
        asked = [question for question in dict.fromkeys(questions) if (sql, question) not in self._known]
        if not asked:
            return
        answers: list[list[tuple[Any, ...]]] = [[] for _ in asked]
        for place, *row in self.store.query(together, (json.dumps(asked),)):
            answers[place].append(tuple(row))
        for question, rows in zip(asked, answers, strict=True):
            self._known[(sql, question)] = sorted(rows)


BY_MODULE = "SELECT path FROM files WHERE module_name = ? AND instr(path, ?) ORDER BY path"
BY_MODULES = (
    "SELECT j.key, f.path FROM json_each(?) j CROSS JOIN files f ON f.module_name = json_extract(j.value, '$[0]')"
    " AND instr(f.path, json_extract(j.value, '$[1]'))"
)
BY_FOLDER = "SELECT path, folder FROM files WHERE folder_name = ? AND instr(folder, ?) ORDER BY path"
BY_FOLDERS = (
    "SELECT j.key, f.path, f.folder FROM json_each(?) j CROSS JOIN files f ON f.folder_name ="
    " json_extract(j.value, '$[0]') AND instr(f.folder, json_extract(j.value, '$[1]'))"
)
MAX_FILES = 40  # of a package that is imported as a whole


def existing(store: Queries, paths: Sequence[str]) -> list[str]:
    """Return those of `paths` that are indexed, in the given order."""
    rows = store.query("SELECT path FROM files WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(paths),))
    present = {row[0] for row in rows}
    return [path for path in paths if path in present]


def paths_by_module(store: Queries, parts: Sequence[str], *extensions: str) -> list[str]:
    """Return the files of modules named `parts[-1]` in whose paths `parts` stand together."""
    rows = store.query(BY_MODULE, (parts[-1], "/".join(parts)))
    return [path for (path,) in rows if path.endswith(extensions)]


def package_files(store: Queries, parts: Sequence[str], extensions: tuple[str, ...]) -> list[str]:
    """Return the files directly in any folder whose path ends with `parts`."""
    if not parts:
        return []
    rows = store.query(BY_FOLDER, (parts[-1], "/".join(parts)))
    return [path for path, folder in rows if path.endswith(extensions) and ends_with(folder.split("/"), parts)]


def in_folder(store: Queries, folder: str, extensions: tuple[str, ...]) -> list[str]:
    """Return the files directly in this folder."""
    name = folder.rpartition("/")[2]
    rows = store.query("SELECT path FROM files WHERE folder_name = ? AND folder = ? ORDER BY path", (name, folder))
    return [path for (path,) in rows if path.endswith(extensions)]


def ends_with(path_parts: Sequence[str], parts: Sequence[str]) -> bool:
    """Say whether the last of `path_parts` are `parts`."""
    return list(path_parts[-len(parts) :]) == list(parts)


def shared_end(folder: Sequence[str], parts: Sequence[str]) -> int:
    """Return how many parts of `folder`, if it is the end of `parts` or ends with them in part, agree from the end."""
    count = 0
    for one, other in zip(reversed(folder), reversed(parts), strict=False):
        if one != other:
            break
        count += 1
    return count


def nearest(paths: Iterable[str], to: str) -> list[str]:
    """Sort by how long the shared beginning of the path is, `src` layouts first, then short paths, then by name."""

    listed = list(paths)
    if len(listed) < 2:
        return listed
    folders = to.split("/")[:-1]

    def distance(path: str) -> tuple[int, bool, int, str]:
        parts = path.split("/")
        num_shared = 0
        for one, other in zip(folders, parts, strict=False):
            if one != other:
                break
            num_shared += 1
        return (-num_shared, "src" not in parts, len(parts), path)

    return sorted(listed, key=distance)
