"""Definitions in Go.

Knows no other file of the package: a method's type may stand there, its parent is the name all the same.
"""

from __future__ import annotations

import re
from functools import partial

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import Form, Named, by_name, nothing
from codeassist_indexer.languages.definitions.signatures import bare_name, binding_head, node_text, one_line

COMMENTS = ("comment",)

_RECEIVER = re.compile(r"\(\s*(?:\w+\s+)?\*?\s*(\w+)")
_KINDS = {"struct_type": "struct", "interface_type": "interface"}


def _type(node: Node, source: bytes) -> list[Named]:
    """One spec of `type ( ... )`; what it embeds are its bases."""
    name, definition = node.child_by_field_name("name"), node.child_by_field_name("type")
    if name is None or definition is None:
        return []
    kind = _KINDS.get(definition.type)
    if kind is None:
        return [Named(node_text(name, source), head="type " + binding_head(node, source), bases=())]
    members = definition.named_children
    if kind == "struct":
        members = members[0].named_children if members else []
        embedded = [m for m in members if m.type == "field_declaration" and m.child_by_field_name("name") is None]
        bases = [m.child_by_field_name("type") for m in embedded]
    else:
        bases = [m for m in members if m.type == "type_elem" and m.named_child_count == 1]
    # The keyword ends the head: `struct` and `interface` stand at the front of their node.
    head_end_byte = definition.start_byte + len(definition.type.removesuffix("_type"))
    return [
        Named(
            node_text(name, source),
            kind=kind,
            encloses=True,
            head="type " + one_line(source, node.start_byte, head_end_byte),
            bases=tuple(bare_name(node_text(base, source)).lstrip("*~ ") for base in bases if base is not None),
        )
    ]


def _names(keyword: str, node: Node, source: bytes) -> list[Named]:
    """`const A, B = 1, 2`, `x, y int`: all names share the one line."""
    head = f"{keyword} {binding_head(node, source)}".lstrip()
    return [Named(node_text(name, source), head=head) for name in node.children_by_field_name("name") if name.is_named]


def _method(node: Node, source: bytes) -> list[Named]:
    name, receiver = node.child_by_field_name("name"), node.child_by_field_name("receiver")
    if name is None or receiver is None:
        return []
    owner = _RECEIVER.match(node_text(receiver, source))
    return [Named(node_text(name, source), owner=owner[1] if owner else "", encloses=True)]


FORMS = (
    Form(
        "[(type_declaration . (_) .) (const_declaration . (_) .) (var_declaration . (var_spec) .)]", "wrapper", nothing
    ),
    Form("[(type_spec) (type_alias)]", "type", _type),
    Form("(const_spec)", "constant", partial(_names, "const")),
    Form("(var_spec)", "variable", partial(_names, "var")),
    Form("(field_declaration name: (field_identifier))", "variable", partial(_names, "")),
    Form("(method_elem)", "method", by_name),
    Form("(method_declaration)", "method", _method),
    Form("(function_declaration)", "function", by_name),
    Form("(func_literal)", "scope", nothing),
)
