"""All members of a type: its own, inherited ones, and those that the language gives to every type.

Where a base is not the repository's, nobody can name all members: no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject, is_script, rules_of
from codeassist_indexer.analysis.declared.types import DeclaredFile, DeclaredType, Member, TypeRef

_MAX_TYPES = 60


@dataclass(frozen=True, slots=True)
class Owned:
    """A member with the type that declares it, and the file that its type's name is to be read in."""

    member: Member
    owner: DeclaredType


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a type by name. `extra`: names of the language's own, of which nothing more is known."""

    by_name: dict[str, list[Owned]]
    extra: frozenset[str]
    types: tuple[DeclaredType, ...]

    @property
    def doubt(self) -> str:
        """Why there may be others; "" where nothing says so."""
        for each in self.types:
            if each.doubt:
                return each.doubt
        parts = Counter(each.full_name for each in self.types if each.is_partial)
        return "a part that is written elsewhere" if 1 in parts.values() else ""


def members_of(project: DeclaredProject, parts: Iterable[DeclaredType], here: DeclaredFile) -> Members | None:
    """Return the members of a type (all its parts) and its bases, or None where a base is not known."""
    found = inherited(project, parts, here)
    return found if found is not None and not any(each.is_open for each in found.types) else None


def inherited(
    project: DeclaredProject, parts: Iterable[DeclaredType], here: DeclaredFile, needs_all: bool = True
) -> Members | None:
    """Return the members of a type and of its bases; with `needs_all`, None where one of these is not known."""
    given = rules_of(here.language).members
    pending = list(parts)
    seen: set[tuple[str, int]] = set()
    types: list[DeclaredType] = []
    by_name: dict[str, list[Owned]] = {}
    extra: set[str] = set()
    while pending:
        current = pending.pop(0)
        if (current.path, current.start_byte) in seen:
            continue
        seen.add((current.path, current.start_byte))
        types.append(current)
        if len(types) > _MAX_TYPES:
            return None
        for member in current.members:
            by_name.setdefault(member.name, []).append(Owned(member, current))
        extra.update(given.of_kinds.get(current.kind, ()))
        file = here if current.path == here.path else project.file(current.path)
        if file is None:
            return None
        for base in current.bases:
            bases = _base(project, base, file, current)
            if bases:
                pending += bases
            elif base is not None and base.name in given.known_bases:
                extra.update(given.known_bases[base.name])
            elif needs_all:
                return None
    return Members(by_name, frozenset(extra), tuple(types))


def _base(
    project: DeclaredProject, base: TypeRef | None, file: DeclaredFile, current: DeclaredType
) -> list[DeclaredType]:
    if base is None or base.name in current.parameters:
        return []
    if base.name == current.name and is_script(file.language):
        return []
    found = project.named(
        base, file, current.start_byte - 1 if "." not in current.qualified_name else current.start_byte
    )
    return [each for each in found if each is not current and each.full_name != current.full_name]


def visible_names(
    project: DeclaredProject,
    members: Members,
    here: DeclaredFile,
    byte_offset: int,
    behind_type: bool,
    is_own: bool,
    allows_type: bool = False,
) -> frozenset[str]:
    """Return the names that can stand after a receiver.

    `behind_type`: the receiver is the type itself. `is_own`: it is `this` or `super`. `allows_type`: both are possible.
    """
    rules = rules_of(here.language)
    family, given = rules.family, rules.members
    around = here.types_around(byte_offset)
    own_types = {each.full_name for each in around}
    above = inherited(project, around, here, needs_all=False)
    own_and_above = {each.full_name for each in above.types} if above is not None else own_types
    own_roots = {_root(each) for each in here.types_around(byte_offset)}
    names: set[str] = set()
    for name, owned in members.by_name.items():
        for each in owned:
            fits = allows_type or _fits(family, each.member, behind_type)
            if fits and _is_accessible(family, each, here, own_types, own_roots, own_and_above):
                names.add(name)
                break
    names |= members.extra
    names |= given.of_objects if not behind_type or allows_type else given.of_types
    if is_own:
        names |= given.of_own_objects
    if allows_type:
        names |= given.of_types
    return frozenset(names)


def _fits(family: str, member: Member, behind_type: bool) -> bool:
    if family == "java":  # an object reaches static members as well, and `Type::method` instance methods
        return True
    return member.is_static if behind_type else not member.is_static and member.kind not in ("type", "constant")


def _is_accessible(
    family: str, owned: Owned, here: DeclaredFile, own_types: set[str], own_roots: set[str], own_and_above: set[str]
) -> bool:
    access, owner = owned.member.access, owned.owner
    if access == "public":
        return True
    if access == "private":  # in Java all types within one on the file's own level share it
        return owner.full_name in own_types or (family == "java" and _root(owner) in own_roots)
    if family == "java":
        package = owner.full_name.removesuffix(f".{owner.qualified_name}")
        if (here.scope and here.scope[0] == package) or (not here.scope and owner.full_name == owner.qualified_name):
            return True
    return access == "protected" and owner.full_name in own_and_above


def _root(each: DeclaredType) -> str:
    package = each.full_name.removesuffix(each.qualified_name)
    return package + each.qualified_name.partition(".")[0]
