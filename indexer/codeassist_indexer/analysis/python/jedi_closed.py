"""Whether all members of a value are defined where jedi sees them: its class, what that inherits, its module.

jedi_sure.py walks expressions. jedi ships no types that a checker could use: values and nodes are Any.
"""

from __future__ import annotations

import re
from typing import Any

from jedi.inference.arguments import TreeArguments

from codeassist_indexer.languages.forms.words import words

_CLASS_DECORATORS = words(
    """dataclass attrs define frozen mutable attr s total_ordering unique final runtime_checkable verify
    dataclass_json"""
)
_DYNAMIC = re.compile(r"\bsetattr\(\s*(?:self|cls)\b|\b(?:self|cls)\.__dict__\b|\bvars\(self\)|__getattr")
OPEN_TYPES = words(
    """Any object Mock MagicMock AsyncMock NonCallableMock PropertyMock SimpleNamespace Namespace TypeVar ModuleType
    FunctionType Callable Self local _Environ ParamSpec"""
)
"""Types whose instances have members that no definition tells."""


class UnsureError(Exception):
    """What cannot be known, and why (for people and for counting)."""


def refuse_open(value: Any, only_lookup: bool = False) -> None:
    """Raise UnsureError unless all members of a value are defined where jedi sees them."""
    name = value.py__name__()
    if name in OPEN_TYPES:
        raise UnsureError("open type")
    if value.is_module():
        refuse_open_module(value)
        return
    if value.is_function() or value.is_bound_method():
        if not only_lookup:
            raise UnsureError("attribute of a function")
        return
    if value.is_instance() or value.is_class():
        cls = value.py__class__() if value.is_instance() else value
        refuse_open_class(cls, is_receiver_class=value.is_class())


def refuse_open_module(module: Any) -> None:
    """Raise UnsureError unless all names of a module stand in its text."""
    node = getattr(module, "tree_node", None)
    if node is None or module.is_stub():
        return
    hooks = {function.name.value for function in node.iter_funcdefs()}
    if "__getattr__" in hooks or "globals" in node.get_used_names():
        raise UnsureError("dynamic module")
    context = module.as_context()
    for statement in node.iter_imports():
        if statement.is_star_import() and not context.infer_node(statement.get_paths()[-1][-1]):
            raise UnsureError("star import not found")


def refuse_open_class(cls: Any, is_receiver_class: bool) -> None:
    """Raise UnsureError unless all members of a class, its own and inherited ones, are defined."""
    for each in cls.py__mro__():
        node = getattr(each, "tree_node", None)
        if node is None or each.is_compiled() or each.is_stub() or each.get_root_context().is_stub():
            if each.py__name__() in OPEN_TYPES - {"object"}:
                raise UnsureError("open base")
            continue
        if node.type != "classdef":
            raise UnsureError("class without a definition")
        if _DYNAMIC.search(node.get_code(include_prefix=False)):
            raise UnsureError("dynamic class")
        if not decorators_of(node) <= _CLASS_DECORATORS:
            raise UnsureError("decorated class")
        _refuse_unknown_bases(each, node, is_receiver_class)


def _refuse_unknown_bases(cls: Any, node: Any, is_receiver_class: bool) -> None:
    arguments = node.get_super_arglist()
    if arguments is None:
        return
    context = cls.parent_context
    for key, lazy in TreeArguments(cls.inference_state, context, arguments).unpack():
        values = lazy.infer()
        if key == "metaclass":
            if any(value.py__name__() not in ("ABCMeta", "EnumMeta", "EnumType", "type") for value in values):
                raise UnsureError("metaclass")
        elif key is None and (not values or any(not value.is_class() for value in values)):
            raise UnsureError("base not found")


def refuse_own_new(cls: Any) -> None:
    """Raise UnsureError where a class makes objects of who knows what."""
    node = cls.tree_node
    for child in node.iter_funcdefs():
        if child.name.value == "__new__" and child.annotation is None:
            raise UnsureError("__new__")


def refuse_generated_constructor(cls: Any) -> None:
    """Raise UnsureError where the parameters of a class stand in no definition."""
    for each in cls.py__mro__():
        node = getattr(each, "tree_node", None)
        if node is None or each.is_stub() or each.is_compiled():
            if each.py__name__() != "object":
                raise UnsureError("constructor of a library")
            continue
        if decorators_of(node) & {"attrs", "define", "frozen", "mutable", "attr", "s", "dataclass_json"}:
            raise UnsureError("generated constructor")
        for child in node.iter_funcdefs():
            if child.name.value in ("__init__", "__new__") and decorators_of(child):
                raise UnsureError("decorated callee")


def defines_constructor(cls: Any) -> bool:
    """Whether the parameters of a class are those of an `__init__` that a repository wrote, and of no dataclass."""
    written = [each.tree_node for each in cls.py__mro__() if not (each.is_stub() or each.is_compiled())]
    if any("dataclass" in decorators_of(node) for node in written):
        return False
    return any(child.name.value == "__init__" for node in written for child in node.iter_funcdefs())


def decorators_of(definition: Any) -> set[str]:
    """The last parts of the names of a definition's decorators."""
    names: set[str] = set()
    for decorator in definition.get_decorators():
        code = decorator.children[1].get_code(include_prefix=False)
        names.add(code.partition("(")[0].strip().rpartition(".")[2])
    return names
