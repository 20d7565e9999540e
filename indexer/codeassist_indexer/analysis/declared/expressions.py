"""Expressions of four languages in one small form: names, members, calls, new objects, casts.

Any other expression is Unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.analysis.declared.syntax import text_of, type_ref
from codeassist_indexer.analysis.declared.types import TypeRef


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name."""

    name: str


@dataclass(frozen=True, slots=True)
class This:
    """`this`, or of the class that `outer` names."""

    outer: str = ""


@dataclass(frozen=True, slots=True)
class Super:
    """`super`, `base`."""


@dataclass(frozen=True, slots=True)
class MemberOf:
    """`target.name`."""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`function(...)`."""

    function: Expression
    num_arguments: int


@dataclass(frozen=True, slots=True)
class Present:
    """`target` behind `?.`: what there is if it is there."""

    target: Expression


@dataclass(frozen=True, slots=True)
class Typed:
    """What says its type itself: `new T()`, a cast."""

    type: TypeRef


@dataclass(frozen=True, slots=True)
class Element:
    """What comes out of `target` one by one; `is_indexed`: `target[i]`, which is another thing in a dictionary."""

    target: Expression
    is_indexed: bool = False


@dataclass(frozen=True, slots=True)
class Awaited:
    """`await target`."""

    target: Expression


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else."""


Expression = Name | This | Super | MemberOf | Call | Typed | Element | Awaited | Present | Unknown

_PASSED = frozenset(
    {"parenthesized_expression", "non_null_expression", "postfix_unary_expression", "checked_expression"}
)
_NAMES = frozenset({"identifier", "type_identifier", "property_identifier", "shorthand_property_identifier"})
_MEMBERS = {"field_access": ("object", "field"), "member_access_expression": ("expression", "name"),
            "member_expression": ("object", "property"), "scoped_type_identifier": ("", ""),
            "qualified_name": ("qualifier", "name"), "scoped_identifier": ("scope", "name")}  # fmt: skip
_MAX_DEPTH = 40


def expression(node: Node | None, depth: int = 0) -> Expression:
    """Read a node."""
    if node is None or depth > _MAX_DEPTH:
        return Unknown()
    kind = node.type
    if kind in _NAMES:
        return Name(text_of(node))
    if kind in ("this", "this_expression"):
        return This()
    if kind in ("super", "base", "base_expression"):
        return Super()
    if kind in _PASSED:
        inner = node.named_children
        return expression(inner[0], depth + 1) if len(inner) == 1 else Unknown()
    if kind in _MEMBERS:
        return _member(node, depth)
    if kind == "generic_name":
        return Name(text_of(node.named_children[0])) if node.named_children else Unknown()
    if kind == "conditional_access_expression":
        return _conditional(node, depth)
    if kind == "method_invocation":
        return _java_call(node, depth)
    if kind in ("invocation_expression", "call_expression"):
        function = expression(node.child_by_field_name("function"), depth + 1)
        return Call(function, _num_arguments(node)) if not isinstance(function, Unknown) else function
    if kind in ("object_creation_expression", "new_expression"):
        if any(child.type == "class_body" for child in node.children):
            return Unknown()  # an anonymous class has members of its own
        return _typed(node.child_by_field_name("type") or node.child_by_field_name("constructor"))
    if kind == "cast_expression":
        return _typed(node.child_by_field_name("type"))
    if kind == "as_expression":
        return _typed(node.child_by_field_name("right") or (node.named_children[1:] or [None])[0])
    if kind in ("array_access", "element_access_expression", "subscript_expression"):
        target = node.child_by_field_name("array") or node.child_by_field_name("expression")
        return Element(expression(target or node.child_by_field_name("object"), depth + 1), is_indexed=True)
    if kind == "await_expression":
        return Awaited(expression(node.named_children[0] if node.named_children else None, depth + 1))
    return Unknown()


def _typed(node: Node | None) -> Expression:
    ref = type_ref(node)
    return Typed(ref) if ref is not None else Unknown()


def _member(node: Node, depth: int) -> Expression:
    target_field, name_field = _MEMBERS[node.type]
    name = node.child_by_field_name(name_field) if name_field else None
    if name is None:
        return Unknown()
    target_node = node.child_by_field_name(target_field)
    if target_node is None:  # C#'s `base.x` and `this.x` have a bare keyword there
        target_node = node.children[0] if node.children else None
    if name.type == "this":
        return This(text_of(target_node))
    if any(child.type == "super" for child in node.children[1:]):
        return Unknown()  # `A.super.x` of an interface
    target = expression(target_node, depth + 1)
    if isinstance(target, Unknown):
        return target
    text = text_of(name.named_children[0]) if name.type == "generic_name" and name.named_children else text_of(name)
    return MemberOf(target, text)


def _conditional(node: Node, depth: int) -> Expression:
    """`a?.b`, `a?.b()`: what stands after the question mark, on what stands before it."""
    target = expression(node.child_by_field_name("condition"), depth + 1)
    rest = node.named_children[-1] if node.named_child_count > 1 else None
    return _bound(rest, Present(target), depth) if rest is not None and not isinstance(target, Unknown) else Unknown()


def _bound(node: Node, target: Expression, depth: int) -> Expression:
    if node.type == "member_binding_expression":
        return MemberOf(target, text_of(node.child_by_field_name("name")))
    if node.type == "invocation_expression":
        function = node.child_by_field_name("function")
        inner = _bound(function, target, depth + 1) if function is not None and depth < _MAX_DEPTH else Unknown()
        return Call(inner, _num_arguments(node)) if not isinstance(inner, Unknown) else inner
    if node.type == "member_access_expression":
        inner_node = node.child_by_field_name("expression")
        inner = _bound(inner_node, target, depth + 1) if inner_node is not None and depth < _MAX_DEPTH else Unknown()
        return MemberOf(inner, text_of(node.child_by_field_name("name"))) if not isinstance(inner, Unknown) else inner
    return Unknown()


def _java_call(node: Node, depth: int) -> Expression:
    name = text_of(node.child_by_field_name("name"))
    target_node = node.child_by_field_name("object")
    if target_node is None:
        return Call(Name(name), _num_arguments(node))
    if any(child.type == "super" for child in node.children) and target_node.type != "super":
        return Unknown()
    target = expression(target_node, depth + 1)
    return Call(MemberOf(target, name), _num_arguments(node)) if not isinstance(target, Unknown) else target


def _num_arguments(node: Node) -> int:
    arguments = node.child_by_field_name("arguments")
    if arguments is None:
        return 0
    return sum(1 for child in arguments.named_children if "comment" not in child.type)
