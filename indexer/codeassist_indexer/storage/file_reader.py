"""Files of the index: by module, by folder, by what an import says of them; and their texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from codeassist_indexer.languages.forms.indexed_paths import MAX_FILES
from codeassist_indexer.storage.store import Store

_BY_MODULE = "SELECT path FROM files WHERE module_name = ? AND instr(path, ?) ORDER BY path"
_BY_MODULES = (
    "SELECT j.key, f.path FROM json_each(?) j CROSS JOIN files f ON f.module_name = json_extract(j.value, '$[0]')"
    " AND instr(f.path, json_extract(j.value, '$[1]'))"
)
_BY_FOLDER = "SELECT path, folder FROM files WHERE folder_name = ? AND instr(folder, ?) ORDER BY path"
_BY_FOLDERS = (
    "SELECT j.key, f.path, f.folder FROM json_each(?) j CROSS JOIN files f ON f.folder_name ="
    " json_extract(j.value, '$[0]') AND instr(f.folder, json_extract(j.value, '$[1]'))"
)
_DECLARED = (
    "SELECT DISTINCT f.path FROM symbols m JOIN files f ON f.id = m.file_id WHERE m.kind = 'module'"
    " AND m.name IN (SELECT value FROM json_each(?)) AND m.qualified_name = ?"
)
_DECLARING = f"{_DECLARED} ORDER BY f.path LIMIT ?"
_DECLARING_AND_DEFINING = (
    f"{_DECLARED} AND EXISTS (SELECT 1 FROM symbols s WHERE s.file_id = m.file_id AND s.name = ?)"
    " ORDER BY f.path LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A file by its number, its language (None where only its name is known), and the hash of its content."""

    file_id: int
    language: str | None
    content_hash: bytes


class PathReader:
    """The `IndexedPaths` of a store for one request: it asks the same question once only.

    The imports of one file ask for the same modules again and again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]] = {}

    def existing(self, paths: Sequence[str]) -> list[str]:
        """Return those of `paths` that are indexed, in the given order."""
        sql = "SELECT path FROM files WHERE path IN (SELECT value FROM json_each(?))"
        present = {path for (path,) in self._ask(sql, json.dumps(paths))}
        return [path for path in paths if path in present]

    def by_module(self, name: str, part: str) -> list[str]:
        """Return the files of modules of this name whose path holds `part`, sorted."""
        return [path for (path,) in self._ask(_BY_MODULE, name, part)]

    def by_folder(self, name: str, part: str) -> list[tuple[str, str]]:
        """Return the files in folders of this name whose path holds `part`, each with its folder, sorted."""
        return [(path, folder) for path, folder in self._ask(_BY_FOLDER, name, part)]

    def in_folder(self, folder: str) -> list[str]:
        """Return the files directly in a folder, sorted."""
        sql = "SELECT path FROM files WHERE folder_name = ? AND folder = ? ORDER BY path"
        return [path for (path,) in self._ask(sql, folder.rpartition("/")[2], folder)]

    def folders(self, name: str) -> list[str]:
        """Return the folders of this name that hold files."""
        return [folder for (folder,) in self._ask("SELECT DISTINCT folder FROM files WHERE folder_name = ?", name)]

    def below(self, folder: str) -> list[str]:
        """Return at most MAX_FILES in a folder and below it, sorted."""
        sql = "SELECT path FROM files WHERE path > ? AND path < ? ORDER BY path LIMIT ?"
        return [path for (path,) in self._ask(sql, f"{folder}/", f"{folder}0", MAX_FILES)]  # "0" comes after "/"

    def declaring(self, package: str, name: str = "") -> list[str]:
        """Return at most MAX_FILES that say that they belong to a package (dotted), sorted.

        With a `name`, only those that define it.
        """
        parts = package.split(".")
        names = json.dumps([".".join(parts[begin:]) for begin in range(len(parts))])  # one may be declared in steps
        if name:
            return [path for (path,) in self._ask(_DECLARING_AND_DEFINING, names, package, name, MAX_FILES)]
        return [path for (path,) in self._ask(_DECLARING, names, package, MAX_FILES)]

    def read_modules(self, asked: Iterable[tuple[str, str]]) -> None:
        """Read with one query what `by_module` will be asked."""
        self._ask_together(_BY_MODULE, _BY_MODULES, asked)

    def read_folders(self, asked: Iterable[tuple[str, str]]) -> None:
        """Read with one query what `by_folder` will be asked."""
        self._ask_together(_BY_FOLDER, _BY_FOLDERS, asked)

    def _ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        key = (sql, parameters)
        rows = self._known.get(key)
        if rows is None:
            rows = self._known[key] = self._store.query(sql, parameters)
        return rows

    def _ask_together(self, sql: str, together: str, questions: Iterable[tuple[str, str]]) -> None:
        """Ask `sql` for each of the questions with one query, whose rows begin with the place of their question."""
        asked = [question for question in dict.fromkeys(questions) if (sql, question) not in self._known]
        if not asked:
            return
        answers: list[list[tuple[Any, ...]]] = [[] for _ in asked]
        for place, *row in self._store.query(together, (json.dumps(asked),)):
            answers[place].append(tuple(row))
        for question, rows in zip(asked, answers, strict=True):
            self._known[(sql, question)] = sorted(rows)


def files_of_modules(store: Store, names: Sequence[str], without: str, limit: int) -> list[str]:
    """Return files of a language whose module has one of these names, but not the file `without`."""
    return _paths(
        store,
        "SELECT path FROM files WHERE module_name IN (SELECT value FROM json_each(?)) AND language NOT NULL"
        " AND path != ? LIMIT ?",
        json.dumps(names),
        without,
        limit,
    )


def files_of_module(store: Store, name: str, limit: int) -> list[str]:
    """Return files of a language whose module has this name."""
    return _paths(store, "SELECT path FROM files WHERE module_name = ? AND language NOT NULL LIMIT ?", name, limit)


def files_of_modules_between(store: Store, after: str, before: str, limit: int) -> list[str]:
    """Return files of a language whose module's name sorts between two others."""
    return _paths(
        store,
        "SELECT path FROM files WHERE module_name > ? AND module_name < ? AND language NOT NULL LIMIT ?",
        after,
        before,
        limit,
    )


