"""Whether all that a call can take stands in a definition. Raises UnsureError where it does not.

jedi ships no types that a checker could use: values and nodes are Any.
"""

from __future__ import annotations

import re
from typing import Any

from codeassist_indexer.analysis.python.jedi_closed import UnsureError, decorators_of, refuse_open_class
from codeassist_indexer.analysis.python.jedi_library import refuse_made_class

_SAME_SIGNATURE = frozenset({"staticmethod", "classmethod", "abstractmethod", "override", "final"})
_OWN_CLASS = re.compile(r"cls|(?:self|cls)\.__class__|type\((?:self|cls)\)")
_MAKE_NOTHING = frozenset({"object", "Generic", "Protocol", "ABC"})
_NO_INIT = re.compile(r"\binit\s*=\s*False\b")


def refuse_own_class(callee: str) -> None:
    """Raise UnsureError where an object calls the class that it is of: what a subclass takes, nobody knows."""
    if _OWN_CLASS.fullmatch(callee):
        raise UnsureError("own class")


def has_fixed_number(callees: Any) -> bool:
    """Whether the number of arguments, too, is what definitions say.

    Raises UnsureError unless all that may be called take the keywords that jedi finds and no others.
    """
    is_fixed = True
    for found in callees:
        value = getattr(found, "_function", found)  # jedi wraps a class method
        if value.is_class():
            refuse_open_class(value, is_receiver_class=True)
            is_fixed = _is_fixed_constructor(value) and is_fixed
        elif value.is_stub() and (value.is_function() or value.is_bound_method()):
            continue  # its overloads say all that they take
        elif value.is_compiled() or value.is_stub():
            raise UnsureError("callee of a library")
        else:
            node = getattr(value, "tree_node", None)
            if node is None or node.type != "funcdef" or decorators_of(node) - _SAME_SIGNATURE:
                raise UnsureError("decorated callee")
            is_fixed = not _takes_more(node) and is_fixed
    return is_fixed


def _refuse_other_order(classes: list[Any]) -> None:
    """Raise UnsureError where Python finds another constructor than jedi, which lists bases depth first.

    In `class C(Mixin, Base)` it comes to `object` before `Base`; in a diamond to what both inherit from.
    """
    makers = [each for each in classes if _makes_objects(each)]
    if any(makers[0] in each.py__mro__() for each in makers[1:]):
        raise UnsureError("order of bases")


def _makes_objects(cls: Any) -> bool:
    node = getattr(cls, "tree_node", None)
    if cls.is_stub() or cls.is_compiled() or node is None:
        return cls.py__name__() == "object" or cls.py__name__() not in _MAKE_NOTHING
    return "dataclass" in decorators_of(node) or any(
        child.name.value in ("__init__", "__new__") for child in node.iter_funcdefs()
    )


def _takes_more(function: Any) -> bool:
    """Whether a function takes any number of arguments by position. Raises UnsureError where it takes any keyword:
    jedi looks through `**options` for what they are handed on to, but others may be taken out before."""
    stars = [parameter.star_count for parameter in function.get_params()]
    if 2 in stars:
        raise UnsureError("any keyword")
    return 1 in stars


def _is_fixed_constructor(cls: Any) -> bool:
    """Whether the number of arguments is fixed in the first class, of all that `cls` inherits from, that says what an
    object is made of. Raises UnsureError where no definition says it."""
    refuse_made_class(cls)
    _refuse_other_order(list(cls.py__mro__()))
    for each in cls.py__mro__():
        node = getattr(each, "tree_node", None)
        if each.is_stub() or each.is_compiled() or node is None:
            if each.py__name__() in _MAKE_NOTHING:
                continue
            if not each.is_stub():
                raise UnsureError("constructor of a library")
            return False
        decorators = decorators_of(node)
        if decorators & {"attrs", "define", "frozen", "mutable", "attr", "s", "dataclass_json"}:
            raise UnsureError("generated constructor")
        if any(_NO_INIT.search(decorator.get_code(include_prefix=False)) for decorator in node.get_decorators()):
            raise UnsureError("generated constructor")
        for child in node.iter_funcdefs():
            if child.name.value == "__new__" and len(child.get_params()) > 1:
                raise UnsureError("__new__")
            if child.name.value == "__init__":
                if decorators_of(child):
                    raise UnsureError("decorated callee")
                return not _takes_more(child)
        if "dataclass" in decorators:
            return False
    return False
