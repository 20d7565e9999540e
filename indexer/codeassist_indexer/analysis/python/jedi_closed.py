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
_OWN = r"(?:self|cls|type\(self\)|self\.__class__)"
_LITERAL = r"[\"'](?P<{0}>[^\W\d]\w*)[\"']"
# What gives an object attributes that no definition names.
_DECORATOR_LEAVES = 40
_DYNAMIC = re.compile(
    rf"\bsetattr\(\s*{_OWN}\s*,(?!\s*[\"'])|(?<!def )__setattr__\((?!\s*(?:self\s*,\s*)?[\"'])"
    rf"|\b{_OWN}\.__dict__\b|\bvars\(self\)|__getattr"
)
# And what names them where jedi does not look.
_ADDED = re.compile(
    rf"\bsetattr\(\s*{_OWN}\s*,\s*{_LITERAL.format('set')}|__setattr__\((?:\s*self\s*,)?\s*{_LITERAL.format('own')}"
    r"|(?<![\w.])(?:cls|type\(self\)|self\.__class__)\.(?P<of_class>[^\W\d]\w*)\s*(?::[^=\n]+)?=(?!=)"
)
_SLOTS = re.compile(r"\b__slots__\b[^=\n]*=\s*(?P<names>\([^()]*\)|\[[^\]]*\]|\{[^{}]*\}|[^\n]*)")
_STRING = re.compile(r"[\"'](\w+)[\"']")
# What gives a module names that its text does not.
_REBUILT = re.compile(
    r"\bsys\.modules\s*\[\s*__name__\s*\]|\blazy_loader\b|\b_LazyModule\b|=\s*globals\(\)|\bexec\("
    r"|\b(?:globals|vars|locals)\(\)\s*(?:\.(?:update|setdefault)\b|\[[^\]]*\]\s*=(?!=))"
    r"|\bsetattr\(\s*(?:sys\.modules|\w*module\b|__import__)"
)
OPEN_TYPES = words(
    """Any object Mock MagicMock AsyncMock NonCallableMock PropertyMock SimpleNamespace Namespace TypeVar ModuleType
    FunctionType Callable Self local _Environ ParamSpec"""
)
"""Types whose instances have members that no definition tells."""


_BUNDLED_STUBS = "/jedi/third_party/typeshed/stdlib"


class UnsureError(Exception):
    """What cannot be known, and why (for people and for counting)."""


def refuse_open(value: Any, only_lookup: bool = False) -> str:
    """Raise UnsureError unless all members of a value are defined where jedi sees them; return what to doubt."""
    name = value.py__name__()
    if name in OPEN_TYPES:
        raise UnsureError("open type")
    if value.is_module():
        return refuse_open_module(value)
    if value.is_function() or value.is_bound_method():
        if not only_lookup:
            raise UnsureError("attribute of a function")
    elif value.is_instance() or value.is_class():
        cls = value.py__class__() if value.is_instance() else value
        refuse_open_class(cls, is_receiver_class=value.is_class())
    return ""


def refuse_open_module(module: Any) -> str:
    """Raise UnsureError unless all names of a module stand in its text; return what there is to doubt.

    A module's `__getattr__` knows names that few should use any more, or loads some that are listed nowhere.
    """
    node = getattr(module, "tree_node", None)
    if node is None:
        return ""
    doubt = ""
    if any(function.name.value == "__getattr__" for function in node.iter_funcdefs()):
        doubt = "module with __getattr__"
    if module.is_stub():
        if _BUNDLED_STUBS not in module.py__file__().as_posix():
            for written in module.non_stub_value_set:
                doubt = doubt or (refuse_open_module(written) if written.is_module() else "")
        return doubt
    if _REBUILT.search(node.get_code()):
        raise UnsureError("dynamic module")
    context = module.as_context()
    for statement in node.iter_imports():
        if statement.is_star_import() and not context.infer_node(statement.get_paths()[-1][-1]):
            raise UnsureError("star import not found")
    return doubt


def refuse_open_class(cls: Any, is_receiver_class: bool) -> None:
    """Raise UnsureError unless all members of a class, its own and inherited ones, are defined."""
    for each in cls.py__mro__():
        node = getattr(each, "tree_node", None)
        if node is None or each.is_compiled() or each.is_stub() or each.get_root_context().is_stub():
            if each.py__name__() in OPEN_TYPES - {"object"}:
                raise UnsureError("open base")
            if node is not None and node.type == "classdef":
                if any(function.name.value == "__getattr__" for function in node.iter_funcdefs()):
                    raise UnsureError("dynamic class")
                if not _bases_are_found(each, node):
                    raise UnsureError("base not found")
            continue
        if node.type != "classdef":
            raise UnsureError("class without a definition")
        if _DYNAMIC.search(node.get_code(include_prefix=False)):
            raise UnsureError("dynamic class")
        if not decorators_of(node) <= _CLASS_DECORATORS:
            raise UnsureError("decorated class")
        _refuse_unknown_bases(each, node, is_receiver_class)


def _bases_are_found(cls: Any, node: Any) -> bool:
    """Whether jedi finds every base that a stub's class names (those of `ctypes` lie where it finds no stub)."""
    arguments = node.get_super_arglist()
    if arguments is None:
        return True
    bases = TreeArguments(cls.inference_state, cls.parent_context, arguments).unpack()
    return all(lazy.infer() for key, lazy in bases if key is None)


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


def added_names(value: Any) -> set[str]:
    """The names that the text of a value's classes gives it where jedi does not look: `__slots__`, `cls.name = …`."""
    names: set[str] = set()
    if not (value.is_instance() or value.is_class()):
        return names
    for each in (value.py__class__() if value.is_instance() else value).py__mro__():
        node = getattr(each, "tree_node", None)
        if node is None or node.type != "classdef" or each.get_root_context().is_stub():
            continue
        code = node.get_code(include_prefix=False)
        names.update(found[found.lastgroup or 0] for found in _ADDED.finditer(code))
        names.update(name for found in _SLOTS.finditer(code) for name in _STRING.findall(found["names"]))
    return names


def refuse_own_new(cls: Any) -> None:
    """Raise UnsureError where a class makes objects of who knows what."""
    node = cls.tree_node
    for child in node.iter_funcdefs():
        if child.name.value == "__new__" and child.annotation is None:
            raise UnsureError("__new__")


def decorators_of(definition: Any) -> set[str]:
    """The last parts of the names of a definition's decorators; "?" is one that an open bracket before it took in."""
    names: set[str] = {"?"} if _has_lost_decorator(definition) else set()
    for decorator in definition.get_decorators():
        code = decorator.children[1].get_code(include_prefix=False)
        names.add(code.partition("(")[0].strip().rpartition(".")[2])
    return names


def _has_lost_decorator(definition: Any) -> bool:
    """Whether what stands before a definition ends with a decorator that was read as something else: behind a call that
    is being written, `@staticmethod` multiplies matrices."""
    line, column = definition.start_pos
    leaf = definition.get_first_leaf().get_previous_leaf()
    for _ in range(_DECORATOR_LEAVES):
        if leaf is None or leaf.type == "newline":
            return False
        if leaf.value == "@" and leaf.start_pos[1] == column:
            return leaf.start_pos[0] < line
        leaf = leaf.get_previous_leaf()
    return False
