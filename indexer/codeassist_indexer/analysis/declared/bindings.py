"""What a local name is bound to at a place: parameters, variables, loops, patterns, caught exceptions.

Of several bindings the last one before the place counts, as it would in the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.analysis.declared.expressions import Element, Expression, Typed, Unknown, expression
from codeassist_indexer.analysis.declared.syntax import text_of, type_ref
from codeassist_indexer.languages.forms.words import words

# What is declared inside of these is not seen after them.
_SCOPES = words(
    """block statement_block method_declaration constructor_declaration compact_constructor_declaration
    lambda_expression function_declaration function_expression arrow_function method_definition generator_function
    generator_function_declaration enhanced_for_statement for_statement for_each_statement foreach_statement
    for_in_statement catch_clause try_with_resources_statement using_statement class_declaration
    abstract_class_declaration class interface_declaration enum_declaration record_declaration struct_declaration
    class_body switch_section switch_block_statement_group switch_rule switch_case switch_expression_arm
    local_function_statement anonymous_method_expression accessor_declaration operator_declaration
    fixed_statement lock_statement static_initializer class_static_block"""
)
_FIELDS = frozenset({"field_declaration", "public_field_definition", "field_definition", "constant_declaration",
                     "event_field_declaration", "property_declaration"})  # fmt: skip
_INFERRED = frozenset({"var", "val", "let", "const"})
_MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a local name is bound, and what is known of it there."""

    start_byte: int
    value: Expression


def local_binding(root: Node, byte_offset: int, name: str) -> Binding | None:
    """Return the binding of `name` that is in force at the offset; None where no local one is."""
    found: Binding | None = None
    num_seen = 0
    for node in _before(root, byte_offset):
        num_seen += node.type not in _SCOPES  # methods before this one are many, and looked at once each
        if num_seen > _MAX_NODES:  # nobody knows what the rest binds
            return Binding(byte_offset, Unknown())
        value = _bound_value(node, name, byte_offset)
        if value is not None and (found is None or node.start_byte >= found.start_byte):
            found = Binding(node.start_byte, value)
    return found


def is_rebound(root: Node, name: str) -> bool:
    """Whether a text assigns a variable other than where it declares it: it may then hold a value of any type."""
    pattern = rf"(?<![\w$.])(?P<declares>(?:const|let|var)\s+)?{re.escape(name)}\s*=(?![=>])"
    return any(match["declares"] is None for match in re.finditer(pattern, text_of(root)))


def _before(root: Node, byte_offset: int) -> Iterator[Node]:
    """The nodes that begin before the offset, in scopes that hold it."""
    pending = [root]
    while pending:
        node = pending.pop()
        holds = node.start_byte <= byte_offset <= node.end_byte
        yield node
        if not holds and (node.type in _SCOPES or node.type in _FIELDS):
            continue
        pending += [child for child in node.named_children if child.start_byte < byte_offset]


def _bound_value(node: Node, name: str, byte_offset: int) -> Expression | None:
    """What `node` binds `name` to; None where it does not bind it."""
    match node.type:
        case "formal_parameter" | "parameter" | "resource" | "catch_declaration" | "catch_formal_parameter":
            return _typed_name(node, name, ("name",))
        case "spread_parameter":
            declarators = [child for child in node.named_children if child.type == "variable_declarator"]
            return Unknown() if any(text_of(child) == name for child in declarators) else None
        case "required_parameter" | "optional_parameter":
            return _pattern(node, "pattern", name)
        case "variable_declarator":
            return _variable(node, name)
        case "enhanced_for_statement":
            return _loop(node, name, "name", "value", byte_offset)
        case "foreach_statement" | "for_each_statement":
            return _loop(node, name, "left", "right", byte_offset)
        case "for_in_statement":
            return _script_loop(node, name, byte_offset)
        case "instanceof_expression" | "declaration_pattern" | "declaration_expression" | "recursive_pattern":
            return _matched(node, name)
        case "type_pattern" | "record_pattern_component":
            return _matched_type(node, name)
        case "lambda_expression" | "arrow_function":
            return _lambda(node, name)
        case "catch_clause":
            parameter = node.child_by_field_name("parameter")
            return Unknown() if parameter is not None and _holds_name(parameter, name) else None
        case "implicit_parameter" | "inferred_parameters" | "parenthesized_variable_designation" | "tuple_pattern":
            return Unknown() if text_of(node) == name or _holds_name(node, name) else None
        case "from_clause" | "let_clause" | "join_clause" | "query_continuation":
            return Unknown() if _holds_name(node, name) else None
        case "function_declaration" | "class_declaration" | "local_function_statement":
            is_local = node.parent is not None and node.parent.type in ("statement_block", "block")
            return Unknown() if is_local and text_of(node.child_by_field_name("name")) == name else None
        case _:
            return None


