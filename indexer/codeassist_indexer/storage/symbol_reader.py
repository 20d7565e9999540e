"""Definitions and imports of the index: by number, by name, by file, and what types hold and extend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.storage.store import Store

_start_byte_of_member = itemgetter(0)
_start_byte = attrgetter("start_byte")
_COLUMNS = (
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
_DECLARED_KINDS = "('class', 'interface', 'enum', 'struct', 'type')"


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


def read_definitions(store: Store, symbol_ids: Sequence[int]) -> list[Definition]:
    """Return the definitions with these numbers that there are."""
    rows = store.query(
        f"SELECT {_COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
        " WHERE s.id IN (SELECT value FROM json_each(?))",
        (json.dumps(symbol_ids),),
    )
    return [_definition(*row) for row in rows]


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
        f"SELECT {_COLUMNS} FROM files f CROSS JOIN symbols s ON s.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND +s.name IN (SELECT value FROM json_each(?))"
        " AND f.path != ? AND s.kind != 'module'"
        " AND (s.parent = '' OR s.kind IN ('class', 'interface', 'enum', 'struct', 'trait', 'type')"
        " OR s.parent IN (SELECT qualified_name FROM symbols m WHERE m.file_id = s.file_id AND m.kind = 'module'))",
        (json.dumps(list(paths)), json.dumps(list(names)), without),
    )
    found: dict[tuple[str, str], list[Definition]] = {}
    for row in rows:
        definition = _definition(*row)
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


def files_declaring(store: Store, type_name: str, languages: Sequence[str]) -> list[str]:
    """Return the files of these languages that declare a type of this name, sorted."""
    rows = store.query(
        "SELECT DISTINCT f.path FROM symbols s JOIN files f ON f.id = s.file_id WHERE s.name = ?"
        f" AND s.kind IN {_DECLARED_KINDS} AND f.language IN ({', '.join('?' * len(languages))}) ORDER BY f.path",
        (type_name, *languages),
    )
    return [path for (path,) in rows]


def types_with_base(store: Store, base: str, language: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, parent, signature and kind of the types of a language that extend one of this name."""
    rows = store.query(
        "SELECT s.name, s.parent, s.bases, s.signature, s.kind FROM symbols s JOIN files f ON f.id = s.file_id"
        " WHERE f.language = ? AND s.bases LIKE ? ORDER BY s.id",
        (language, f'%{base}"%'),
    )
    for name, parent, bases, signature, kind in rows:
        if any(each.rpartition(".")[2] == base for each in json.loads(bases)):
            yield name, parent, signature, kind


def extension_methods(store: Store) -> frozenset[str]:
    """Return the names of all extension methods of C#."""
    rows = store.query(
        "SELECT DISTINCT s.name FROM symbols s JOIN files f ON f.id = s.file_id WHERE f.language = 'csharp'"
        " AND s.signature LIKE '%(this %'"
    )
    return frozenset(name for (name,) in rows)


def global_usings(store: Store) -> list[str]:
    """Return the namespaces of C# that files named for it bring in everywhere."""
    rows = store.query(
        "SELECT DISTINCT i.module FROM imports i JOIN files f ON f.id = i.file_id WHERE f.language = 'csharp'"
        " AND i.name = '*' AND f.module_name IN ('GlobalUsings', 'Usings', 'Imports', 'Global')"
    )
    return [module for (module,) in rows]


def _definition(symbol_id: int, *columns: Any) -> Definition:
    path, language, name, qualified_name, kind, signature, doc, bases, start_byte, start_line, end_line = columns
    parsed_bases = tuple(json.loads(bases)) if bases != "[]" else ()
    return Definition(
        symbol_id, path, language, name, qualified_name, kind, signature, doc, parsed_bases, start_byte, start_line,
        end_line,
    )  # fmt: skip
