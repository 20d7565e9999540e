"""Definitions and imports of the index: by number, by name, by file; and the files that an import means.

Also what types hold and extend.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from codeassist_indexer.languages.forms.indexed_paths import MAX_FILES
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.storage.library_rows import own_entries
from codeassist_indexer.storage.store import Store

_start_byte_of_member = itemgetter(0)
_start_byte = attrgetter("start_byte")
DEFINITION_COLUMNS = (
    "s.id, f.path, f.language, s.name, s.qualified_name, s.kind, s.signature, s.doc, s.bases, s.start_byte,"
    " s.start_line, s.end_line"
)
# What a member belongs to is found by its plain name, which is what stands after the last dot of `parent`.
_SHOWN = (
    "SELECT s.name, coalesce(p.id, s.id), coalesce(p.name, '') FROM {} LEFT JOIN symbols p ON s.parent != ''"
    " AND p.file_id = s.file_id AND p.qualified_name = s.parent"
    " AND p.name = substr(s.parent, length(rtrim(s.parent, replace(s.parent, '.', ''))) + 1)"
    " AND p.kind IN ('class', 'interface', 'enum', 'struct', 'trait') WHERE s.kind != 'module' AND s.file_id IS NOT ?"
)
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
class Definition:
    """A stored symbol with the file it stands in."""

    symbol_id: int
    path: str
    language: str
    name: str
    qualified_name: str
    kind: str
    signature: str
    doc: str
    bases: tuple[str, ...]
    start_byte: int
    start_line: int
    end_line: int


class Member(NamedTuple):
    """What a type holds: `start_byte` in its file, and its head."""

    start_byte: int
    name: str
    kind: str
    signature: str


@dataclass(frozen=True, slots=True)
class NamedSymbol:
    """A name's definition: the symbol to show, which is the type that it is a member of where `owner` names one."""

    name: str
    symbol_id: int
    owner: str


class StoredImport(NamedTuple):
    """An import by its number in the index, with the file and the language in which it stands."""

    import_id: int
    path: str
    language: str
    imported: Import


class StoredSymbol(NamedTuple):
    """A definition for people and programs outside: `line` is its name's, from 1."""

    path: str
    name: str
    kind: str
    line: int


class PathReader:
    """The `IndexedPaths` of a store for one request: it asks the same question once only.

    The imports of one file ask for the same modules again and again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]] = {}
        self._own_entries: dict[str, Mapping[str, str]] = {}

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

    def own_entries(self, ecosystem: str, module: str) -> Mapping[str, str] | None:
        """Return the entries of the repository's own project that imports call `module`; None: it has none."""
        known = self._own_entries.get(ecosystem)
        if known is None:
            known = self._own_entries[ecosystem] = own_entries(self._store, ecosystem)
        entries = known.get(module)
        return None if entries is None else json.loads(entries)

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


def stored_symbols(store: Store) -> Iterator[StoredSymbol]:
    """Yield all definitions of an index by file, in the order of the text."""
    for file_id, path in store.query("SELECT id, path FROM files ORDER BY path"):
        rows = store.query("SELECT name, kind, name_line FROM symbols WHERE file_id = ? ORDER BY id", (file_id,))
        for name, kind, line in rows:
            yield StoredSymbol(path, name, kind, line)


def read_definitions(store: Store, symbol_ids: Sequence[int]) -> list[Definition]:
    """Return the definitions with these numbers that there are."""
    rows = store.query(
        f"SELECT {DEFINITION_COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
        " WHERE s.id IN (SELECT value FROM json_each(?))",
        (json.dumps(symbol_ids),),
    )
    return [definition_of(*row) for row in rows]


def read_members(store: Store, symbol_ids: Sequence[int]) -> dict[int, list[Member]]:
    """Return the members of each of these definitions, in the order of the text."""
    members: dict[int, list[Member]] = {symbol_id: [] for symbol_id in symbol_ids}
    rows = store.query(
        "SELECT t.id, m.start_byte, m.name, m.kind, m.signature FROM json_each(?) j CROSS JOIN symbols t ON t.id ="
        " j.value CROSS JOIN symbols m ON m.file_id = t.file_id AND m.parent = t.qualified_name",
        (json.dumps(symbol_ids),),
    )
    for symbol_id, start_byte, name, kind, signature in rows:
        members[symbol_id].append(Member(start_byte, name, kind, signature))
    for listed in members.values():
        listed.sort(key=_start_byte_of_member)
    return members


def definitions_in_files(
    store: Store, names: Iterable[str], paths: Iterable[str], without: str
) -> dict[tuple[str, str], list[Definition]]:
    """Return the top-level definitions and types of these names in files other than `without`, by name and path.

    Those of one name and file in the order of the text.
    """
    # The plus keeps SQLite from going through all definitions of a common name.
    rows = store.query(
        f"SELECT {DEFINITION_COLUMNS} FROM files f CROSS JOIN symbols s ON s.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND +s.name IN (SELECT value FROM json_each(?))"
        " AND f.path != ? AND s.kind != 'module'"
        " AND (s.parent = '' OR s.kind IN ('class', 'interface', 'enum', 'struct', 'trait', 'type')"
        " OR s.parent IN (SELECT qualified_name FROM symbols m WHERE m.file_id = s.file_id AND m.kind = 'module'))",
        (json.dumps(list(paths)), json.dumps(list(names)), without),
    )
    found: dict[tuple[str, str], list[Definition]] = {}
    for row in rows:
        definition = definition_of(*row)
        found.setdefault((definition.name, definition.path), []).append(definition)
    for listed in found.values():
        listed.sort(key=_start_byte)
    return found


