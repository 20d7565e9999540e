"""What the readers of all languages share: texts of nodes, and type expressions as references."""

from __future__ import annotations

from tree_sitter import Node

from codeassist_indexer.analysis.declared.types import ARRAY, NULLABLE, TypeRef

_SIMPLE = frozenset({"type_identifier", "identifier", "predefined_type", "property_identifier", "integral_type",
                     "floating_point_type", "boolean_type"})  # fmt: skip
_DOTTED = frozenset({"scoped_type_identifier", "qualified_name", "nested_type_identifier", "member_expression",
                     "nested_identifier", "scoped_identifier", "alias_qualified_name"})  # fmt: skip
_ARGUMENTS = frozenset({"type_arguments", "type_argument_list"})
_INNER = frozenset({"type_annotation", "parenthesized_type", "readonly_type", "annotated_type",
                    "ref_type", "scoped_type"})  # fmt: skip
# What stands in one of these changes nothing of what a type or file declares.
_FUNCTION_BODIES = frozenset({"statement_block", "block", "constructor_body", "arrow_expression_clause"})
_LOCAL_TYPES = frozenset({"class_declaration", "abstract_class_declaration", "interface_declaration",
                          "type_alias_declaration", "enum_declaration", "record_declaration"})  # fmt: skip
_NOTHING = frozenset({"null", "undefined", "void"})


def text_of(node: Node | None) -> str:
    """The node's text, "" for none."""
    if node is None or node.text is None:
        return ""
    return node.text.decode("utf-8", "replace")


def name_of(node: Node) -> str:
    """The text of the field `name`."""
    return text_of(node.child_by_field_name("name"))


def type_ref(node: Node | None) -> TypeRef | None:
    """What a type expression refers to; None for what is no plain name (functions, unions, wildcards, tuples)."""
    if node is None:
        return None
    kind = node.type
    if kind == "this_type":
        return TypeRef("this")
    if kind in _SIMPLE:
        return TypeRef(text_of(node))
    if kind in _DOTTED:
        return TypeRef("".join(text_of(node).split()).partition("<")[0])
    if kind in ("generic_type", "generic_name"):
        inner = type_ref(node.named_children[0]) if node.named_children else None
        arguments = next((child for child in node.named_children if child.type in _ARGUMENTS), None)
        if inner is None:
            return None
        refs = tuple(type_ref(child) for child in arguments.named_children) if arguments is not None else ()
        return TypeRef(inner.name, refs)
    if kind == "nullable_type":
        return TypeRef(NULLABLE, (type_ref(_first(node)),))
    if kind == "array_type":
        element = node.child_by_field_name("element") or node.child_by_field_name("type") or _first(node)
        return TypeRef(ARRAY, (type_ref(element),))
    if kind in _INNER:
        children = [child for child in node.named_children if child.type not in ("annotation", "marker_annotation")]
        return type_ref(children[-1]) if children else None
    if kind == "union_type":
        parts = [part for part in _union_parts(node) if text_of(part).strip() not in _NOTHING]
        return type_ref(parts[0]) if len(parts) == 1 else None
    return None


def is_read_whole(node: Node) -> bool:
    """Whether the parser left out nothing of a declaration, but for what stands in bodies of functions.

    A token that it had to add (a bracket) leaves nothing out.
    """
    pending = [node]
    while pending:
        each = pending.pop()
        if each.is_error:
            return False
        pending += [child for child in each.children if child.has_error and child.type not in _FUNCTION_BODIES]
    return True


def _union_parts(node: Node) -> list[Node]:
    parts: list[Node] = []
    for child in node.named_children:
        parts += _union_parts(child) if child.type == "union_type" else [child]
    return parts


def _first(node: Node) -> Node | None:
    return node.named_children[0] if node.named_children else None


def type_parameters(node: Node) -> tuple[str, ...]:
    """The names of a declaration's own type parameters."""
    clause = node.child_by_field_name("type_parameters") or next(
        (child for child in node.named_children if child.type == "type_parameter_list"), None
    )
    if clause is None:
        return ()
    parameters = children_of(clause, "type_parameter")
    return tuple(name_of(parameter) or text_of(_first(parameter)) for parameter in parameters)


def local_types_around(root: Node, byte_offset: int) -> frozenset[str]:
    """The names of all type parameters, and of types declared within functions, that are in force at an offset."""
    node = root.descendant_for_byte_range(byte_offset, byte_offset)
    names: set[str] = set()
    while node is not None:
        names.update(type_parameters(node))
        if node.type in _FUNCTION_BODIES:
            names.update(name_of(child) for child in node.named_children if child.type in _LOCAL_TYPES)
        node = node.parent
    return frozenset(names)


def children_of(node: Node | None, *kinds: str) -> list[Node]:
    """The named children of these types."""
    return [child for child in node.named_children if child.type in kinds] if node is not None else []
