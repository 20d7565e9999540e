"""What a definition looks like: a query pattern, a kind, and how names are read from the node; and the common readers.

parsing/symbols.py decides from the rows where a definition stands and what it is nested in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.languages.forms.signatures import (
    WHOLE_BINDING_CHARS,
    head_start_byte,
    node_text,
    one_line,
)

_PATH_MARKS = re.compile(r"::|\\")


@dataclass(frozen=True, slots=True)
class Named:
    """One name that a definition node binds. What is None is taken from the row, the node or the comment above.

    `owner` is the type that the definition says it belongs to (Go receiver, C++ scope), dotted. A `kind` of "scope" is
    no symbol. `encloses`: definitions inside the node belong to this one, and those after it that begin before
    `reach_byte`.
    """

    name: str
    kind: str | None = None
    owner: str = ""
    encloses: bool = False
    reach_byte: int | None = None
    head: str | None = None
    doc: str = ""
    bases: tuple[str, ...] | None = None


Reader = Callable[[Node, bytes], list[Named]]


@dataclass(frozen=True, slots=True)
class Form:
    """One row: `pattern` (a tree-sitter query) finds nodes, `read` names them.

    The node is the outermost of the pattern, or the one marked `@_`. `kind` is a kind of parsed.Symbol or a role that
    parsing/symbols.py resolves by place:
    "variable"   a field in a type, a constant outside, nothing in a function
    "binding"    the same, but a constant in an enum
    "function"   a method or constructor in a type; "method" the same, and nothing in a function
    "attribute"  a field of the type around the method that sets it
    "scope"      no symbol; hides the bindings inside it
    "impl"       no symbol; opens a type defined elsewhere (`owner`, `bases`: the traits that it thereby has)
    "wrapper"    no symbol; its span becomes that of the definition in it, a name's `kind` overrides that one's
    "prefix"     no symbol; stands in front of a definition and belongs to its span
    """

    pattern: str
    kind: str
    read: Reader


def by_name(node: Node, source: bytes) -> list[Named]:
    """The field `name`: nearly every type and function."""
    name = node.child_by_field_name("name")
    return [Named(node_text(name, source), encloses=True)] if name is not None else []


def leaf_by_name(node: Node, source: bytes) -> list[Named]:
    """The field `name` of what holds no definitions of its own."""
    name = node.child_by_field_name("name")
    return [Named(node_text(name, source))] if name is not None else []


def module_by_name(node: Node, source: bytes) -> list[Named]:
    """The field `name` of a namespace, `a::b` and `a.b` both dotted."""
    name = node.child_by_field_name("name")
    return [Named(dotted(node_text(name, source)), encloses=True)] if name is not None else []


def itself(node: Node, source: bytes) -> list[Named]:
    """The node is the name (an enum member without a value)."""
    return [Named(node_text(node, source))]


def nothing(node: Node, source: bytes) -> list[Named]:
    """Scopes, wrappers and prefixes bind no name."""
    return []


def dotted(path: str) -> str:
    """A path of any language with dots, without quotes and spaces."""
    return ".".join(part.strip(" \t\r\n\"'") for part in _PATH_MARKS.sub(".", path).split("."))


def names_with_shared_head(node: Node, declarators: list[Node], source: bytes) -> list[Named]:
    """`int a = 1, b;`: each name with the head that all share; a long value is left out."""
    if not declarators:
        return []
    shared = one_line(source, head_start_byte(node), declarators[0].start_byte)
    named: list[Named] = []
    for declarator in declarators:
        name = declarator.child_by_field_name("name") or declarator
        own = source[declarator.start_byte : declarator.end_byte]
        if len(own) > WHOLE_BINDING_CHARS or b"\n" in own:
            own = own[: name.end_byte - declarator.start_byte]
        named.append(Named(node_text(name, source), head=f"{shared} {one_line(own, 0, len(own))}".lstrip()))
    return named
