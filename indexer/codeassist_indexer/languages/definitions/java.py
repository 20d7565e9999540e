"""Definitions in Java.

Knows no class path: annotations are not read beyond leaving them out of the signature.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import (
    Form,
    Named,
    by_name,
    leaf_by_name,
    names_with_shared_head,
    nothing,
)
from codeassist_indexer.languages.definitions.signatures import has_modifiers

COMMENTS = ("line_comment", "block_comment")


def _fields(node: Node, source: bytes) -> list[Named]:
    """`private int a = 1, b;`; what is `static final` is a constant."""
    named = names_with_shared_head(node, node.children_by_field_name("declarator"), source)
    if has_modifiers(node, source, "static", "final"):
        named = [replace(each, kind="constant") for each in named]
    return named


FORMS = (
    Form("(class_declaration)", "class", by_name),
    Form("(record_declaration)", "class", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(annotation_type_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_constant)", "constant", by_name),
    Form("[(method_declaration) (annotation_type_element_declaration)]", "method", by_name),
    Form("[(constructor_declaration) (compact_constructor_declaration)]", "constructor", by_name),
    Form("(field_declaration)", "variable", _fields),
    Form("(constant_declaration)", "constant", _fields),
    Form("(record_declaration parameters: (formal_parameters (formal_parameter) @_))", "variable", leaf_by_name),
    Form("[(lambda_expression) (object_creation_expression (class_body))]", "scope", nothing),
)
