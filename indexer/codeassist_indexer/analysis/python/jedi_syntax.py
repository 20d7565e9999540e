"""Python's syntax and jedi's values, as the walk through definitions looks at them. Pure; one look each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from codeassist_indexer.analysis.python.jedi_closed import OPEN_TYPES, UnsureError, decorators_of
from codeassist_indexer.languages.forms.words import words

# jedi ships no types that a checker could use: nodes and values are Any below.
LITERALS = frozenset({"number", "string", "strings", "fstring", "keyword", "lambdef"})
COMPARISONS = frozenset({"comparison", "not_test"})
OPERATIONS = frozenset({"arith_expr", "term", "factor", "shift_expr", "and_expr", "xor_expr", "expr"})
CHOICES = frozenset({"or_test", "and_test", "test"})
"""The types of nodes that are literals, comparisons, operations, and choices between values."""

CHECKABLE_DECORATORS = words(
    """property cached_property staticmethod classmethod abstractmethod override final contextmanager
    asynccontextmanager cache lru_cache overload wraps setter getter deleter njit jit no_grad inference_mode
    deprecated"""
)
"""Decorators below which a function returns what its text says."""

_MADE_BY = words("dataclass define frozen mutable attrs s")  # which give a class its constructor
_ANNOTATION_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_UNSURE_ANNOTATIONS = frozenset({"Any", "object", "typing.Any"})


def annotated_types(node: Any) -> Iterator[str]:
    """The names of an annotation that must be known, but for None and literals. Raises UnsureError for open ones."""
    code = node.get_code(include_prefix=False).strip()
    if "Unpack" in code or "Callable" in code:
        raise UnsureError("annotation of a callable")
    for text in dict.fromkeys(_ANNOTATION_NAME.findall(re.sub(r"Literal\[[^\]]*\]", "str", code))):
        if text in _UNSURE_ANNOTATIONS or text.rpartition(".")[2] in OPEN_TYPES:
            raise UnsureError("annotation of an open type")
        if text not in ("None", "True", "False"):
            yield text


def annotation_of(statement: Any) -> Any:
    """The annotation of `name: annotation = …`, or None."""
    second = statement.children[1]
    return second.children[1] if getattr(second, "type", "") == "annassign" else None


def is_given(statement: Any) -> bool:
    """Whether `name: annotation` stands with a value, or in a class that takes one from its caller."""
    node = statement.parent
    while node is not None and node.type != "classdef":
        node = node.parent
    made = set[str]() if node is None else decorators_of(node)
    return len(statement.children[1].children) > 2 or not made.isdisjoint(_MADE_BY)


def alternatives(node: Any) -> list[Any]:
    """What `a if b else c`, `a or b` and `a and b` may be."""
    if node.type == "test":
        return [node.children[0], node.children[4]]
    return list(node.children[::2])


def holds(node: Any, leaf: Any) -> bool:
    """Whether a leaf lies inside of a node."""
    return node.start_pos <= leaf.start_pos and leaf.end_pos <= node.end_pos


def has_decorator(definition: Any, name: str) -> bool:
    """Whether a definition is decorated with that name."""
    return name in decorators_of(definition)


def class_around(function: Any) -> Any:
    """The class that a method is defined in, or None."""
    parent = function.parent
    while parent is not None and parent.type in ("decorated", "async_stmt", "async_funcdef", "suite", "if_stmt"):
        parent = parent.parent
    return parent if parent is not None and parent.type == "classdef" else None


def is_none(value: Any) -> bool:
    """Whether a value is None."""
    return value.py__name__() == "NoneType" or (value.is_compiled() and value.py__name__() == "None")


def is_display(value: Any) -> bool:
    """Whether a value is known from a list, dict or set display: what is put in later, nobody knows."""
    return getattr(value, "array_type", None) in ("list", "dict", "set") and not value.is_stub()


def refuse_unknown_type(context: Any, text: str) -> None:
    """Raise UnsureError if an annotation's name is not found there, or may be anything."""
    from jedi.inference.gradual.annotation import _get_forward_reference_node  # pyright: ignore

    node = _get_forward_reference_node(context, text)
    values = context.infer_node(node) if node is not None else ()
    if not values:
        raise UnsureError("annotation not found")
    for value in values:
        if value.py__name__() in OPEN_TYPES or "TypeVar" in type(value).__name__:
            raise UnsureError("annotation of an open type")
