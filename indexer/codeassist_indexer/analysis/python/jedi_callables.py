"""Whether all that a call can take stands in a definition. Raises UnsureError where it does not.

jedi ships no types that a checker could use: values and nodes are Any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Callees:
    """What all that may be called says of its parameters. `is_fixed`: how many arguments there may be is known, too.

    `doubt`: why the names that jedi finds are only likely to be all, "" where they surely are.
    """

    is_fixed: bool
    doubt: str


def callees(values: Any) -> Callees:
    """Look at the definitions of what is called. Raises UnsureError unless all take the keywords that jedi finds and no
    others."""
    is_fixed, doubts = True, set[str]()
    for found in values:
        value = getattr(found, "_function", found)  # jedi wraps a class method
        if value.is_class():
            refuse_open_class(value, is_receiver_class=True)
            is_counted, doubt = _constructor(value)
        elif value.is_stub() and (value.is_function() or value.is_bound_method()):
            is_counted, doubt = True, "signature of a stub"
        elif value.is_compiled() or value.is_stub():
            raise UnsureError("callee of a library")
        else:
            node = getattr(value, "tree_node", None)
            if node is None or node.type != "funcdef" or decorators_of(node) - _SAME_SIGNATURE:
                raise UnsureError("decorated callee")
            is_counted, doubt = not _takes_more(node), ""
        is_fixed = is_counted and is_fixed
        doubts.add(doubt)
    return Callees(is_fixed, " + ".join(sorted(doubts - {""})))


def _takes_more(function: Any) -> bool:
    """Whether a function takes any number of arguments by position. Raises UnsureError where it takes any keyword:
    jedi looks through `**options` for what they are handed on to, but others may be taken out before."""
    stars = [parameter.star_count for parameter in function.get_params()]
    if 2 in stars:
        raise UnsureError("any keyword")
    return 1 in stars


def _constructor(cls: Any) -> tuple[bool, str]:
    """Of the first class, of all that `cls` inherits from, that says what it is made of: whether the number of
    arguments is fixed, and what there is to doubt. Raises UnsureError where no definition says it."""
    refuse_made_class(cls)
    for each in cls.py__mro__():
        node = getattr(each, "tree_node", None)
        if each.is_stub() or each.is_compiled() or node is None:
            if each.py__name__() in _MAKE_NOTHING:
                continue
            if each.is_compiled() or not each.is_stub():
                raise UnsureError("constructor of a library")
            return False, "constructor of a stub"
        decorators = decorators_of(node)
        if decorators & {"attrs", "define", "frozen", "mutable", "attr", "s", "dataclass_json"}:
            raise UnsureError("generated constructor")
        if any(_NO_INIT.search(each.get_code(include_prefix=False)) for each in node.get_decorators()):
            raise UnsureError("generated constructor")
        for child in node.iter_funcdefs():
            if child.name.value == "__new__" and len(child.get_params()) > 1:
                raise UnsureError("__new__")
            if child.name.value == "__init__":
                if decorators_of(child):
                    raise UnsureError("decorated callee")
                return not _takes_more(child), ""
        if "dataclass" in decorators:
            return False, ""
    return False, ""
