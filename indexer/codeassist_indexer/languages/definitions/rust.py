"""Definitions in Rust.

Knows no other file of the crate: an `impl` block opens its type by name, wherever that stands.
"""

from __future__ import annotations

from tree_sitter import Node

from codeassist_indexer.languages.definitions.form import Form, Named, by_name, leaf_by_name, nothing
from codeassist_indexer.languages.definitions.signatures import bare_name, node_text

COMMENTS = ("line_comment", "block_comment")


def _impl(node: Node, source: bytes) -> list[Named]:
    """`impl Trait for path::Type<T>`: the type's last name, the trait as it is written."""
    implemented, trait = node.child_by_field_name("type"), node.child_by_field_name("trait")
    if implemented is None:
        return []
    name = bare_name(node_text(implemented, source).lstrip("&")).rpartition("::")[2]
    return [Named(name, owner=bare_name(node_text(trait, source)) if trait is not None else "")] if name else []


def _macro(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    return [Named(text := node_text(name, source), head=f"macro_rules! {text}")] if name is not None else []


FORMS = (
    Form("(attribute_item)", "prefix", nothing),
    Form("(mod_item body: (_))", "module", by_name),
    Form("[(struct_item) (union_item)]", "struct", by_name),
    Form("(enum_item)", "enum", by_name),
    Form("(enum_variant)", "constant", by_name),
    Form("(trait_item)", "trait", by_name),
    Form("(impl_item)", "impl", _impl),
    Form("(function_item)", "function", by_name),
    Form("(function_signature_item)", "function", leaf_by_name),
    Form("(macro_definition)", "function", _macro),
    Form("[(const_item) (static_item)]", "constant", leaf_by_name),
    Form("[(type_item) (associated_type)]", "type", leaf_by_name),
    Form("(field_declaration)", "variable", leaf_by_name),
    Form("(closure_expression)", "scope", nothing),
)