def imports_in_files(store: Store, names: Iterable[str], paths: Iterable[str]) -> Iterator[StoredImport]:
    """Yield the imports of files that bind one of these names, or all names of a module."""
    rows = store.query(
        "SELECT i.id, f.path, f.language, i.module, i.name, i.alias, i.line FROM files f CROSS JOIN imports i"
        " ON i.file_id = f.id WHERE f.path IN (SELECT value FROM json_each(?))"
        " AND (i.name = '*' OR i.alias IN (SELECT value FROM json_each(?)))",
        (json.dumps(list(paths)), json.dumps(list(names))),
    )
    for import_id, path, language, *columns in rows:
        yield StoredImport(import_id, path, language, Import(*columns))


def names_of_files(store: Store, paths: Sequence[str]) -> list[str]:
    """Return the names that files define at their top level or in a module, then those that they import one by one."""
    here = json.dumps(paths)
    rows = store.query(
        "SELECT s.name FROM files f JOIN symbols s ON s.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND s.kind != 'module' AND (s.parent = '' OR s.parent IN"
        " (SELECT qualified_name FROM symbols m WHERE m.file_id = s.file_id AND m.kind = 'module'))"
        " UNION ALL SELECT i.alias FROM files f JOIN imports i ON i.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND i.name NOT IN ('', '*')",
        (here, here),
    )
    return [name for (name,) in rows]


def symbols_named(store: Store, names: Sequence[str], limit: int, without_file: int | None) -> list[NamedSymbol]:
    """Return the definitions of names in other files than this, nothing of a name that has more than `limit`."""
    rare = (
        "(SELECT value FROM json_each(?) WHERE NOT EXISTS"
        " (SELECT 1 FROM symbols WHERE name = value AND kind != 'module' LIMIT 1 OFFSET ?)) n"
        " CROSS JOIN symbols s ON s.name = n.value"
    )
    rows = store.query(_SHOWN.format(rare), (json.dumps(names), limit, without_file))
    return list(dict.fromkeys(NamedSymbol(*row) for row in rows))


def symbols_in_folder(
    store: Store, names: Sequence[str], folder: str, limit: int, without_file: int | None
) -> list[NamedSymbol]:
    """Return at most `limit` definitions of names in the other files of a folder."""
    # The plus keeps SQLite from going through all definitions of a common name.
    here = "files f CROSS JOIN symbols s ON s.file_id = f.id AND +s.name IN (SELECT value FROM json_each(?))"
    rows = store.query(
        _SHOWN.format(here) + " AND f.folder_name = ? AND f.folder = ? ORDER BY s.file_id, s.id LIMIT ?",
        (json.dumps(names), without_file, folder.rpartition("/")[2], folder, limit),
    )
    return list(dict.fromkeys(NamedSymbol(*row) for row in rows))


def types_in_chunks(store: Store, chunk_ids: Sequence[int]) -> list[tuple[int, str, str, int]]:
    """Return the types with supertypes that begin in chunks: file, qualified name, supertypes as JSON, chunk."""
    return store.query(
        "SELECT s.file_id, s.qualified_name, s.bases, c.id FROM chunks c JOIN symbols s ON s.file_id = c.file_id"
        " AND s.start_line >= c.start_line AND s.start_line < c.end_line"
        " WHERE c.id IN (SELECT value FROM json_each(?)) AND s.bases != '[]'",
        (json.dumps(chunk_ids),),
    )


def chunk_of_member(store: Store, file_id: int, type_name: str, name: str) -> int | None:
    """Return the chunk in which a member of a type begins."""
    # The plus keeps SQLite from going through all definitions of a common name.
    rows = store.query(
        "SELECT c.id FROM symbols s JOIN chunks c ON c.file_id = s.file_id AND s.start_line >= c.start_line"
        " AND s.start_line < c.end_line WHERE s.file_id = ? AND s.parent = ? AND +s.name = ? LIMIT 1",
        (file_id, type_name, name),
    )
    return rows[0][0] if rows else None


def files_defining(store: Store, name: str) -> set[str]:
    """Return the files that define anything of this name."""
    rows = store.query(
        "SELECT DISTINCT f.path FROM symbols s JOIN files f ON f.id = s.file_id"
        " WHERE s.name = ? AND s.kind != 'module'",
        (name,),
    )
    return {path for (path,) in rows}


def definition_of(symbol_id: int, *columns: Any) -> Definition:
    """Return the definition of a row of DEFINITION_COLUMNS."""
    path, language, name, qualified_name, kind, signature, doc, bases, start_byte, start_line, end_line = columns
    parsed_bases = tuple(json.loads(bases)) if bases != "[]" else ()
    return Definition(
        symbol_id, path, language, name, qualified_name, kind, signature, doc, parsed_bases, start_byte, start_line,
        end_line,
    )  # fmt: skip
