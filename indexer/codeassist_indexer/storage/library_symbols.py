"""Definitions of an installed package's index: what modules offer, and the members of types."""

from __future__ import annotations

import json
from collections.abc import Sequence

from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import DEFINITION_COLUMNS, Definition, definition_of

OFFERED = "__all__"
"""The constant by which a module of Python says what it offers; an index of a package keeps that as its `doc`."""


def offered_names(store: Store, path: str, package: str) -> list[str]:
    """Return the names that a file of a package offers: as it says, else what it defines, or imports one by one there.

    Private ones never.
    """
    said = store.query(
        "SELECT s.doc FROM files f JOIN symbols s ON s.file_id = f.id WHERE f.path = ? AND s.name = ? AND s.doc != ''",
        (path, OFFERED),
    )
    rows: list[tuple[str]] = (
        [(name,) for name in said[0][0].split()]
        if said
        else store.query(
            "SELECT s.name FROM files f JOIN symbols s ON s.file_id = f.id"
            " WHERE f.path = ?1 AND s.parent = '' AND s.kind != 'module'"
            " UNION ALL SELECT i.alias FROM files f JOIN imports i ON i.file_id = f.id"
            " WHERE f.path = ?1 AND i.name NOT IN ('', '*')"
            " AND (substr(i.module, 1, 1) = '.' OR i.module = ?2 OR substr(i.module, 1, length(?2) + 1) = ?2 || '.')",
            (path, package),
        )
    )
    return [name for name in dict.fromkeys(name for (name,) in rows) if not name.startswith("_")]


def member_definitions(store: Store, paths: Sequence[str], owner: str, name: str) -> list[Definition]:
    """Return the members of this name that a type has in files, in the order of the text."""
    rows = store.query(
        f"SELECT {DEFINITION_COLUMNS} FROM files f CROSS JOIN symbols s ON s.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND s.parent = ? AND +s.name = ?"
        " ORDER BY f.path, s.start_byte",
        (json.dumps(list(paths)), owner, name),
    )
    return [definition_of(*row) for row in rows]


def names_of_members(store: Store, paths: Sequence[str], owner: str) -> list[str]:
    """Return the names of the members that a type has in files, in the order of these."""
    rows = store.query(
        "SELECT s.name FROM files f CROSS JOIN symbols s ON s.file_id = f.id"
        " WHERE f.path IN (SELECT value FROM json_each(?)) AND s.parent = ? ORDER BY f.path, s.start_byte",
        (json.dumps(list(paths)), owner),
    )
    return [name for (name,) in rows]


def member_names(store: Store) -> list[str]:
    """Return the names of all members that types of an index have."""
    return [name for (name,) in store.query("SELECT DISTINCT name FROM symbols WHERE parent != '' ORDER BY name")]
