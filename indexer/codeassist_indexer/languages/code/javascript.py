"""JavaScript; and what TypeScript shares with it.

Definitions know no module system beyond the shape of `exports.x = ...` and `X.prototype.y = ...`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from functools import partial

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.binding_patterns import bound_names
from codeassist_indexer.languages.forms.code_pattern import BRACE_COMMENTS, BRACKETS, ESCAPED, LINE_STRINGS
from codeassist_indexer.languages.forms.definition_form import Form, Named, by_name, dotted, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, field_text, line_of, unquoted
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, ends_with, nearest, paths_by_module
from codeassist_indexer.languages.forms.lexicon import Lexicon, Markup
from codeassist_indexer.languages.forms.npm_packages import files_of_package, package_of
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import binding_head, head_start_byte, node_text, one_line, supertypes
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import (
    Analysis,
    BracedBlocks,
    BracePlaces,
    BuiltInMembers,
    DeclaredTypes,
    Definitions,
    Grammar,
    Imports,
    LanguageSpec,
    LibraryImports,
)

_VALUE_KINDS = {
    "arrow_function": "function",
    "function_expression": "function",
    "generator_function": "function",
    "class": "class",
}
_EXPORTED = re.compile(r"(?:module\.)?exports\.([\w$]+)")
_PROTOTYPE = re.compile(r"(?:(?:module\.)?exports|([\w$]+)(?:\.prototype)?)\.[\w$]+$")


def _function_head(node: Node, value: Node, source: bytes) -> str:
    """`f = async (a) => ...` up to the body; a class value up to its brace."""
    body = value.child_by_field_name("body")
    return one_line(source, head_start_byte(node), body.start_byte if body is not None else node.end_byte)


def _declared(wants_value: bool, node: Node, source: bytes) -> list[Named]:
    """The names of `const a = 1, f = () => ...`: either those that hold functions and classes, or all others."""
    declarators = [child for child in node.named_children if child.type == "variable_declarator"]
    keyword = one_line(source, node.start_byte, declarators[0].start_byte) if declarators else ""
    alone = len(declarators) == 1
    named: list[Named] = []
    for declarator in declarators:
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        kind = _VALUE_KINDS.get(value.type) if value is not None else None
        if name is None or (kind is not None) != wants_value:
            continue
        if value is not None and source.startswith(b"require(", value.start_byte):
            continue  # an import, and imports.py has it
        if name.type != "identifier":  # `const {a, b: c} = ...`: the names of a pattern
            head = f"{keyword} {binding_head(declarator, source)}"
            named += [Named(node_text(part, source), head=head) for part in bound_names(name)]
        elif kind is None or value is None:
            head = f"{keyword} {binding_head(declarator, source)}"
            named.append(Named(node_text(name, source), encloses=alone and value is not None, head=head))
        else:
            bases = supertypes(value, source) if kind == "class" else None
            head = f"{keyword} {_function_head(declarator, value, source)}"
            named.append(Named(node_text(name, source), kind=kind, encloses=alone, head=head, bases=bases))
    return named


def _exported_value(node: Node, source: bytes) -> list[Named]:
    """`exports.x = 1`, `module.exports.x = {...}`: what is no function or class, those `_assigned` has."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or right.type in _VALUE_KINDS:
        return []
    name = _EXPORTED.fullmatch(node_text(left, source))
    return [Named(name[1], head=binding_head(node, source))] if name is not None else []


def _method(node: Node, source: bytes) -> list[Named]:
    """A getter is a field; its setter says nothing new."""
    named = by_name(node, source)
    accessors = {child.type for child in node.children if child.type in ("get", "set")}
    kind = "field" if "get" in accessors else "scope" if accessors else None
    return [replace(each, kind=kind) for each in named] if kind else named


