"""The names that a destructuring pattern of JavaScript binds."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

_PATTERN_NAMES = frozenset({"identifier", "shorthand_property_identifier_pattern"})


def bound_names(pattern: Node) -> Iterator[Node]:
    """The names that `{a, b: c, d = 1, e: [f], ...rest}` binds, in their order."""
    pending = [pattern]
    while pending:
        node = pending.pop(0)
        if node.type in _PATTERN_NAMES:
            yield node
        elif node.type == "pair_pattern":
            pending[:0] = [child for child in [node.child_by_field_name("value")] if child is not None]
        elif node.type in ("object_assignment_pattern", "assignment_pattern"):
            pending[:0] = node.named_children[:1]
        elif node.type in ("object_pattern", "array_pattern", "rest_pattern"):
            pending[:0] = node.named_children
