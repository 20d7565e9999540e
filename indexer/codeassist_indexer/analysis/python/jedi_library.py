"""How far what a library's stub declares can be trusted to be all that a value is.

jedi takes the first overload that seems to fit, and what a type variable stands for it often only guesses. jedi ships
no types that a checker could use: values and nodes are Any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jedi.parser_utils import get_parent_scope

from codeassist_indexer.analysis.python.jedi_closed import UnsureError, decorators_of
from codeassist_indexer.analysis.python.jedi_syntax import class_around
from codeassist_indexer.languages.forms.words import words

_UNION = re.compile(r"(?:typing\.)?(?:Optional|Union)\[(?P<inner>.*)\]\Z", re.DOTALL)
_MAKES_CLASSES = words("type Enum EnumMeta EnumType NamedTuple TypedDict NewType")
_NOTHING_MORE = frozenset({"None", "Never", "NoReturn"})


def refuse_made_class(cls: Any) -> None:
    """Raise UnsureError where a call of a stub's class makes a class, or a value with members that no text names."""
    if not hasattr(cls, "py__mro__"):  # a NewType, which jedi takes for a class
        raise UnsureError("class made by a call")
    if not _MAKES_CLASSES.isdisjoint(each.py__name__() for each in cls.py__mro__()):
        raise UnsureError("class made by a call")


def private_names(stub: Any) -> frozenset[str]:
    """The private names of a stub's module: jedi leaves them out, but what is only checked may import them."""
    used = stub.tree_node.get_used_names()
    return frozenset(text for text in used if text.startswith("_") and any(_is_global(name) for name in used[text]))


def _is_global(name: Any) -> bool:
    return name.is_definition() and get_parent_scope(name.get_definition()) is name.get_root_node()


def heads(annotation: str) -> list[str]:
    """The outermost types of an annotation, but for None: `list[T] | None` is a `list`."""
    found: list[str] = []
    for part in _parts(annotation.strip().strip("\"'"), "|"):
        union = _UNION.fullmatch(part)
        if union is not None:
            found += [head for inner in _parts(union["inner"], ",") for head in heads(inner)]
        elif part and part not in _NOTHING_MORE:
            head = part.partition("[")[0].strip()
            found.append("str" if head == "LiteralString" else head)
    return list(dict.fromkeys(found))


def _parts(text: str, separator: str) -> Iterator[str]:
    """The parts of a text between separators that stand outside of brackets."""
    depth = start = 0
    for offset, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if char == separator and depth == 0:
            yield text[start:offset].strip()
            start = offset + 1
    yield text[start:].strip()


def doubt_of_call(function: Any) -> str:
    """Why what a stub's function returns may be something else than jedi says; "" where nothing speaks for that."""
    returned: set[tuple[str, ...]] = set()
    for each in function.get_signature_functions():
        node = getattr(each, "tree_node", None)
        if node is None or node.type != "funcdef":
            return "library call"
        if node.annotation is None:
            return "library call without annotation"
        found = heads(node.annotation.get_code(include_prefix=False))
        instance = getattr(function, "instance", None)
        _refuse_self(found, instance, node)
        doubt = doubt_of_heads(each.get_root_context(), found)
        if doubt:
            return doubt
        returned.add(tuple(found))
    return "overloads" if len(returned) > 1 else ""


def doubt_of_attribute(value: Any, name: Any) -> str:
    """The same of what an attribute of a stub's value is, by its name's definition."""
    tree_name = getattr(name, "tree_name", None)
    definition = tree_name.get_definition() if tree_name is not None else None
    if definition is None or definition.type in ("classdef", "import_name", "import_from"):
        return ""
    if definition.type == "funcdef":
        if definition.annotation is None:
            return ""
        found = heads(definition.annotation.get_code(include_prefix=False))
        if "property" in decorators_of(definition):
            _refuse_self(found, value, definition)
        return doubt_of_heads(name.get_root_context(), found)
    if definition.type == "expr_stmt" and getattr(definition.children[1], "type", "") == "annassign":
        annotation = definition.children[1].children[1]
        return doubt_of_heads(name.get_root_context(), heads(annotation.get_code(include_prefix=False)))
    return ""


def doubt_of_heirs(context: Any, annotation: Any) -> str:
    """Whether a type that an annotation names has subclasses beside it: the value is more often one of these."""
    from jedi.inference.gradual.annotation import _get_forward_reference_node  # pyright: ignore

    for head in heads(annotation.get_code(include_prefix=False)):
        node = _get_forward_reference_node(context, head)
        for value in context.infer_node(node) if node is not None else ():
            if value.is_class() and not value.is_stub() and _has_heirs(value):
                return "declared base class"
    return ""


def refuse_base_of_operand(context: Any, node: Any, values: Any) -> None:
    """Raise UnsureError where an operation seems to give a base class of what stands in it, as `Self` of an inherited
    operator does."""
    bases: set[str] = set()
    for child in node.children:
        for operand in context.infer_node(child) if child.type not in ("operator", "keyword") else ():
            if operand.is_instance():
                bases.update(each.py__name__() for each in list(operand.py__class__().py__mro__())[1:])
    if any(value.py__name__() in bases - {"object"} for value in values):
        raise UnsureError("operator of a base class")


def _has_heirs(cls: Any) -> bool:
    used = cls.get_root_context().tree_node.get_used_names() if not cls.is_compiled() else {}
    for name in used.get(cls.py__name__(), ()):
        parent = name.parent
        while parent is not None and parent.type in ("arglist", "power", "atom_expr", "trailer"):
            parent = parent.parent
        if parent is not None and parent.type == "classdef" and parent.name is not name:
            return True
    return False


def _refuse_self(found: list[str], value: Any, function: Any) -> None:
    """Raise UnsureError where `Self` is another class than the one that it stands in, for which jedi takes it.

    That of a value that inherits it, or of what is passed to a function that is taken from its class:
    `str.__new__(cls)`.
    """
    owner = class_around(function)
    if "Self" not in found or owner is None:
        return
    if value is None and "classmethod" not in decorators_of(function):
        raise UnsureError("Self of what is passed")
    if value is None or not value.is_instance():
        return
    if value.py__class__().py__name__() != owner.name.value:
        raise UnsureError("Self of a base class")


def doubt_of_heads(context: Any, found: list[str]) -> str:
    """Why a declaration with these types says little; "" where it says all."""
    from jedi.inference.gradual.annotation import _get_forward_reference_node  # pyright: ignore

    for head in found:
        if head in ("Any", "object", "Incomplete"):
            return "any type"
        if head == "Self":
            continue
        node = _get_forward_reference_node(context, head)
        for value in context.infer_node(node) if node is not None else ():
            if "TypeVar" in type(value).__name__:
                return "type variable"
    return ""
