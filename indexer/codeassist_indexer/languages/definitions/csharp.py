"""Definitions in C#.

Knows nothing of partial classes across files: each part is a symbol of its own.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import (
    Form,
    Named,
    by_name,
    dotted,
    leaf_by_name,
    module_by_name,
    names_with_shared_head,
    nothing,
)
from codeassist_indexer.languages.definitions.signatures import has_modifiers, head_start_byte, node_text, one_line

COMMENTS = ("comment",)


def _fields(node: Node, source: bytes) -> list[Named]:
    """`private int a = 1, b;`, `event Handler H;`; what is `const` or `static readonly` is a constant."""
    declaration = next((child for child in node.named_children if child.type == "variable_declaration"), None)
    if declaration is None:
        return []
    declarators = [child for child in declaration.named_children if child.type == "variable_declarator"]
    named = names_with_shared_head(node, declarators, source)
    if has_modifiers(node, source, "const") or has_modifiers(node, source, "static", "readonly"):
        named = [replace(each, kind="constant") for each in named]
    return named


def _file_namespace(node: Node, source: bytes) -> list[Named]:
    """`namespace A.B;`: everything behind it belongs to it."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(dotted(node_text(name, source)), encloses=True, to_end_of_file=True)]


def _operator(node: Node, source: bytes) -> list[Named]:
    operator = node.child_by_field_name("operator")
    return [Named(f"operator {node_text(operator, source)}", encloses=True)] if operator is not None else []


def _indexer(node: Node, source: bytes) -> list[Named]:
    accessors = node.child_by_field_name("accessors") or node.child_by_field_name("value")
    end_byte = accessors.start_byte if accessors is not None else node.end_byte
    return [Named("this", head=one_line(source, head_start_byte(node), end_byte))]


FORMS = (
    Form("(namespace_declaration)", "module", module_by_name),
    Form("(file_scoped_namespace_declaration)", "module", _file_namespace),
    Form("[(class_declaration) (record_declaration)]", "class", by_name),
    Form("(struct_declaration)", "struct", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_member_declaration)", "constant", leaf_by_name),
    Form("(delegate_declaration)", "type", leaf_by_name),
    Form("(method_declaration)", "method", by_name),
    Form("(local_function_statement)", "function", by_name),
    Form("(constructor_declaration)", "constructor", by_name),
    Form("(operator_declaration)", "function", _operator),
    Form("(indexer_declaration)", "variable", _indexer),
    Form("[(property_declaration) (event_declaration)]", "variable", leaf_by_name),
    Form("[(field_declaration) (event_field_declaration)]", "variable", _fields),
    Form("(record_declaration (parameter_list (parameter) @_))", "variable", leaf_by_name),
    Form("[(lambda_expression) (anonymous_method_expression)]", "scope", nothing),
)
