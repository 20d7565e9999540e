"""What the analysis of names asks of the index: declared types, packages, and the texts that declare them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.storage.chunk_reader import texts_of_file
from codeassist_indexer.storage.store import Store

_DECLARED_KINDS = "('class', 'interface', 'enum', 'struct', 'type')"


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A file by its number, its language (None where only its name is known), and the hash of its content."""

    file_id: int
    language: str | None
    content_hash: bytes


def stored_content(store: Store, path: str) -> StoredContent | None:
    """Return what a file's content is, None where it is not indexed."""
    rows = store.query("SELECT id, language, content_hash FROM files WHERE path = ?", (path,))
    return StoredContent(*rows[0]) if rows else None


def are_read(store: Store, paths: Collection[str]) -> bool:
    """Return whether the texts of all these files are in the index."""
    marks = ", ".join("?" * len(paths))
    rows = store.query(f"SELECT count(*) FROM files WHERE skip_reason IS NULL AND path IN ({marks})", tuple(paths))
    return rows[0][0] == len(paths)


def file_text(store: Store, file_id: int) -> str:
    """Return the text of a file: its chunks in their order."""
    return "".join(texts_of_file(store, file_id))


def chunk_texts_with(store: Store, token: str, language: str, limit: int) -> list[str]:
    """Return the texts of up to `limit` chunks of a language that hold a token of `lexical.code_tokens`."""
    rows = store.query(
        "SELECT c.text FROM chunks c JOIN files f ON f.id = c.file_id WHERE f.language = ?"
        " AND c.id IN (SELECT rowid FROM chunk_tokens WHERE chunk_tokens MATCH ?) LIMIT ?",
        (language, f'"{token}"', limit),
    )
    return [text for (text,) in rows]


def state_of_others(store: Store, path: str) -> str:
    """Return what is another text as soon as another file than `path` has changed in the index."""
    return str(store.query("SELECT count(*), max(read_ns) FROM files WHERE path != ?", (path,))[0])


def files_around_folder(store: Store, folder: str) -> list[tuple[str, str]]:
    """Return folder and path of the files, left out ones too, in any folder whose path ends so, or below one."""
    rows = store.query(
        "SELECT folder, path FROM files WHERE folder = ? OR folder LIKE ? OR folder LIKE ?",
        (folder, f"%/{folder}", f"%{folder}/%"),
    )
    return [(own, path) for own, path in rows]


def names_imported_below(store: Store, package: str, language: str, but_from: str) -> frozenset[str]:
    """Return what files of a language, but for that at `but_from`, name right below a package in their imports."""
    rows = store.query(
        "SELECT DISTINCT i.module || '.' || i.name FROM imports i JOIN files f ON f.id = i.file_id"
        " WHERE f.language = ? AND f.path != ? AND substr(i.module || '.', 1, ?) = ?",
        (language, but_from, len(package) + 1, package + "."),
    )
    return frozenset(path[len(package) + 1 :].partition(".")[0] for (path,) in rows) - {"*", ""}


def python_packages(store: Store) -> list[str]:
    """Return the folders that are packages of Python, the outermost first."""
    rows = store.query("SELECT folder FROM files WHERE path LIKE '%/__init__.py' ORDER BY length(folder), folder")
    return [folder for (folder,) in rows]


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


_EXTENSIONS = "SELECT DISTINCT s.name FROM symbols s JOIN files f ON f.id = s.file_id WHERE f.language = 'csharp' AND "
_IN_BLOCK = "(s.signature LIKE 'extension(%' OR s.signature LIKE 'extension<%')"
_STATIC = "s.signature LIKE '% static %'"
_PASSED = "s.signature LIKE '%(% this %'"  # `(ref this T value`, `([NotNull] this T value`


def extension_members(store: Store) -> frozenset[str]:
    """Return the names of what C# files give objects of other types: methods, and members of extension blocks."""
    rows = store.query(f"{_EXTENSIONS}(s.signature LIKE '%(this %' OR {_PASSED} OR ({_IN_BLOCK} AND NOT {_STATIC}))")
    return frozenset(name for (name,) in rows)


def static_extensions(store: Store) -> frozenset[str]:
    """Return the names of what extension blocks of C# give other types themselves."""
    return frozenset(name for (name,) in store.query(f"{_EXTENSIONS}{_IN_BLOCK} AND {_STATIC}"))


def declares_module(store: Store, name: str) -> bool:
    """Return whether a file declares a module (namespace, package) of this dotted name."""
    sql = "SELECT 1 FROM symbols WHERE name IN (?, ?) AND kind = 'module' AND qualified_name = ? LIMIT 1"
    return bool(store.query(sql, (name, name.rpartition(".")[2], name)))


def augments_type(store: Store, name: str) -> bool:
    """Return whether a `declare module` or `declare global` holds a type of this name."""
    rows = store.query(
        "SELECT 1 FROM symbols s JOIN symbols m ON m.file_id = s.file_id AND m.qualified_name = s.parent"
        f" WHERE s.name = ? AND s.kind IN {_DECLARED_KINDS} AND m.kind = 'module' AND m.signature LIKE '%module %'"
        " LIMIT 1",
        (name,),
    )
    return bool(rows)


def types_returning(store: Store, name: str, language: str) -> list[str]:
    """Return the qualified names of a language's types that have a method whose head says that it returns `name`."""
    rows = store.query(
        "SELECT DISTINCT s.parent FROM symbols s JOIN files f ON f.id = s.file_id WHERE s.kind = 'method'"
        " AND f.language = ? AND s.parent != '' AND (s.signature LIKE ? OR s.signature LIKE ?)",
        (language, f"{name} {'%'}", f"% {name} %"),
    )
    return [parent for (parent,) in rows]


def has_type_guard(store: Store, names: Collection[str]) -> bool:
    """Return whether a function or method of one of these names returns a type predicate, as TypeScript has them."""
    rows = store.query(
        f"SELECT 1 FROM symbols WHERE name IN ({', '.join('?' * len(names))}) AND (signature LIKE '%): % is %'"
        " OR signature LIKE '%): asserts %' OR signature LIKE '%=> % is %' OR signature LIKE '%=> asserts %') LIMIT 1",
        tuple(names),
    )
    return bool(rows)


def global_usings(store: Store) -> list[str]:
    """Return the namespaces of C# that files named for it bring in everywhere."""
    rows = store.query(
        "SELECT DISTINCT i.module FROM imports i JOIN files f ON f.id = i.file_id WHERE f.language = 'csharp'"
        " AND i.name = '*' AND (f.module_name LIKE '%Using%' OR f.module_name LIKE '%Global%'"
        " OR f.module_name LIKE '%Imports' OR f.module_name LIKE 'Assembly%')"
        " AND EXISTS (SELECT 1 FROM chunks c WHERE c.file_id = f.id AND c.text LIKE '%global using %')"
    )
    return [module for (module,) in rows]
