"""Types as source files declare them: references, members, types, files. Values only; knows no tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from codeassist_indexer.languages.forms.parsed import Import

UNREAD = "parts that could not be read"
"""The doubt of what the parser did not understand whole."""

Access = Literal["public", "protected", "package", "private"]
MemberKind = Literal["field", "method", "constant", "type"]

ARRAY = "[]"
"""The name of array types; their one argument is the element."""

NULLABLE = "?"
"""The name of C#'s nullable types; their one argument is the type that there may be a value of."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as written, dotted, arguments apart. An argument is None where it says nothing (`?`, a union)."""

    name: str
    arguments: tuple[TypeRef | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """What a type or module declares under a name. `type`: of a field, or what a method returns; None: not said."""

    name: str
    kind: MemberKind
    type: TypeRef | None = None
    access: Access = "public"
    is_static: bool = False
    num_parameters: int | None = None


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A class, interface, enum, record, struct or alias of an object type.

    `full_name`: with package or namespace where the language has them. `bases` as written; None is a base that is no
    name. `is_open`: it has members that its text does not tell. `doubt`: why it may have such, or "".
    `is_partial`: other parts of it may stand elsewhere.
    """

    name: str
    qualified_name: str
    full_name: str
    kind: str
    path: str
    start_byte: int
    end_byte: int
    bases: tuple[TypeRef | None, ...] = ()
    parameters: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    is_open: bool = False
    is_abstract: bool = False
    doubt: str = ""
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Exports:
    """What a module gives to others: by exported name its own name, or the module and the name there; and stars."""

    own: Mapping[str, str] = field(default_factory=dict[str, str])
    passed_on: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    stars: tuple[str, ...] = ()
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """One file: its types in the order of the text, its imports, and what is declared outside of types.

    `scope`: its package or, of C#, the namespaces that it opens.
    """

    path: str
    language: str
    scope: tuple[str, ...]
    types: tuple[DeclaredType, ...]
    imports: tuple[Import, ...]
    values: Mapping[str, Member]
    exports: Exports = Exports()

    def types_around(self, byte_offset: int) -> list[DeclaredType]:
        """Return the types whose bodies hold the offset, the innermost first."""
        around = [each for each in self.types if each.start_byte <= byte_offset < each.end_byte]
        return sorted(around, key=lambda each: each.end_byte - each.start_byte)
