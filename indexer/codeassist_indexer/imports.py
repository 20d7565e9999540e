"""The imports of one file: which names it takes from where, one record a name.

Knows nothing about where a module lives; names are as written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.heads import node_text
from codeassist_indexer.parsed import Import

Reader = Callable[[Node, bytes], list[Import]]


@dataclass(frozen=True, slots=True)
class ImportForm:
    """A tree-sitter pattern (no capture) and what reads the imports from a node that it finds."""

    pattern: str
    read: Reader


def import_patterns(language: str) -> str:
    """The query text whose captures `read_imports` takes: capture `i2` is row 2 of the language's table."""
    return "\n".join(f"{form.pattern} @i{row}" for row, form in enumerate(IMPORT_FORMS[language]))


def read_imports(language: str, captures: dict[str, list[Node]], source: bytes) -> tuple[Import, ...]:
    """The imports in the order of the lines. `captures` come from a query that holds `import_patterns(language)`."""
    found = [
        record
        for row, form in enumerate(IMPORT_FORMS[language])
        for node in captures.get(f"i{row}", ())
        for record in form.read(node, source)
    ]
    found.sort(key=lambda record: record.line)
    return tuple(found)


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _field(node: Node, name: str, source: bytes) -> str:
    found = node.child_by_field_name(name)
    return "".join(node_text(found, source).split()) if found is not None else ""


# --- Python ---------------------------------------------------------------------------------------------------------


def _python_import(node: Node, source: bytes) -> list[Import]:
    """`import a.b, c as d`. `import a.b` binds `a`."""
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            records.append(Import(_field(child, "name", source), "", _field(child, "alias", source), _line(child)))
        else:
            module = "".join(node_text(child, source).split())
            records.append(Import(module, "", module.partition(".")[0], _line(child)))
    return records


def _python_from(node: Node, source: bytes) -> list[Import]:
    """`from .a import b as c, d`, `from x import *`, `from __future__ import y`."""
    module = _field(node, "module_name", source) or "__future__"
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            records.append(Import(module, _field(child, "name", source), _field(child, "alias", source), _line(child)))
        else:
            name = node_text(child, source)
            records.append(Import(module, name, name, _line(child)))
    if not records and any(child.type == "wildcard_import" for child in node.children):
        records.append(Import(module, "*", "", _line(node)))
    return records


IMPORT_FORMS: dict[str, tuple[ImportForm, ...]] = {
    "python": (
        ImportForm("(import_statement)", _python_import),
        ImportForm("[(import_from_statement) (future_import_statement)]", _python_from),
    ),
}
