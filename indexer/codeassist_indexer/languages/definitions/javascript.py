"""Definitions in JavaScript, TypeScript and TSX: one table, of which JavaScript takes what its grammar has.

Knows no module system beyond the shape of `exports.x = ...` and `X.prototype.y = ...`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import (
    Form,
    Named,
    by_name,
    dotted,
    itself,
    leaf_by_name,
    module_by_name,
    nothing,
)
from codeassist_indexer.languages.definitions.signatures import (
    binding_head,
    head_start_byte,
    node_text,
    one_line,
    supertypes,
)

COMMENTS = ("comment",)

_VALUE_KINDS = {
    "arrow_function": "function",
    "function_expression": "function",
    "generator_function": "function",
    "class": "class",
}
_PATTERN_NAMES = frozenset({"identifier", "shorthand_property_identifier_pattern"})
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
            parts = [part.child_by_field_name("value") or part for part in name.named_children]
            parts = [part for part in parts if part.type in _PATTERN_NAMES]
            named += [
                Named(node_text(part, source), head=f"{keyword} {binding_head(declarator, source)}") for part in parts
            ]
        elif kind is None or value is None:
            head = f"{keyword} {binding_head(declarator, source)}"
            named.append(Named(node_text(name, source), encloses=alone and value is not None, head=head))
        else:
            bases = supertypes(value, source) if kind == "class" else None
            head = f"{keyword} {_function_head(declarator, value, source)}"
            named.append(Named(node_text(name, source), kind=kind, encloses=alone, head=head, bases=bases))
    return named


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


def _member(node: Node, source: bytes) -> list[Named]:
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


def _parameter_property(node: Node, source: bytes) -> list[Named]:
    """`constructor(private readonly x: T)`."""
    pattern = node.child_by_field_name("pattern")
    return [Named(node_text(pattern, source))] if pattern is not None else []


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

_SHARED = (
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
    Form(f"(export_statement value: [{_VALUES} (object)])", "function", _default_export),
    Form(f"[{_FUNCTION_VALUES}]", "scope", nothing),
)
JAVASCRIPT = (*_SHARED, Form("(field_definition)", "variable", _member))
TYPESCRIPT = (
    *_SHARED,
    Form("(ambient_declaration)", "wrapper", nothing),
    Form("(class_body (decorator) @_)", "prefix", nothing),
    Form("(abstract_class_declaration)", "class", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_body name: (property_identifier) @_)", "constant", itself),
    Form("(enum_assignment)", "constant", leaf_by_name),
    Form("(type_alias_declaration)", "type", by_name),
    Form("[(internal_module) (module)]", "module", module_by_name),
    Form("(function_signature)", "function", leaf_by_name),
    Form("[(method_signature) (abstract_method_signature)]", "method", leaf_by_name),
    Form("[(public_field_definition) (property_signature)]", "variable", _member),
    Form("(required_parameter (accessibility_modifier) pattern: (identifier))", "attribute", _parameter_property),
)