def _assigned(node: Node, source: bytes) -> list[Named]:
    """`exports.f = function ...`, `A.prototype.f = ...`, `A.f = ...`."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return []
    target = _PROTOTYPE.match(node_text(left, source))
    if target is None or target[1] == "this":
        return []
    name = left.child_by_field_name("property")
    if name is None:
        return []
    head = _function_head(node, right, source)
    kind = _VALUE_KINDS[right.type]
    bases = supertypes(right, source) if kind == "class" else None
    return [
        Named(node_text(name, source), kind=kind, owner=target[1] or "", encloses=True, head=head, bases=bases),
    ]


def _pair(node: Node, source: bytes) -> list[Named]:
    """`{ key: function () {} }`."""
    key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
    if key is None or value is None:
        return []
    return [Named(dotted(node_text(key, source)), encloses=True, head=_function_head(node, value, source))]


def member(node: Node, source: bytes) -> list[Named]:
    """A class field or an interface property; one that holds an arrow function is a method in all but name."""
    name = node.child_by_field_name("name") or node.child_by_field_name("property")
    if name is None:
        return []
    value = node.child_by_field_name("value")
    if value is not None and _VALUE_KINDS.get(value.type) == "function":
        return [
            Named(node_text(name, source), kind="method", encloses=True, head=_function_head(node, value, source)),
        ]
    return [Named(node_text(name, source))]


def _own_attribute(node: Node, source: bytes) -> list[Named]:
    """`this.x = ...`."""
    left = node.child_by_field_name("left")
    name = left.child_by_field_name("property") if left is not None else None
    return [Named(node_text(name, source))] if name is not None else []


def _default_export(node: Node, source: bytes) -> list[Named]:
    """`export default class ...`, `export default function () ...`, `export default { ... }` without a name."""
    value = node.child_by_field_name("value")
    if value is None or value.child_by_field_name("name") is not None:
        return []
    kind = _VALUE_KINDS.get(value.type, "constant")
    bases = supertypes(value, source) if kind == "class" else None
    head = "export default" if kind == "constant" else _function_head(node, value, source)
    return [Named("default", kind=kind, encloses=True, head=head, bases=bases)]


_FUNCTION_VALUES = "(arrow_function) (function_expression) (generator_function)"
_VALUES = f"{_FUNCTION_VALUES} (class)"
_DECLARATIONS = "(lexical_declaration{0}) (variable_declaration{0})"

DEFINITION_FORMS = (
    Form("(export_statement)", "wrapper", nothing),
    Form("(class_declaration)", "class", by_name),
    Form("[(function_declaration) (generator_function_declaration)]", "function", by_name),
    Form("(method_definition)", "method", _method),
    Form(
        f"[{_DECLARATIONS.format(f' (variable_declarator value: [{_VALUES}])')}]", "function", partial(_declared, True)
    ),
    Form(f"[{_DECLARATIONS.format('')}]", "variable", partial(_declared, False)),
    Form(f"(pair value: [{_FUNCTION_VALUES}])", "method", _pair),
    Form(f"(assignment_expression left: (member_expression) right: [{_VALUES}])", "function", _assigned),
    Form("(assignment_expression left: (member_expression object: (this)))", "attribute", _own_attribute),
    Form("(assignment_expression left: (member_expression))", "variable", _exported_value),
    Form(f"(export_statement value: [{_VALUES} (object)])", "function", _default_export),
    Form(f"[{_FUNCTION_VALUES}]", "scope", nothing),
)


def _specifiers(clause: Node, module: str, source: bytes) -> list[Import]:
    """`{a as b, c}` of an import or export."""
    records: list[Import] = []
    for child in clause.named_children:
        if child.type in ("import_specifier", "export_specifier"):
            name = field_text(child, "name", source)
            records.append(Import(module, name, field_text(child, "alias", source) or name, line_of(child)))
    return records


def _import(node: Node, source: bytes) -> list[Import]:
    """`import d, {a as b} from "m"`, `import * as ns from "m"`, `import q = require("m")`, `import "m"`."""
    required = next((child for child in node.named_children if child.type == "import_require_clause"), None)
    if required is not None:
        module = unquoted(required.child_by_field_name("source"), source)
        return [Import(module, "", node_text(required.named_children[0], source), line_of(node))]
    module = unquoted(node.child_by_field_name("source"), source)
    records: list[Import] = []
    for clause in (child for child in node.named_children if child.type == "import_clause"):
        for child in clause.named_children:
            if child.type == "identifier":
                records.append(Import(module, "default", node_text(child, source), line_of(child)))
            elif child.type == "namespace_import":
                records.append(Import(module, "", node_text(child.named_children[-1], source), line_of(child)))
            elif child.type == "named_imports":
                records += _specifiers(child, module, source)
    return records or [Import(module, "", "", line_of(node))]


def _reexport(node: Node, source: bytes) -> list[Import]:
    """`export {a as b} from "m"`, `export * from "m"`, `export * as ns from "m"`: the alias is the exported name."""
    module = unquoted(node.child_by_field_name("source"), source)
    for child in node.named_children:
        if child.type == "export_clause":
            return _specifiers(child, module, source)
        if child.type == "namespace_export":
            return [Import(module, "", node_text(child.named_children[-1], source), line_of(node))]
    return [Import(module, "*", "", line_of(node))]


def _required_module(call: Node, source: bytes) -> str | None:
    """The string of `require("m")` and `import("m")`, else None."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or node_text(function, source) not in ("require", "import"):
        return None
    first = arguments.named_children[0] if arguments.named_child_count else None
    return unquoted(first, source) if first is not None and first.type == "string" else None


