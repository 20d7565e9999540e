"""The imports of one file: which names it takes from where, one record a name.

Knows nothing about where a module lives; names are as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.languages.definitions.signatures import bare_name, node_text
from codeassist_indexer.languages.parsed import Import

Reader = Callable[[Node, bytes], list[Import]]

_GO_VERSION = re.compile(r"v\d+")


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
    nodes = [
        (node.start_byte, row, node)
        for row in range(len(IMPORT_FORMS[language]))
        for node in captures.get(f"i{row}", ())
    ]
    nodes.sort(key=lambda item: item[:2])
    forms = IMPORT_FORMS[language]
    return tuple(record for _, row, node in nodes for record in forms[row].read(node, source))


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _field(node: Node, name: str, source: bytes) -> str:
    found = node.child_by_field_name(name)
    return _compact(found, source) if found is not None else ""


def _compact(node: Node, source: bytes) -> str:
    """The node's text without the spaces and line ends that a path may hold."""
    return "".join(node_text(node, source).split())


# --- Python ---------------------------------------------------------------------------------------------------------


def _python_import(node: Node, source: bytes) -> list[Import]:
    """`import a.b, c as d`. `import a.b` binds `a`."""
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            records.append(Import(_field(child, "name", source), "", _field(child, "alias", source), _line(child)))
        else:
            module = _compact(child, source)
            records.append(Import(module, "", module.partition(".")[0], _line(child)))
    return records


def _python_from(node: Node, source: bytes) -> list[Import]:
    """`from .a import b as c, d`, `from x import *`, `from __future__ import y`."""
    module = _field(node, "module_name", source) or "__future__"
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        name = _field(child, "name", source) or _compact(child, source)
        records.append(Import(module, name, _field(child, "alias", source) or name, _line(child)))
    if any(child.type == "wildcard_import" for child in node.named_children):
        records.append(Import(module, "*", "", _line(node)))
    return records


# --- Java and C# ----------------------------------------------------------------------------------------------------


def _java_import(node: Node, source: bytes) -> list[Import]:
    """`import a.B;`, `import static a.B.c;`, `import a.*;`."""
    path = next((child for child in node.named_children if child.type in ("scoped_identifier", "identifier")), None)
    if path is None:
        return []
    if any(child.type == "asterisk" for child in node.named_children):
        return [Import(_compact(path, source), "*", "", _line(node))]
    module, _, name = _compact(path, source).rpartition(".")
    return [Import(module, name, name, _line(node))]


def _csharp_using(node: Node, source: bytes) -> list[Import]:
    """`using A.B;` and `using static A.B.C;` bring all names in, `using X = A.B.C;` one."""
    alias = node.child_by_field_name("name")
    parts = [child for child in node.named_children if alias is None or child.id != alias.id]
    if not parts:
        return []
    path = _compact(parts[-1], source)
    if alias is None:
        return [Import(path, "*", "", _line(node))]
    module, _, name = bare_name(path).rpartition(".")
    return [Import(module, name, node_text(alias, source), _line(node))]


# --- TypeScript and JavaScript --------------------------------------------------------------------------------------


def _unquoted(node: Node | None, source: bytes) -> str:
    return node_text(node, source).strip("\"'`") if node is not None else ""


def _ecma_specifiers(clause: Node, module: str, source: bytes) -> list[Import]:
    """`{a as b, c}` of an import or export."""
    records: list[Import] = []
    for child in clause.named_children:
        if child.type in ("import_specifier", "export_specifier"):
            name = _field(child, "name", source)
            records.append(Import(module, name, _field(child, "alias", source) or name, _line(child)))
    return records


def _ecma_import(node: Node, source: bytes) -> list[Import]:
    """`import d, {a as b} from "m"`, `import * as ns from "m"`, `import q = require("m")`, `import "m"`."""
    required = next((child for child in node.named_children if child.type == "import_require_clause"), None)
    if required is not None:
        module = _unquoted(required.child_by_field_name("source"), source)
        return [Import(module, "", node_text(required.named_children[0], source), _line(node))]
    module = _unquoted(node.child_by_field_name("source"), source)
    records: list[Import] = []
    for clause in (child for child in node.named_children if child.type == "import_clause"):
        for child in clause.named_children:
            if child.type == "identifier":
                records.append(Import(module, "default", node_text(child, source), _line(child)))
            elif child.type == "namespace_import":
                records.append(Import(module, "", node_text(child.named_children[-1], source), _line(child)))
            elif child.type == "named_imports":
                records += _ecma_specifiers(child, module, source)
    return records or [Import(module, "", "", _line(node))]


def _ecma_reexport(node: Node, source: bytes) -> list[Import]:
    """`export {a as b} from "m"`, `export * from "m"`, `export * as ns from "m"`: the alias is the exported name."""
    module = _unquoted(node.child_by_field_name("source"), source)
    for child in node.named_children:
        if child.type == "export_clause":
            return _ecma_specifiers(child, module, source)
        if child.type == "namespace_export":
            return [Import(module, "", node_text(child.named_children[-1], source), _line(node))]
    return [Import(module, "*", "", _line(node))]