def files_below(store: Store, folder: str, limit: int) -> list[str]:
    """Return files of a language in a folder ("" for the root) and below it, those right in it first, then by path."""
    in_folder = _paths(
        store,
        "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND language NOT NULL ORDER BY path LIMIT ?",
        folder.rpartition("/")[2],
        folder,
        limit,
    )
    below = _paths(
        store,
        "SELECT path FROM files WHERE path > ? AND path < ? AND language NOT NULL ORDER BY path LIMIT ?",
        f"{folder}/" if folder else "",
        f"{folder}0" if folder else "\U0010ffff",  # "0" is the character after "/"
        limit,
    )
    return list(dict.fromkeys((*in_folder, *below)))[:limit]


def files_beside(store: Store, path: str) -> list[str]:
    """Return the other files of a file's folder, sorted."""
    folder = path.rpartition("/")[0]
    sql = "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND path != ? ORDER BY path"
    return _paths(store, sql, folder.rpartition("/")[2], folder, path)


def python_packages(store: Store) -> list[str]:
    """Return the folders that are packages of Python, the outermost first."""
    return _paths(store, "SELECT folder FROM files WHERE path LIKE '%/__init__.py' ORDER BY length(folder), folder")


def files_around_folder(store: Store, language: str, folder: str) -> list[tuple[str, str]]:
    """Return folder and path of a language's files in any folder whose path ends with `folder`, or below one."""
    rows = store.query(
        "SELECT folder, path FROM files WHERE language = ? AND (folder = ? OR folder LIKE ? OR folder LIKE ?)",
        (language, folder, f"%/{folder}", f"%{folder}/%"),
    )
    return [(own, path) for own, path in rows]


def state_of_others(store: Store, path: str) -> str:
    """Return what is another text as soon as another file than `path` has changed in the index."""
    return str(store.query("SELECT count(*), max(read_ns) FROM files WHERE path != ?", (path,))[0])


def stored_content(store: Store, path: str) -> StoredContent | None:
    """Return what a file's content is, None where it is not indexed."""
    rows = store.query("SELECT id, language, content_hash FROM files WHERE path = ?", (path,))
    return StoredContent(*rows[0]) if rows else None


def file_text(store: Store, file_id: int) -> str:
    """Return the text of a file: its chunks in their order."""
    return "".join(texts_of_file(store, file_id))


def texts_of_file(store: Store, file_id: int) -> list[str]:
    """Return the texts of a file's chunks in their order."""
    return [text for (text,) in store.query("SELECT text FROM chunks WHERE file_id = ? ORDER BY id", (file_id,))]


def _paths(store: Store, sql: str, *parameters: object) -> list[str]:
    return [path for (path,) in store.query(sql, parameters)]
