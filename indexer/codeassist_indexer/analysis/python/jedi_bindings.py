"""What a name is bound to, where it is bound: the half of the walk that follows names to their definitions.

jedi ships no types that a checker could use: nodes, names, contexts and values are Any.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from codeassist_indexer.analysis.python.jedi_closed import UnsureError
from codeassist_indexer.analysis.python.jedi_library import doubt_of_heirs
from codeassist_indexer.analysis.python.jedi_syntax import (
    annotated_types,
    annotation_of,
    class_around,
    has_decorator,
    holds,
    is_display,
    is_given,
    refuse_unknown_type,
)

_MAX_STEPS = 160
_MAX_DEPTH = 12
# What stands in a class for values of another kind: `x = attr.ib()`.
_IS_FIELD = re.compile(r"(?:\w+\.)*(?:ib|attrib|field|Field|mapped_column)\s*\(")


class Bindings(ABC):
    """Walks from names to what they are bound to. Whoever inherits walks expressions: `_inner_node`, `_elements_of`.

    `doubts`: why what was found is only likely; empty where it is sure.
    """

    def __init__(self) -> None:
        self.doubts: set[str] = set()
        self._steps = 0
        self._depth = 0
        self._open: set[Any] = set()

    def _node(self, context: Any, node: Any) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS or self._depth > _MAX_DEPTH:
            raise UnsureError("too far")
        if node in self._open:
            return  # a loop: the other definitions decide
        self._open.add(node)
        self._depth += 1
        try:
            self._inner_node(context, node)
        finally:
            self._depth -= 1
            self._open.discard(node)

    @abstractmethod
    def _inner_node(self, context: Any, node: Any) -> None: ...

    @abstractmethod
    def _elements_of(self, value: Any, method: str) -> None: ...

    @property
    def _is_deep(self) -> bool:
        return self._depth > _MAX_DEPTH // 2

    def _definition(self, name: Any) -> None:
        """A name where it is bound."""
        tree_name = getattr(name, "tree_name", None)
        context = name.parent_context
        if tree_name is None or context is None or context.is_compiled() or name.get_root_context().is_stub():
            return
        definition = tree_name.get_definition(import_name_always=True)
        if definition is None:
            raise UnsureError("no definition")
        kind = definition.type
        if kind in ("classdef", "funcdef"):
            return
        if kind in ("import_name", "import_from"):
            self._imported(name)
        elif kind == "param":
            self._parameter(name, context, definition)
        elif kind == "expr_stmt":
            self._assigned(context, definition, tree_name)
        elif kind in ("for_stmt", "sync_comp_for", "comp_for"):
            source = definition.children[3] if kind != "comp_for" else definition.children[1].children[3]
            self._iterated(context, source, name)
        elif kind == "with_stmt":
            self._managed(context, definition, tree_name, name)
        elif kind == "namedexpr_test":
            self._node(context, definition.children[2])
        elif kind in ("except_clause", "try_stmt"):
            if not name.infer():
                raise UnsureError("exception")
        else:
            raise UnsureError(f"bound by {kind}")

    def _imported(self, name: Any) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise UnsureError("too far")
        found = [each for each in name.goto() if each is not name]
        if not found and not name.infer():
            raise UnsureError("import not found")
        for each in found:
            tree_name = getattr(each, "tree_name", None)
            if tree_name is not None and each != name:
                self._definition(each)
        if not name.infer():
            raise UnsureError("import not found")

    def _parameter(self, name: Any, context: Any, definition: Any) -> None:
        if definition.annotation is not None:
            if definition.star_count:
                return  # a tuple or a dict
            self._annotation(context, definition.annotation)
            return
        function = definition.get_parent_function()
        if definition.star_count:
            return
        is_first = definition.position_index == 0
        in_class = function.type == "funcdef" and class_around(function) is not None
        if not (is_first and in_class and not has_decorator(function, "staticmethod")):
            raise UnsureError("parameter without annotation")
        if not name.infer():
            raise UnsureError("nothing inferred")

    def _assigned(self, context: Any, statement: Any, tree_name: Any) -> None:
        annotation = annotation_of(statement)
        if annotation is not None:
            self._annotation(context, annotation)
            self._doubt(doubt_of_heirs(context, annotation))
            if context.is_class() and not is_given(statement):
                self._doubt("declared without a value")
            return
        value = statement.children[-1]
        if context.is_class() and _IS_FIELD.match(value.get_code(include_prefix=False)):
            raise UnsureError("field of a class")
        if statement.children[1] != "=":
            raise UnsureError("augmented assignment")
        target = next((child for child in statement.children[:-1:2] if holds(child, tree_name)), None)
        if target is None or target.type in ("testlist_star_expr", "testlist", "exprlist", "atom"):
            self._unpacked(context, value)
            return
        if value.type == "atom" and value.children[0] in ("[", "{") and len(value.children) == 2:
            return  # an empty display
        self._node(context, value)
        if not context.infer_node(value):
            raise UnsureError("nothing inferred")

    def _unpacked(self, context: Any, value: Any) -> None:
        if value.type in ("testlist_star_expr", "testlist"):
            for child in value.children[::2]:
                self._node(context, child)
            return
        self._elements(context, value)

    def _elements(self, context: Any, source: Any) -> None:
        """What comes out of `source` when it is iterated."""
        self._node(context, source)
        for value in context.infer_node(source):
            if is_display(value):
                raise UnsureError("elements of a display")
            self._elements_of(value, "__iter__")

    def _iterated(self, context: Any, source: Any, name: Any) -> None:
        self._elements(context, source)
        elements = {value.py__name__() for value in name.infer()}
        if not elements:
            raise UnsureError("elements")
        if elements & {value.py__name__() for value in context.infer_node(source)} - {"str"}:
            raise UnsureError("elements of a type variable")  # jedi found nothing in its place but the whole

    def _managed(self, context: Any, definition: Any, tree_name: Any, name: Any) -> None:
        for item in definition.children[1:-2:2]:
            if item.type == "with_item" and holds(item.children[2], tree_name):
                self._node(context, item.children[0])
                self._doubt("context manager")
        if not name.infer():
            raise UnsureError("context manager")

    def _doubt(self, why: str) -> None:
        if why:
            self.doubts.add(why)

    def _annotation(self, context: Any, node: Any) -> None:
        for text in annotated_types(node):
            refuse_unknown_type(context, text)
