"""The names that can stand at a place of Python, by a script of jedi's, where it is sure of them.

Raises UnsureError where it had to guess. The names that the text uses there say more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jedi.api.completion import get_user_context
from jedi.inference.gradual.conversion import convert_values
from jedi.inference.imports import Importer

from codeassist_indexer.analysis.python.jedi_callables import has_fixed_number, refuse_own_class
from codeassist_indexer.analysis.python.jedi_closed import UnsureError, added_names, refuse_open_module
from codeassist_indexer.analysis.python.jedi_library import private_names
from codeassist_indexer.analysis.python.jedi_sure import Walk
from codeassist_indexer.analysis.python.patches import Patches
from codeassist_indexer.analysis.python.questions import PLACEHOLDER
from codeassist_indexer.analysis.text.lexer import code_only
from codeassist_indexer.analysis.text.receivers import receivers_in

_WORD = re.compile(r"[^\W\d]\w*")
_FROM_IMPORT = re.compile(r"from\s+(?P<dots>[.\s]*)(?P<module>[\w.]*)\s+import\b")
_MODULE_PATH = re.compile(r"(?:from|import|,)\s*(?P<dots>\.*)(?P<module>(?:\w+\.)*)\Z")
# Functions that say what an object is: of the language, of `inspect` and `asyncio`, of unittest, and named like these.
_TEST = re.compile(
    r"isinstance|issubclass|hasattr|callable|type|cast|setattr|_*is_?[a-z]\w*|assert_?(?:Is|is)_?(?:I|i)nstance"
)
_TESTS = (r"\bmatch[ (]+RECEIVER\s*\)?:", r"(?<![\w.])RECEIVER\.__class__ +(?:is|in|[!=]=)")
_VERSION = re.compile(r"version|\bPY[23]|platform|os\.name", re.IGNORECASE)
_LAYING_OUT = re.compile(r"__init__|__new__|__post_init__|__enter__|__setstate__|setup|setUp\w*|_?init\w*|_?reset\w*")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a call takes: the names that `=` can follow, the parameters that positions fill, in order.

    `are_all`: there are surely no others of these; `doubt`: why the names are only likely, "" where they are sure.
    """

    names: frozenset[str]
    positional: tuple[str, ...]
    are_all: bool
    doubt: str


def members(
    script: Any, line: int, column: int, patches: Patches, only_cases: bool = False
) -> tuple[frozenset[str], str]:
    """Return what can stand after the dot in front of `column` (both of the place; lines from 1, columns from 0).

    And why that is only likely, "" where it is sure.
    """
    module: Any = script._module_node
    placeholder = module.get_leaf_for_position((line, column + 1))
    dot: Any = placeholder.get_previous_leaf() if placeholder is not None else None
    if dot is None or dot.value != ".":
        raise UnsureError("no dot")
    leaf = dot.get_previous_leaf()
    if leaf is None:
        raise UnsureError("no receiver")
    base, trailers = _receiver(leaf)
    context = script._get_module_context().create_context(leaf)
    walk = Walk()
    values = walk.receiver(context, base, trailers)
    for value in values:
        if value.is_module() and value == script._get_module_context().get_value():
            raise UnsureError("the module itself")
    text = _code_between(base, leaf)
    scope = _scope_of(base, leaf)
    _refuse_narrowed(text, _code(scope), patches)
    _refuse_new_attribute(base, text, leaf)
    if only_cases:
        cases = _enum_cases(values)
        if cases:
            return cases, ""
    names = _member_names(script, values, (line, column))
    names |= _assigned_in(scope, text).union(*(added_names(value) | _patched(value, patches) for value in values))
    used = _used_in(scope, text)
    if used - names:
        raise UnsureError("the text uses others")
    return frozenset(names), " + ".join(sorted(walk.doubts))


def imports(script: Any, line: int, column: int, statement: str) -> tuple[frozenset[str], str]:
    """Return what can stand at the end of an import statement that has been written so far.

    And why that is only likely, "" where it is sure.
    """
    whole = _FROM_IMPORT.search(statement)
    found = whole or _MODULE_PATH.search(statement)
    if found is None:
        raise UnsureError("import")
    level = found["dots"].count(".")
    path = [part for part in found["module"].split(".") if part]
    importer = Importer(script._inference_state, path, script._get_module_context(), level)
    modules: Any = importer.follow() if path or level else ()
    if not modules:
        raise UnsureError("import not found" if path or level else "any module")
    names: set[str] = set()
    doubts = {"import that may fail" if _may_fail(script, line, column) else ""}
    for module in modules:
        doubts.add(refuse_open_module(module))
        if not level and module.api_type == "namespace":  # an installed package of the name would come first
            raise UnsureError("folder without __init__")
        if module.api_type in ("module", "namespace") and not module.is_compiled():
            names |= _plain(module.sub_modules_dict())
        if whole is not None:
            for each in (module, *convert_values([module])):
                names = names.union(*(_names_in(script, one) for one in each.get_filters()))
                names |= private_names(each) if each.is_stub() else frozenset()
    return frozenset(names), " + ".join(sorted(doubts - {""}))