def _required_module(call: Node, source: bytes) -> str | None:
    """The string of `require("m")` and `import("m")`, else None."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or node_text(function, source) not in ("require", "import"):
        return None
    first = arguments.named_children[0] if arguments.named_child_count else None
    return _unquoted(first, source) if first is not None and first.type == "string" else None


def _ecma_require(node: Node, source: bytes) -> list[Import]:
    """`const a = require("m")`, `const {a, b: c} = await import("m")`, `const a = require("m").b`."""
    target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if value is not None and value.type == "await_expression" and value.named_child_count:
        value = value.named_child(0)
    name = ""
    if value is not None and value.type == "member_expression":
        name = _field(value, "property", source)
        value = value.child_by_field_name("object")
    if target is None or value is None or value.type != "call_expression":
        return []
    module = _required_module(value, source)
    if module is None:
        return []
    if target.type == "identifier":
        return [Import(module, name, node_text(target, source), _line(node))]
    records: list[Import] = []
    for part in target.named_children:
        if part.type == "shorthand_property_identifier_pattern":
            records.append(Import(module, node_text(part, source), node_text(part, source), _line(part)))
        elif part.type == "pair_pattern":
            records.append(Import(module, _field(part, "key", source), _field(part, "value", source), _line(part)))
    return records


# --- Go -------------------------------------------------------------------------------------------------------------


def _go_import(node: Node, source: bytes) -> list[Import]:
    """`"a/b"` binds `b`, `"a/b/v2"` too; `. "a"` brings all names in, `_ "a"` none."""
    module = _unquoted(node.child_by_field_name("path"), source)
    alias = _field(node, "name", source)
    if alias == ".":
        return [Import(module, "*", "", _line(node))]
    if not alias:
        *_, before, last = ("", *module.split("/"))
        alias = before if before and _GO_VERSION.fullmatch(last) else last
    return [Import(module, "", "" if alias == "_" else alias, _line(node))]


# --- Rust -----------------------------------------------------------------------------------------------------------


def _rust_use(node: Node, source: bytes) -> list[Import]:
    """The leaves of a use tree: `a::b::{self, C as D, e::*}`."""
    argument = node.child_by_field_name("argument")
    waiting = [(argument, "")] if argument is not None else []
    records: list[Import] = []
    while waiting:
        tree, prefix = waiting.pop()
        line = _line(tree)
        if tree.type in ("scoped_use_list", "use_list"):
            path = _rust_joined(prefix, _field(tree, "path", source))
            items = tree.child_by_field_name("list") or tree
            waiting += [(child, path) for child in reversed(items.named_children)]
        elif tree.type == "use_wildcard":
            records.append(
                Import(_rust_joined(prefix, _compact(tree, source).removesuffix("*").removesuffix("::")), "*", "", line)
            )
        elif tree.type == "use_as_clause":
            records.append(_rust_leaf(prefix, _field(tree, "path", source), _field(tree, "alias", source), line))
        elif tree.type in ("identifier", "scoped_identifier", "self", "crate", "super"):
            records.append(_rust_leaf(prefix, _compact(tree, source), "", line))
    return records


def _rust_joined(prefix: str, path: str) -> str:
    return f"{prefix}::{path}" if prefix and path else prefix or path


def _rust_leaf(prefix: str, path: str, alias: str, line: int) -> Import:
    whole = prefix if path == "self" and prefix else _rust_joined(prefix, path)
    module, _, name = whole.rpartition("::")
    if path == "self" or not module:
        return Import(whole, "", alias or name, line)
    return Import(module, name, "" if alias == "_" else alias or name, line)


def _rust_crate(node: Node, source: bytes) -> list[Import]:
    """`extern crate a as b;`."""
    name = _field(node, "name", source)
    return [Import(name, "", _field(node, "alias", source) or name, _line(node))]


def _rust_module_file(node: Node, source: bytes) -> list[Import]:
    """`mod a;` takes the file `a.rs` in: as a path that is `self::a`."""
    if node.child_by_field_name("body") is not None:
        return []
    name = _field(node, "name", source)
    return [Import(f"self::{name}", "", name, _line(node))]


# --- C and C++ ------------------------------------------------------------------------------------------------------


def _include(node: Node, source: bytes) -> list[Import]:
    """`#include "a/b.h"` is module `a/b.h`; `<vector>` keeps its brackets: it is looked for elsewhere."""
    path = node.child_by_field_name("path")
    if path is None or path.type not in ("string_literal", "system_lib_string"):
        return []
    return [Import(_unquoted(path, source), "*", "", _line(node))]


_ECMASCRIPT = (
    ImportForm("(import_statement)", _ecma_import),
    ImportForm("(export_statement source: (_))", _ecma_reexport),
    ImportForm(
        "(variable_declarator value: [(call_expression) (member_expression) (await_expression)])", _ecma_require
    ),
)
_C_FAMILY = (ImportForm("(preproc_include)", _include),)

IMPORT_FORMS: dict[str, tuple[ImportForm, ...]] = {
    "python": (
        ImportForm("(import_statement)", _python_import),
        ImportForm("[(import_from_statement) (future_import_statement)]", _python_from),
    ),
    "java": (ImportForm("(import_declaration)", _java_import),),
    "csharp": (ImportForm("(using_directive)", _csharp_using),),
    "typescript": _ECMASCRIPT,
    "tsx": _ECMASCRIPT,
    "javascript": _ECMASCRIPT,
    "go": (ImportForm("(import_spec)", _go_import),),
    "rust": (
        ImportForm("(use_declaration)", _rust_use),
        ImportForm("(extern_crate_declaration)", _rust_crate),
        ImportForm("(mod_item)", _rust_module_file),
    ),
    "c": _C_FAMILY,
    "cpp": _C_FAMILY,
}