def _typed_name(node: Node, name: str, fields: tuple[str, ...]) -> Expression | None:
    if not any(text_of(node.child_by_field_name(field)) == name for field in fields):
        # C# gives the last parameter after `params` no node of its own.
        return None
    if node.child_by_field_name("dimensions") is not None:
        return Unknown()
    type_node = node.child_by_field_name("type")
    if type_node is None and node.type == "catch_formal_parameter":
        types = next((child for child in node.named_children if child.type == "catch_type"), None)
        type_node = types.named_children[0] if types is not None and types.named_child_count == 1 else None
    return _declared(type_node, node.child_by_field_name("value"))


def _declared(type_node: Node | None, value: Node | None) -> Expression:
    """A type, or where the language infers it, the value."""
    if type_node is None or type_node.type == "implicit_type" or text_of(type_node) in _INFERRED:
        return expression(value) if value is not None else Unknown()
    ref = type_ref(type_node)
    return Typed(ref) if ref is not None else Unknown()


def _pattern(node: Node, field: str, name: str) -> Expression | None:
    pattern = node.child_by_field_name(field)
    if pattern is None:
        return None
    if pattern.type != "identifier":
        return Unknown() if _holds_name(pattern, name) else None
    if text_of(pattern) != name:
        return None
    return _declared(node.child_by_field_name("type"), node.child_by_field_name("value"))


def _variable(node: Node, name: str) -> Expression | None:
    """`int x = 1` in three languages; the type stands in the declarator or in the declaration around it."""
    target = node.child_by_field_name("name")
    if target is None:
        return None
    if target.type != "identifier":
        return Unknown() if _holds_name(target, name) else None
    parent = node.parent
    if text_of(target) != name or parent is None:
        return None
    if (parent.parent is not None and parent.parent.type in _FIELDS) or parent.type in _FIELDS:
        return None
    if node.child_by_field_name("dimensions") is not None:
        return Unknown()
    value = node.child_by_field_name("value")
    if value is None and node.named_child_count > 1:  # C# has no field for it
        value = node.named_children[-1]
    type_node = node.child_by_field_name("type") or parent.child_by_field_name("type")
    return _declared(type_node, value)


def _loop(node: Node, name: str, name_field: str, value_field: str, byte_offset: int) -> Expression | None:
    if text_of(node.child_by_field_name(name_field)) != name:
        return None
    value = node.child_by_field_name(value_field)
    if value is not None and byte_offset <= value.end_byte:
        return None
    type_node = node.child_by_field_name("type")
    if type_node is None or type_node.type == "implicit_type" or text_of(type_node) in _INFERRED:
        return Element(expression(value))
    ref = type_ref(type_node)
    return Typed(ref) if ref is not None else Unknown()


def _script_loop(node: Node, name: str, byte_offset: int) -> Expression | None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or not (text_of(left) == name or _holds_name(left, name)):
        return None
    if right is not None and byte_offset <= right.end_byte:
        return None
    is_of = any(child.type == "of" for child in node.children)
    return Element(expression(right)) if is_of and left.type == "identifier" else Unknown()


def _matched(node: Node, name: str) -> Expression | None:
    if text_of(node.child_by_field_name("name")) != name:
        return None
    ref = type_ref(node.child_by_field_name("right") or node.child_by_field_name("type"))
    return Unknown() if ref is None or ref.name in _INFERRED else Typed(ref)


def _matched_type(node: Node, name: str) -> Expression | None:
    children = node.named_children
    if len(children) != 2 or text_of(children[1]) != name:
        return None
    ref = type_ref(children[0])
    return Typed(ref) if ref is not None else Unknown()


def _lambda(node: Node, name: str) -> Expression | None:
    """Parameters without types; those with types have nodes of their own."""
    parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    if parameters is None:
        return None
    if parameters.type in ("identifier", "implicit_parameter"):
        return Unknown() if text_of(parameters) == name else None
    if parameters.type == "inferred_parameters":
        return Unknown() if _holds_name(parameters, name) else None
    return None


def _holds_name(node: Node, name: str) -> bool:
    pending = [node]
    while pending:
        each = pending.pop()
        if each.child_count == 0 and text_of(each) == name:
            return True
        pending += each.children
    return False