def _require(node: Node, source: bytes) -> list[Import]:
    """`const a = require("m")`, `const {a, b: c} = await import("m")`, `const a = require("m").b`."""
    target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if value is not None and value.type == "await_expression" and value.named_child_count:
        value = value.named_child(0)
    name = ""
    if value is not None and value.type == "member_expression":
        name = field_text(value, "property", source)
        value = value.child_by_field_name("object")
    if target is None or value is None or value.type != "call_expression":
        return []
    module = _required_module(value, source)
    if module is None:
        return []
    if target.type == "identifier":
        return [Import(module, name, node_text(target, source), line_of(node))]
    records: list[Import] = []
    for part in target.named_children:
        if part.type == "shorthand_property_identifier_pattern":
            records.append(Import(module, node_text(part, source), node_text(part, source), line_of(part)))
        elif part.type == "pair_pattern":
            records.append(
                Import(module, field_text(part, "key", source), field_text(part, "value", source), line_of(part))
            )
    return records


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """TypeScript and JavaScript: relative paths, the repository's own packages, and aliases such as "@/lib/x"."""
    module = imported.module
    if module.startswith("."):
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        return index.existing(_file_names(base))[:1]
    entries = index.own_entries("npm", package_of(module))
    own = files_of_package(_file_names, index, entries, imported) if entries is not None else []
    if own:
        return own
    parts = [part for part in module.lstrip("@~").split("/") if part]
    if len(parts) < 2:
        return []
    stem = parts[-1].partition(".")[0]
    candidates = paths_by_module(
        index, [*parts[:-1], stem], ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"
    )
    tail = [*parts[:-1], stem]
    found = [c for c in candidates if ends_with(c.rpartition(".")[0].removesuffix("/index").split("/"), tail)]
    return nearest(found, path)[:1]


def _file_names(base: str) -> list[str]:
    extensions = (".ts", ".tsx", ".d.ts", ".d.mts", ".d.cts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
    stem, extension = posixpath.splitext(base)
    bases = [base, stem] if extension in (".js", ".jsx", ".mjs", ".cjs") else [base]
    return [base, *(f"{b}{e}" for b in bases for e in extensions), *(f"{base}/index{e}" for e in extensions)]


# A slash begins a regular expression where no value can stand before it.
_CODE = re.compile(
    rf"(?:{BRACE_COMMENTS}"
    rf"|`(?:[^`\\]|{ESCAPED})*(?:`|(?P<open_long>\Z))"
    rf"|{LINE_STRINGS}"
    # A regular expression. Of a bounded length: what is none would be searched for its end from every slash of a line.
    r"|(?<=[=(,:\[!&|?{};\n])[ \t]*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,200}\]){1,500}"
    r"(?:/[a-z]*|(?P<open_regex>\Z)))"
    rf"|{BRACKETS}"
)
_NAME_END = re.compile(r"(?:[^\W\d]|[$#])?(?:[\w$]*)\Z")
_IMPORT_BRACES = re.compile(r"\s*(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?\{(?:[^{}]*,)?\s*(?:type\s+)?\Z")

_TICK_WITH_CODE = replace(of.TICK, holes=(of.DOLLAR,))
SCRIPT = (*of.C_COMMENTS, of.DOUBLE, of.SINGLE, _TICK_WITH_CODE)
_LEXICON = Lexicon("script tags", SCRIPT, slash_regex=True, markup=Markup(hole="script tags"))

LANGUAGE = LanguageSpec(
    name="javascript",
    ids=("javascript", "javascriptreact"),
    extensions=(".js", ".jsx", ".mjs", ".cjs"),
    interpreters=("node", "nodejs", "bun"),
    grammar=Grammar("tree_sitter_javascript"),
    definitions=Definitions((*DEFINITION_FORMS, Form("(field_definition)", "variable", member))),
    imports=Imports(
        forms=(
            ImportForm("(import_statement)", _import),
            ImportForm("(export_statement source: (_))", _reexport),
            ImportForm(
                "(variable_declarator value: [(call_expression) (member_expression) (await_expression)])", _require
            ),
        ),
        files=_files,
        call="require(",
        folder_modules=("index",),
        libraries=LibraryImports("npm", package_of, partial(files_of_package, _file_names)),
    ),
    keywords=words(
        """async await break case catch class const continue debugger default delete do else export extends false
        finally for from function if import in instanceof let new null of return static super switch this throw true
        try typeof undefined var void while with yield"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    analysis=Analysis(
        _CODE,
        BracePlaces(_NAME_END, import_braces=_IMPORT_BRACES),
        DeclaredTypes(
            "script",
            "codeassist_indexer.analysis.declared.javascript_names",
            ("typescript", "tsx", "javascript"),
            BuiltInMembers(
                of_objects=words(
                    "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf"
                ),
                of_own_objects=words(""),
                of_types=words("apply arguments bind call caller length name prototype toString hasOwnProperty"),
                of_kinds={},
                known_bases={"Object": words("")},
            ),
        ),
    ),
)