def parameters(script: Any, line: int, column: int, bracket: tuple[int, int]) -> Parameters:
    """Return what the call takes whose bracket is at the position `bracket`.

    Raises UnsureError where it may take any.
    """
    module = script._module_node
    opened = module.get_leaf_for_position((bracket[0], bracket[1] + 1))  # a place belongs to what ends there
    leaf = opened.get_previous_leaf() if opened is not None else None
    if leaf is None:
        raise UnsureError("no callee")
    base, trailers = _receiver(leaf)
    context = script._get_module_context().create_context(leaf)
    refuse_own_class(_code_between(base, leaf))
    walk = Walk()
    is_written = has_fixed_number(walk.chain(context, base, trailers))
    names: set[str] = set()
    signatures = script.get_signatures(line, column)
    if not signatures:
        raise UnsureError("no signature")
    in_order: set[tuple[str, ...]] = set()
    for signature in signatures:
        kinds = [(parameter.name, parameter.kind.name) for parameter in signature.params]
        if any(kind == "VAR_KEYWORD" for _, kind in kinds):
            raise UnsureError("any keyword")
        names.update(name for name, kind in kinds if kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"))
        is_written = is_written and not any(kind == "VAR_POSITIONAL" for _, kind in kinds)
        in_order.add(tuple(name for name, kind in kinds if kind.startswith("POSITIONAL")))
    are_all = is_written and len(in_order) == 1
    if not names and not are_all:
        raise UnsureError("no keyword")
    positional = in_order.pop() if len(in_order) == 1 else ()
    return Parameters(_plain(names), positional, are_all, " + ".join(sorted(walk.doubts)))


def _may_fail(script: Any, line: int, column: int) -> bool:
    """Whether an import stands where it is tried, or instead of one that failed: it is for other versions, too."""
    node = script._module_node.get_leaf_for_position((line, column), include_prefixes=True)
    while node is not None and node.type not in ("funcdef", "classdef"):
        if node.type == "try_stmt" or (node.type == "error_node" and node.children[0] == "try"):
            return True
        if node.type == "if_stmt" and _VERSION.search(node.children[1].get_code()):
            return True
        node = node.parent
    return False


def _receiver(leaf: Any) -> tuple[Any, list[Any]]:
    """The expression that ends with `leaf`: its first part and the trailers after that."""
    parent = leaf.parent
    if parent.type == "trailer" and (leaf is parent.children[0] or leaf is parent.children[-1]):
        whole = parent.parent
        index = _index_of(whole, parent)
        start = index - 1
        while start > 0 and whole.children[start].type == "trailer":
            start -= 1
        base = whole.children[start]
        trailers = whole.children[start + 1 : index + 1]
        if base == "await":
            base, trailers = trailers[0], trailers[1:]
        return base, list(trailers)
    if parent.type == "atom" and leaf is parent.children[-1]:
        return parent, []
    if leaf.type in ("name", "number", "string", "fstring_end", "keyword"):
        return (parent if leaf.type == "fstring_end" else leaf), []
    raise UnsureError("receiver")


def _index_of(parent: Any, child: Any) -> int:
    return next(index for index, each in enumerate(parent.children) if each is child)


def _member_names(script: Any, values: Any, position: tuple[int, int]) -> set[str]:
    """What jedi would complete, as names alone."""
    scope = get_user_context(script._get_module_context(), position).tree_node
    names: set[str] = set()
    for value in dict.fromkeys((*values, *convert_values(values))):
        for each in value.get_filters(origin_scope=scope):
            names |= _names_in(script, each)
    return names


# The names in classes of stubs, by file, place and side: they stay what they are as long as the process lives. jedi
# would look through all names of `builtins` for those of `object`, for every receiver anew: a third of its time.
_stub_names: dict[tuple[object, ...], frozenset[str]] = {}


def _names_in(script: Any, names_filter: Any) -> frozenset[str]:
    inner = getattr(names_filter, "_class_filter", names_filter)
    owner = getattr(inner, "_node_context", None)  # the class in whose text it looks, of all that a class inherits
    root = owner.get_root_context() if owner is not None else None
    if owner is None or root is None or not root.is_stub() or not owner.is_class():
        return _listed(script, names_filter)
    key = (root.py__file__(), owner.tree_node.start_pos, getattr(inner, "_is_instance", None), type(names_filter))
    found = _stub_names.get(key)
    if found is None:
        found = _stub_names[key] = _listed(script, names_filter)
    return found


def _listed(script: Any, names_filter: Any) -> frozenset[str]:
    """All names of a filter: those behind tests of a version or a platform, too, whatever this one is."""
    state = script._inference_state
    state.flow_analysis_enabled = False
    try:
        return _plain(name.string_name for name in names_filter.values())
    finally:
        state.flow_analysis_enabled = True


def _plain(names: Any) -> frozenset[str]:
    return frozenset(name for name in names if name != PLACEHOLDER and _WORD.fullmatch(name))


def _patched(value: Any, patches: Patches) -> set[str]:
    """The names that code elsewhere gives a value's classes, or a module. Raises UnsureError where it gives any."""
    owners: Any = (value,)
    if value.is_instance() or value.is_class():
        owners = (value.py__class__() if value.is_instance() else value).py__mro__()
    names: set[str] = set()
    for owner in owners:
        if owner.is_compiled() or owner.get_root_context().py__name__() == "builtins":
            continue
        patch = patches.of(owner.py__name__().rpartition(".")[2])
        if patch.is_open:
            raise UnsureError("patched from outside")
        names |= patch.names
    return names


def _enum_cases(values: Any) -> frozenset[str]:
    names: set[str] = set()
    for value in values:
        node = getattr(value, "tree_node", None)
        if not value.is_class() or node is None or node.type != "classdef" or value.is_stub():
            return frozenset()
        if not any(each.py__name__() in ("Enum", "Flag") for each in value.py__mro__()):
            return frozenset()
        for statement in node.children[-1].children if node.children[-1].type == "suite" else ():
            inner = statement.children[0] if statement.type == "simple_stmt" else statement
            if inner.type == "expr_stmt":
                names.update(name.value for name in inner.get_defined_names())
            elif inner.type not in ("string", "funcdef", "decorated", "newline", "keyword", "async_stmt", "operator"):
                return frozenset()
    return frozenset(name for name in names if not name.startswith("_"))


def _code_between(first: Any, last: Any) -> str:
    """The text of a receiver, without line ends."""
    parts = [first.get_code(include_prefix=False)]
    leaf = first.get_last_leaf()
    while leaf is not last and leaf is not None:
        leaf = leaf.get_next_leaf()
        parts.append(leaf.get_code(include_prefix=False))
    return "".join(parts)


def _scope_of(base: Any, leaf: Any) -> Any:
    """The part of the file in which the receiver's first name means the same."""
    first = base.get_first_leaf()
    scope = leaf.parent
    while scope.parent is not None:
        if scope.type in ("funcdef", "lambdef") and _binds(scope, first.value):
            if first.value in ("self", "cls"):
                scope = scope.parent
                while scope.parent is not None and scope.type != "classdef":
                    scope = scope.parent
            return scope
        scope = scope.parent
    return scope


def _binds(function: Any, text: str) -> bool:
    used = function.get_root_node().get_used_names()
    return any(
        name.is_definition() and function.start_pos <= name.start_pos < function.end_pos for name in used.get(text, ())
    )


def _uses(scope: Any, text: str) -> list[re.Match[str]]:
    pattern = rf"(?<![\w.\])]){re.escape(text)}\s*\.[ \t]*(?P<name>[^\W\d]\w*)(?P<assigned>\s*(?::[^=\n]+)?=(?!=))?"
    return list(re.finditer(pattern, _code(scope)))


def _code(scope: Any) -> str:
    return code_only("python", scope.get_code(include_prefix=False))


def _assigned_in(scope: Any, text: str) -> set[str]:
    return {use["name"] for use in _uses(scope, text) if use["assigned"]} - {PLACEHOLDER}


def _used_in(scope: Any, text: str) -> set[str]:
    return {use["name"] for use in _uses(scope, text) if not use["assigned"]} - {PLACEHOLDER}


def _refuse_narrowed(text: str, code: str, patches: Patches) -> None:
    """A test of what the receiver is, or begins with, may have narrowed it in a way that jedi does not see."""
    for receiver in receivers_in(text):
        passed = rf"(?<![\w.])(?P<test>(?:\w+\.)*\w+)\([^()\n]*(?<![\w.]){re.escape(receiver)}\s*[,)]"
        for call in re.finditer(passed, code):
            name = call["test"].rpartition(".")[2]
            if _TEST.fullmatch(name) or patches.is_type_guard(name):
                raise UnsureError("narrowed")
        if any(re.search(test.replace("RECEIVER", re.escape(receiver)), code) for test in _TESTS):
            raise UnsureError("narrowed")


def _refuse_new_attribute(base: Any, text: str, leaf: Any) -> None:
    """`self.` at the beginning of a statement may be about to define an attribute."""
    before: Any = base.get_first_leaf().get_previous_leaf()
    if text not in ("self", "cls"):
        return
    starts = before is None or before.type in ("newline", "indent", "dedent") or before.value in (":", ";")
    if not starts and before is not None and before.end_pos[0] == base.start_pos[0]:
        return
    function = leaf.parent
    while function is not None and function.type != "funcdef":
        function = function.parent
    if function is not None and _LAYING_OUT.fullmatch(function.name.value):
        raise UnsureError("new attribute")
