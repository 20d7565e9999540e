"""A definition as a few lines: its head, its documentation's first line, and of a type the members' signatures.

Knows nothing about why a definition is wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import IndentedBlocks
from codeassist_indexer.storage.store import Store

_TYPE_KINDS = frozenset({"class", "interface", "enum", "struct", "trait"})
_CALLABLE_KINDS = frozenset({"function", "method", "constructor"})
# What the language itself keeps from other files; a Python underscore is only a wish, and subclasses use it.
_PRIVATE = re.compile(r"(?:@\w+\s+)*private\b(?!\s+protected)|#")
_MAX_MEMBERS = 30
_MAX_MEMBER_CHARS = 200
_start_byte = itemgetter(0)


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


COLUMNS = (
    "s.id, f.path, f.language, s.name, s.qualified_name, s.kind, s.signature, s.doc, s.bases, s.start_byte,"
    " s.start_line, s.end_line"
)
"""What a definition is read from, of `symbols s JOIN files f ON f.id = s.file_id`; a row goes to `definition_of`."""


def definition_of(symbol_id: int, *columns: Any) -> Definition:
    """Return what a row of COLUMNS says."""
    path, language, name, qualified_name, kind, signature, doc, bases, start_byte, start_line, end_line = columns
    parsed_bases = tuple(json.loads(bases)) if bases != "[]" else ()
    return Definition(
        symbol_id, path, language, name, qualified_name, kind, signature, doc, parsed_bases, start_byte, start_line,
        end_line,
    )  # fmt: skip


class Member(NamedTuple):
    """What a type holds: `start_byte` in its file, and its head."""

    start_byte: int
    name: str
    kind: str
    signature: str


def read_definitions(store: Store, symbol_ids: Sequence[int]) -> list[Definition]:
    """Return the definitions with these numbers that there are."""
    rows = store.query(
        f"SELECT {COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
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
        listed.sort(key=_start_byte)
    return members


def render(store: Store, definition: Definition) -> str:
    """Return the definition's skeleton in its language, ending with a newline."""
    return render_with(definition, read_members(store, [definition.symbol_id])[definition.symbol_id])


def has_members(definition: Definition) -> bool:
    """Say whether a definition is one whose members are shown."""
    return definition.kind in _TYPE_KINDS


def render_with(definition: Definition, members: Sequence[Member]) -> str:
    """Return the definition's skeleton with its members."""
    shown = _shown(members) if has_members(definition) else []
    is_indented = isinstance(blocks_of(definition.language), IndentedBlocks)
    return _render_indented(definition, shown) if is_indented else _render_braces(definition, shown)


def _shown(members: Sequence[Member]) -> list[tuple[str, str]]:
    """Return kind and signature of the members that are shown."""
    visible = [each for each in members if not (each.signature[:1] in "#@p" and _PRIVATE.match(each.signature))]
    if len(visible) > _MAX_MEMBERS:  # what begins with an underscore is not for other files
        public = [each for each in visible if not each.name.startswith("_") or each.name == "__init__"]
        visible = public[:_MAX_MEMBERS]
    return [(each.kind, each.signature[:_MAX_MEMBER_CHARS]) for each in visible]


def _render_indented(definition: Definition, members: Sequence[tuple[str, str]]) -> str:
    head = definition.signature
    doc = f'    """{definition.doc}"""' if definition.doc else None
    if definition.kind in _CALLABLE_KINDS:
        lines = [f"{head}:", doc, "    ..."] if doc else [f"{head}: ..."]
    elif definition.kind in _TYPE_KINDS:
        body = [f"    {signature}{': ...' if kind in _CALLABLE_KINDS else ''}" for kind, signature in members]
        lines = [f"{head}:", *([doc] if doc else []), *(body or ["    ..."])]
    else:
        lines = [head]
    return "\n".join(lines) + "\n"


def _render_braces(definition: Definition, members: Sequence[tuple[str, str]]) -> str:
    head = definition.signature.rstrip(" {;")
    lines = [f"// {definition.doc}"] if definition.doc else []
    if definition.kind in _TYPE_KINDS:
        separator = "," if definition.kind == "enum" else ";"
        body = [f"    {signature.rstrip(' {;,')}{separator}" for _, signature in members]
        lines += [f"{head} {{", *body, "}"]
    else:
        lines.append(f"{head};")
    return "\n".join(lines) + "\n"
