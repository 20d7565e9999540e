"""Which installed packages a repository uses, as its index says: asked of its imports, and noted there.

The packages' own definitions stand in databases of their own (`library_stores`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeassist_indexer.storage.store import Store

OWN = ""
"""The `database` of a project of the repository itself, which has no other index."""
_GENERATION = "libraries"


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """That imports of `module` mean a package, whose definitions are in `database` (a folder's name).

    entries: the files that import paths of the package mean, where its ecosystem says so. folder: where it lies.
    listing: what its files were when they were read; another one means that they have changed. Rows of one module stand
    in the order of their worth.
    """

    ecosystem: str
    module: str
    package: str
    version: str
    database: str
    entries: Mapping[str, str]
    folder: str
    listing: str


def imported_names(store: Store, languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return module and name of all imports in files of these languages, as they are written, each pair once."""
    rows = store.query(
        "SELECT DISTINCT i.module, i.name FROM files f JOIN imports i ON i.file_id = f.id"
        " WHERE f.language IN (SELECT value FROM json_each(?)) ORDER BY i.module, i.name",
        (json.dumps(list(languages)),),
    )
    return [(module, name) for module, name in rows]


def libraries_generation(store: Store) -> int:
    """Return a number that changes whenever `library_rows` would."""
    rows = store.query("SELECT value FROM counts WHERE name = ?", (_GENERATION,))
    return rows[0][0] if rows else 0


def library_rows(store: Store) -> list[LibraryRow]:
    """Return the packages that the repository uses, those of one module in the order of their worth."""
    rows = store.query(
        "SELECT ecosystem, module, package, version, database, entries, folder, listing FROM libraries ORDER BY id"
    )
    return [
        LibraryRow(ecosystem, module, package, version, database, json.loads(entries), folder, listing)
        for ecosystem, module, package, version, database, entries, folder, listing in rows
    ]


def own_entries(store: Store, ecosystem: str) -> dict[str, str]:
    """Return the entries, as JSON, of the projects that the repository itself has, by what imports call them by."""
    sql = "SELECT module, entries FROM libraries WHERE ecosystem = ? AND database = ?"
    return dict(store.query(sql, (ecosystem, OWN)))


def scanned(store: Store, ecosystem: str) -> str | None:
    """Return what an ecosystem's rows were made of; None: nothing yet."""
    rows = store.query("SELECT stamp FROM library_scans WHERE ecosystem = ?", (ecosystem,))
    return rows[0][0] if rows else None


def write_libraries(store: Store, ecosystem: str, stamp: str, rows: Sequence[LibraryRow]) -> None:
    """Put an ecosystem's rows in the place of those that were there, and note what they were made of."""
    before = [each for each in library_rows(store) if each.ecosystem == ecosystem]
    with store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO library_scans VALUES (?, ?)", (ecosystem, stamp))
        if before == list(rows):
            return
        connection.execute("DELETE FROM libraries WHERE ecosystem = ?", (ecosystem,))
        connection.executemany(
            "INSERT INTO libraries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (row.ecosystem, row.module, row.package, row.version, row.database, json.dumps(dict(row.entries)),
                 row.folder, row.listing)
                for row in rows
            ],
        )  # fmt: skip
        connection.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", (_GENERATION,)
        )
