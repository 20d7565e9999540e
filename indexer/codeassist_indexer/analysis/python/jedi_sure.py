"""Whether jedi can know the type of an expression, and not only guess at it.

jedi leaves out of a union what it does not understand and guesses parameters from their defaults; here the definitions
that a receiver comes from are walked, and one that says nothing makes it unsure.
"""

from __future__ import annotations

from typing import Any

from codeassist_indexer.analysis.python.jedi_bindings import Bindings
from codeassist_indexer.analysis.python.jedi_closed import (
    UnsureError,
    decorators_of,
    refuse_open,
    refuse_own_new,
)
from codeassist_indexer.analysis.python.jedi_library import (
    doubt_of_attribute,
    doubt_of_call,
    doubt_of_heirs,
    refuse_base_of_operand,
    refuse_made_class,
)
from codeassist_indexer.analysis.python.jedi_syntax import (
    CHECKABLE_DECORATORS,
    CHOICES,
    COMPARISONS,
    LITERALS,
    OPERATIONS,
    alternatives,
    is_display,
    is_none,
)

# jedi ships no types that a checker could use: nodes, names, contexts and values are Any below.


class Walk(Bindings):
    """One question's walk through definitions. Raises UnsureError where nothing is known."""

    def receiver(self, context: Any, base: Any, trailers: list[Any]) -> Any:
        """Return the values of `base` with `trailers`, all of them sure and with all their members known."""
        values = self.chain(context, base, trailers)
        for value in values:
            self._doubt(refuse_open(value))
        if all(is_none(value) for value in values):
            raise UnsureError("only None")
        return values

    def chain(self, context: Any, base: Any, trailers: list[Any]) -> Any:
        """Return the values of `base` with `trailers`, of which not all members need be known."""
        from jedi.inference.syntax_tree import infer_trailer

        self._node(context, base)
        values = context.infer_node(base)
        for trailer in trailers:
            if not values:
                raise UnsureError("nothing inferred")
            kind = trailer.children[0]
            for value in values:
                if kind == ".":
                    self._attribute(value, trailer.children[1].value)
                elif kind == "(":
                    self._call(value)
                else:
                    self._subscript(value)
            values = infer_trailer(context, values, trailer)
        if not values:
            raise UnsureError("nothing inferred")
        return values

    def _inner_node(self, context: Any, node: Any) -> None:
        kind = node.type
        if kind == "name":
            names = context.goto(node, position=node.start_pos)
            if not names:
                raise UnsureError("undefined name")
            for name in names:
                self._definition(name)
        elif kind in LITERALS or kind in COMPARISONS:
            return
        elif kind == "atom":
            # Displays and comprehensions are what they look like; what is in them, _subscript and loops ask for.
            inner = node.children[1]
            if (
                node.children[0] == "("
                and len(node.children) == 3
                and inner.type not in ("testlist_comp", "yield_expr")
            ):
                self._node(context, inner)
        elif kind in ("power", "atom_expr"):
            self._power(context, node)
        elif kind in CHOICES:
            for child in alternatives(node):
                self._node(context, child)
        elif kind in OPERATIONS:
            for child in node.children[::2] if kind != "factor" else node.children[1:]:
                self._node(context, child)
            values = context.infer_node(node)
            if not values:
                raise UnsureError("operator")
            if any(value.is_stub() or value.is_compiled() for value in values):
                refuse_base_of_operand(context, node, values)
        elif kind == "namedexpr_test":
            self._node(context, node.children[2])
        elif kind == "await_expr":
            self._node(context, node.children[1])
        elif kind in ("testlist_star_expr", "testlist", "exprlist"):
            return  # a tuple display
        else:
            raise UnsureError(f"expression {kind}")

    def _power(self, context: Any, node: Any) -> None:
        children = node.children
        is_awaited = children[0] == "await"
        if is_awaited:
            children = children[1:]
        if any(child == "**" for child in children):
            raise UnsureError("expression **")
        if not self.chain(context, children[0], list(children[1:])):
            raise UnsureError("nothing inferred")
        if is_awaited and not context.infer_node(node):
            raise UnsureError("await")

    def _elements_of(self, value: Any, method: str) -> None:
        if value.is_stub() or value.is_compiled():
            self._doubt("elements of a library's type")
        elif value.is_instance():
            self._method(value, method)

    def _method(self, value: Any, method: str) -> bool:
        """What a method of an instance returns; False where source code defines none."""
        for name in value.goto(method):
            definition = name.tree_name.get_definition() if getattr(name, "tree_name", None) else None
            if definition is not None and definition.type == "funcdef":
                if not name.get_root_context().is_stub():
                    self._function(name.parent_context, definition)
                    return True
                self._doubt("elements of a library's type")
        return False

    def _attribute(self, value: Any, text: str) -> None:
        if value.is_compiled() or value.is_stub():
            for name in value.goto(text):
                self._doubt(doubt_of_attribute(value, name))
            return
        if value.is_instance() or value.is_class():
            refuse_open(value, only_lookup=True)
        names = value.goto(text)
        if not names:
            if is_none(value):
                return
            raise UnsureError("attribute not found")
        for name in names:
            tree_name = getattr(name, "tree_name", None)
            definition = tree_name.get_definition() if tree_name is not None else None
            if definition is not None and definition.type == "funcdef":
                decorators = decorators_of(definition)
                if {"property", "cached_property"} & decorators:
                    self._function(name.parent_context, definition)
                continue
            self._definition(name)

    def _call(self, value: Any) -> None:
        if not value.is_class() and not value.is_instance() and value.py__name__() == "__new__":
            raise UnsureError("what __new__ makes")
        if value.is_compiled() or value.is_stub():
            if value.is_class():
                refuse_made_class(value)
            else:
                is_function = value.is_stub() and (value.is_function() or value.is_bound_method())
                self._doubt(doubt_of_call(value) if is_function else "library call")
            return
        if value.is_class():
            if value.tree_node is not None and value.tree_node.type == "classdef":
                refuse_own_new(value)
            return
        tree_node = getattr(value, "tree_node", None)
        if tree_node is None:
            raise UnsureError("call")
        if value.is_function() or value.is_bound_method():
            if value.get_root_context().is_stub():
                self._doubt(doubt_of_call(value))
                return
            if tree_node.type == "lambdef":
                raise UnsureError("call of lambda")
            if len(value.get_signature_functions()) > 1:
                self._doubt(doubt_of_call(value))
            self._function(value.parent_context, tree_node)
            return
        if not value.is_instance() or not self._method(value, "__call__"):
            raise UnsureError("call")

    def _function(self, context: Any, function: Any) -> None:
        """What a function returns."""
        if not decorators_of(function) <= CHECKABLE_DECORATORS:
            raise UnsureError("decorated function")
        if function.annotation is not None:
            self._annotation(context, function.annotation)
            self._doubt(doubt_of_heirs(context, function.annotation))
            return
        if function.is_generator():
            raise UnsureError("generator without annotation")
        inner = context.create_context(function.children[-1]) if not context.is_compiled() else None
        if inner is None or self._is_deep:
            raise UnsureError("too far")
        for statement in function.iter_return_stmts():
            value = statement.children[1] if len(statement.children) > 1 else None
            if value is not None and value.type not in (";",):
                self._node(inner, value)

    def _subscript(self, value: Any) -> None:
        if is_display(value):
            raise UnsureError("elements of a display")
        if not value.is_class():
            self._elements_of(value, "__getitem__")
