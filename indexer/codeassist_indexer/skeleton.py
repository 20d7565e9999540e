"""A definition as a few lines: its head, its documentation's first line, and of a type the members' signatures.

Knows nothing about why a definition is wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codeassist_indexer.store import Store

_TYPE_KINDS = frozenset({"class", "interface", "enum", "struct", "trait"})
_CALLABLE_KINDS = frozenset({"function", "method", "constructor"})
# What the language itself keeps from other files; a Python underscore is only a wish, and subclasses use it.
_PRIVATE = re.compile(r"(?:@\w+\s+)*private\b(?!\s+protected)|#")
_MAX_MEMBERS = 30
_MAX_MEMBER_CHARS = 200


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
    start_line: int
    end_line: int


COLUMNS = (
    "s.id, f.path, f.language, s.name, s.qualified_name, s.kind, s.signature, s.doc, s.bases, s.start_line, s.end_line"
)
"""What a definition is read from, of `symbols s JOIN files f ON f.id = s.file_id`; a row goes to `definition_of`."""


def definition_of(symbol_id: int, *columns: Any) -> Definition:
    """Return what a row of COLUMNS says."""
    path, language, name, qualified_name, kind, signature, doc, bases, start_line, end_line = columns
    return Definition(
        symbol_id, path, language, name, qualified_name, kind, signature, doc, tuple(json.loads(bases)), start_line,
        end_line,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    kind: str
    signature: str


def render(store: Store, definition: Definition) -> str:
    """Return the definition's skeleton in its language, ending with a newline."""
    return render_all(store, [definition])[0]


def render_all(store: Store, definitions: Sequence[Definition]) -> list[str]:
    """Return the skeleton of each definition, read together."""
    members = _members(store, [each.symbol_id for each in definitions if each.kind in _TYPE_KINDS])
    return [
        _render_python(each, members.get(each.symbol_id, []))
        if each.language == "python"
        else _render_braces(each, members.get(each.symbol_id, []))
        for each in definitions
    ]


def _members(store: Store, type_ids: Sequence[int]) -> dict[int, list[_Member]]:
    """Return the members of each type, in the order of the text."""
    if not type_ids:
        return {}
    rows = store.query(
        "SELECT t.id, m.name, m.kind, m.signature FROM symbols t JOIN symbols m"
        " ON m.file_id = t.file_id AND m.parent = t.qualified_name"
        f" WHERE t.id IN ({', '.join('?' * len(type_ids))}) ORDER BY t.id, m.start_byte",
        type_ids,
    )
    members: dict[int, list[_Member]] = {}
    for type_id, name, kind, signature in rows:
        if not _PRIVATE.match(signature):
            members.setdefault(type_id, []).append(_Member(name, kind, signature[:_MAX_MEMBER_CHARS]))
    return {type_id: _shown(listed) for type_id, listed in members.items()}


def _shown(members: list[_Member]) -> list[_Member]:
    if len(members) > _MAX_MEMBERS:  # what begins with an underscore is not for other files
        public = [member for member in members if not member.name.startswith("_") or member.name == "__init__"]
        members = public[:_MAX_MEMBERS]
    return members


def _render_python(definition: Definition, members: list[_Member]) -> str:
    head = definition.signature
    doc = f'    """{definition.doc}"""' if definition.doc else None
    if definition.kind in _CALLABLE_KINDS:
        lines = [f"{head}:", doc, "    ..."] if doc else [f"{head}: ..."]
    elif definition.kind in _TYPE_KINDS:
        body = [f"    {m.signature}{': ...' if m.kind in _CALLABLE_KINDS else ''}" for m in members]
        lines = [f"{head}:", *([doc] if doc else []), *(body or ["    ..."])]
    else:
        lines = [head]
    return "\n".join(lines) + "\n"


def _render_braces(definition: Definition, members: list[_Member]) -> str:
    head = definition.signature.rstrip(" {;")
    lines = [f"// {definition.doc}"] if definition.doc else []
    if definition.kind in _TYPE_KINDS:
        separator = "," if definition.kind == "enum" else ";"
        body = [f"    {m.signature.rstrip(' {;,')}{separator}" for m in members]
        lines += [f"{head} {{", *body, "}"]
    else:
        lines.append(f"{head};")
    return "\n".join(lines) + "\n"
