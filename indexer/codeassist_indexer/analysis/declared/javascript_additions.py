"""What code of JavaScript adds to its classes after they are declared, and which classes nobody can know for it.

TypeScript's compiler knows no such additions, so its files need none of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.analysis.declared.syntax import text_of
from codeassist_indexer.analysis.declared.types import DeclaredType, Member

# `A.prototype.x = …` and `A.x = …`.
_ADDED = re.compile(r"(?P<type>[\w$]+)(?P<prototype>\.prototype)?\.(?P<name>[\w$]+)\Z")
# `Object.assign(this, …)`, `this[name] = …`, `mixin(this, …)`, and the same of a prototype.
_SPREAD = r"(?:\b(?:Object|Reflect|_)\.\w+|\b(?:assign|extend|mixin|merge|defaults|define\w*|inherits|bindAll))\s*\(\s*"
_OPEN_THIS = re.compile(rf"{_SPREAD}this\b|\bthis\s*\[[^\]\n]*\]\s*=(?!=)")
_OPEN_TYPE = re.compile(
    rf"{_SPREAD}(?P<type>[\w$]+)(?:\.prototype)?\b|(?<![\w$.])(?P<keyed>[\w$]+)(?:\.prototype)?\[[^\]\n]*\]\s*=(?!=)"
)
_RETURNED = re.compile(r"\breturn\s+(?!;|this\s*;)[^\s;}]")


def with_additions(root: Node, types: Iterable[DeclaredType]) -> Iterator[DeclaredType]:
    """Yield the types with what statements of the same file add to them; open where that cannot be told."""
    added: dict[str, list[Member]] = {}
    for statement in root.named_children:
        for assignment in statement.named_children if statement.type == "expression_statement" else ():
            target = _ADDED.match(text_of(assignment.child_by_field_name("left")))
            if assignment.type == "assignment_expression" and target is not None:
                is_static = target["prototype"] is None
                added.setdefault(target["type"], []).append(Member(target["name"], "field", is_static=is_static))
    text = text_of(root)
    opened = {match["type"] or match["keyed"] for match in _OPEN_TYPE.finditer(text)}
    for each in types:
        own = root.descendant_for_byte_range(each.start_byte, max(each.start_byte, each.end_byte - 1))
        is_open = each.name in opened or (own is not None and _is_open(own))
        assigned = _assigned_fields(own) if own is not None else frozenset[str]()
        kept = (replace(member, type=None) if member.name in assigned else member for member in each.members)
        members = (*kept, *added.get(each.name, ()))
        yield replace(each, members=members, is_open=each.is_open or is_open)


def _assigned_fields(declaration: Node) -> frozenset[str]:
    """The fields that are declared with a value and assigned another one later, which may be of any type."""
    body = declaration.child_by_field_name("body")
    fields = [child for child in body.named_children if child.type == "field_definition"] if body is not None else []
    names = (text_of(field.child_by_field_name("property")) for field in fields)
    text = text_of(body)
    return frozenset(name for name in names if re.search(rf"\bthis\.{re.escape(name)}\s*=(?!=)", text))


def _is_open(declaration: Node) -> bool:
    body = declaration.child_by_field_name("body")
    if body is None:
        return False
    if _OPEN_THIS.search(text_of(body)):
        return True
    for method in body.named_children:
        if method.type == "method_definition" and text_of(method.child_by_field_name("name")) == "constructor":
            return _RETURNED.search(text_of(method.child_by_field_name("body"))) is not None
    return False
