"""Whether jedi can know the type of an expression, and not only guess at it.

jedi leaves out of a union what it does not understand and guesses parameters from their defaults; here the definitions
that a receiver comes from are walked, and one that says nothing makes it unsure.
"""

from __future__ import annotations

from typing import Any

from codeassist_indexer.analysis.python.jedi_closed import (
    UnsureError,
    decorators_of,
    defines_constructor,
    refuse_generated_constructor,
    refuse_open,
    refuse_open_class,
    refuse_own_new,
)
from codeassist_indexer.analysis.python.jedi_syntax import (
    CHOICES,
    COMPARISONS,
    LITERALS,
    OPERATIONS,
    alternatives,
    annotated_types,
    annotation_of,
    class_around,
    has_decorator,
    holds,
    is_display,
    is_none,
    refuse_unknown_type,
)
from codeassist_indexer.languages.forms.words import words

# jedi ships no types that a checker could use: nodes, names, contexts and values are Any below.
_MAX_STEPS = 160
_MAX_DEPTH = 12
_CHECKABLE_DECORATORS = words(
    """property cached_property staticmethod classmethod abstractmethod override final contextmanager
    asynccontextmanager cache lru_cache overload wraps setter getter deleter njit jit no_grad inference_mode
    deprecated"""
)
_SAME_SIGNATURE = frozenset({"staticmethod", "classmethod", "abstractmethod", "override", "final"})


class Walk:
    """One question's walk through definitions. Raises UnsureError; returning means sure."""

    def __init__(self) -> None:
        self._steps = 0
        self._depth = 0
        self._open: set[Any] = set()

    def receiver(self, context: Any, base: Any, trailers: list[Any]) -> Any:
        """Return the values of `base` with `trailers`, all of them sure and with all their members known."""
        values = self._chain(context, base, trailers)
        for value in values:
            refuse_open(value)
        if all(is_none(value) for value in values):
            raise UnsureError("only None")
        return values

    def callee(self, context: Any, base: Any, trailers: list[Any]) -> bool:
        """Return if all that may be called by `base` with `trailers` takes the keywords that its definition says.

        True: the number of arguments, too, is what a definition of the repository says.
        """
        is_written = True
        for found in self._chain(context, base, trailers):
            value = getattr(found, "_function", found)  # jedi wraps a class method
            if value.is_class():
                refuse_open_class(value, is_receiver_class=True)
                refuse_generated_constructor(value)
                is_written = is_written and defines_constructor(value)
            elif value.is_compiled() or value.is_stub():  # jedi's stubs know parameters up to Python 3.9
                raise UnsureError("callee of a library")
            else:
                node = getattr(value, "tree_node", None)
                if node is None or node.type != "funcdef" or decorators_of(node) - _SAME_SIGNATURE:
                    raise UnsureError("decorated callee")
        return is_written

    def _chain(self, context: Any, base: Any, trailers: list[Any]) -> Any:
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

    def _inner_node(self, context: Any, node: Any) -> None:
        kind = node.type
        if kind == "name":
            self._names(context.goto(node, position=node.start_pos) or [], node.value)
        elif kind in LITERALS or kind in COMPARISONS:
            return
        elif kind == "atom":
            self._atom(context, node)
        elif kind in ("power", "atom_expr"):
            self._power(context, node)
        elif kind in CHOICES:
            for child in alternatives(node):
                self._node(context, child)
        elif kind in OPERATIONS:
            for child in node.children[::2] if kind != "factor" else node.children[1:]:
                self._node(context, child)
            if not context.infer_node(node):
                raise UnsureError("operator")
        elif kind == "namedexpr_test":
            self._node(context, node.children[2])
        elif kind == "await_expr":
            self._node(context, node.children[1])
        elif kind in ("testlist_star_expr", "testlist", "exprlist"):
            return  # a tuple display
        else:
            raise UnsureError(f"expression {kind}")

    def _atom(self, context: Any, node: Any) -> None:
        first = node.children[0]
        if first == "(" and len(node.children) == 3 and node.children[1].type not in ("testlist_comp", "yield_expr"):
            self._node(context, node.children[1])
        # Displays and comprehensions are what they look like; what is in them, _subscript and loops ask for.

    def _power(self, context: Any, node: Any) -> None:
        children = node.children
        is_awaited = children[0] == "await"
        if is_awaited:
            children = children[1:]
        if any(child == "**" for child in children):
            raise UnsureError("expression **")
        if not self._chain(context, children[0], list(children[1:])):
            raise UnsureError("nothing inferred")
        if is_awaited and not context.infer_node(node):
            raise UnsureError("await")

    def _names(self, names: Any, text: str) -> None:
        if not names:
            raise UnsureError(f"undefined {'name' if text else ''}")
        for name in names:
            self._definition(name)

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
            return
        value = statement.children[-1]
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

    def _iterated(self, context: Any, source: Any, name: Any) -> None:
        self._elements(context, source)
        if not name.infer():
            raise UnsureError("elements")

    def _managed(self, context: Any, definition: Any, tree_name: Any, name: Any) -> None:
        for item in definition.children[1:-2:2]:
            if item.type == "with_item" and holds(item.children[2], tree_name):
                self._node(context, item.children[0])
        if not name.infer():
            raise UnsureError("context manager")

    def _attribute(self, value: Any, text: str) -> None:
        if value.is_compiled() or value.is_stub():
            return
        if value.is_instance() or value.is_class() or value.is_module():
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
        if value.is_compiled() or value.is_stub():
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
                return
            if tree_node.type == "lambdef":
                raise UnsureError("call of lambda")
            self._function(value.parent_context, tree_node)
            return
        if value.is_instance():
            names = value.goto("__call__")
            for name in names:
                definition = name.tree_name.get_definition() if getattr(name, "tree_name", None) else None
                if definition is not None and definition.type == "funcdef":
                    self._function(name.parent_context, definition)
                    return
        raise UnsureError("call")

    def _function(self, context: Any, function: Any) -> None:
        """What a function returns."""
        if not decorators_of(function) <= _CHECKABLE_DECORATORS:
            raise UnsureError("decorated function")
        if function.annotation is not None:
            self._annotation(context, function.annotation)
            return
        if function.is_generator():
            raise UnsureError("generator without annotation")
        inner = context.create_context(function.children[-1]) if not context.is_compiled() else None
        if inner is None or self._depth > _MAX_DEPTH // 2:
            raise UnsureError("too far")
        for statement in function.iter_return_stmts():
            value = statement.children[1] if len(statement.children) > 1 else None
            if value is not None and value.type not in (";",):
                self._node(inner, value)

    def _subscript(self, value: Any) -> None:
        if value.is_compiled() or value.is_stub() or value.is_class():
            return
        if is_display(value):
            raise UnsureError("elements of a display")

    def _annotation(self, context: Any, node: Any) -> None:
        for text in annotated_types(node):
            refuse_unknown_type(context, text)
