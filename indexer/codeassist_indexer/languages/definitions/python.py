"""Definitions in Python.

Knows no types: a property counts as a field, `Enum` is known by its name, whatever it was imported from.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import Form, Named
from codeassist_indexer.languages.definitions.signatures import doc_line, node_text, supertypes

COMMENTS = ("comment",)

_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_PROPERTY = re.compile(r"^@\s*(?:[\w.]*\.)?(?:\w*_)?property\b")
_ACCESSOR = re.compile(r"^@\s*\w+\.(?:setter|deleter|getter)\b")


def _docstring(node: Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    first = body.named_child(0) if body is not None and body.named_child_count else None
    if first is not None and first.type == "expression_statement":
        first = first.named_child(0) if first.named_child_count else None
    if first is None or first.type != "string":
        return ""
    content = (child for child in first.named_children if child.type == "string_content")
    return next((doc_line(node_text(child, source)) for child in content), "")


def _class(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    bases = supertypes(node, source)
    kind = "enum" if any(base.rpartition(".")[2] in _ENUMS for base in bases) else "class"
    return [Named(node_text(name, source), kind=kind, encloses=True, doc=_docstring(node, source), bases=bases)]


def _function(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(node_text(name, source), encloses=True, doc=_docstring(node, source))]


def _decorated(node: Node, source: bytes) -> list[Named]:
    """A property is a field; its setter and deleter say nothing new and only hide what is inside them."""
    for child in node.children:
        if child.type == "decorator":
            text = node_text(child, source)
            if _PROPERTY.match(text):
                return [Named("", kind="field")]
            if _ACCESSOR.match(text):
                return [Named("", kind="scope")]
    return []


def _targets(node: Node, source: bytes) -> list[Named]:
    """`x = 1`, `x: int`, `a, b = 1, 2`."""
    left = node.child_by_field_name("left")
    if left is None:
        return []
    targets = [left] if left.type == "identifier" else left.named_children
    return [Named(node_text(target, source)) for target in targets if target.type == "identifier"]


def _own_attribute(node: Node, source: bytes) -> list[Named]:
    """`self.x = ...`."""
    left = node.child_by_field_name("left")
    if left is None or not source.startswith(b"self.", left.start_byte):
        return []
    name = left.child_by_field_name("attribute")
    return [Named(node_text(name, source))] if name is not None else []


def _type_alias(node: Node, source: bytes) -> list[Named]:
    """`type X[T] = ...`."""
    left = node.child_by_field_name("left")
    name = re.match(r"\w+", node_text(left, source)) if left is not None else None
    return [Named(name[0])] if name else []


FORMS = (
    Form("(decorated_definition)", "wrapper", _decorated),
    Form("(class_definition)", "class", _class),
    Form("(function_definition)", "function", _function),
    Form("(assignment left: [(identifier) (pattern_list)])", "binding", _targets),
    Form("(assignment left: (attribute object: (identifier)))", "attribute", _own_attribute),
    Form("(type_alias_statement)", "type", _type_alias),
)
