"""The types of expressions at a place of one file, from what is declared. None wherever anything is not known.

names.py hands it trees that were made whole: no half-written text comes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from codeassist_indexer.analysis.declared import expressions as ex
from codeassist_indexer.analysis.declared.bindings import is_rebound, local_binding
from codeassist_indexer.analysis.declared.declared_project import DeclaredProject, is_script
from codeassist_indexer.analysis.declared.members import Members, Owned, inherited, members_of
from codeassist_indexer.analysis.declared.syntax import local_types_around
from codeassist_indexer.analysis.declared.types import ARRAY, NULLABLE, DeclaredFile, DeclaredType, TypeRef

_MAX_DEPTH = 24
# Of the library's containers, which type argument an element is, and which one a method gives back.
_ELEMENTS = {"List": 0, "ArrayList": 0, "LinkedList": 0, "Set": 0, "HashSet": 0, "Collection": 0, "Iterable": 0,
             "IEnumerable": 0, "IList": 0, "ICollection": 0, "IReadOnlyList": 0, "IReadOnlyCollection": 0,
             "Array": 0, "ReadonlyArray": 0, "Queue": 0, "Deque": 0, "Stack": 0, "Vector": 0,
             "HashSet<>": 0, ARRAY: 0}  # fmt: skip
_INDEXED = {"List": 0, "IList": 0, "IReadOnlyList": 0, "Dictionary": 1, "IDictionary": 1, "Array": 0, ARRAY: 0}
_ELEMENTS_AT = _INDEXED | _ELEMENTS
_SCRIPT_ELEMENTS = {"Array": 0, "ReadonlyArray": 0, "Set": 0, "ReadonlySet": 0, "Iterable": 0, "IterableIterator": 0,
                    ARRAY: 0}  # fmt: skip
_GIVEN_BACK = {("List", "get"): 0, ("ArrayList", "get"): 0, ("LinkedList", "get"): 0, ("Map", "get"): 1,
               ("HashMap", "get"): 1, ("TreeMap", "get"): 1, ("ConcurrentHashMap", "get"): 1, ("Optional", "get"): 0,
               ("Optional", "orElse"): 0, ("Optional", "orElseThrow"): 0, ("Supplier", "get"): 0,
               ("AtomicReference", "get"): 0, (NULLABLE, "GetValueOrDefault"): 0}  # fmt: skip
_AWAITED = frozenset({"Task", "ValueTask", "Promise"})
_SAME_MEMBERS = frozenset({"Readonly", "Required", "Partial", "NonNullable"})

Side = Literal["object", "type"]


@dataclass(frozen=True, slots=True)
class Known:
    """A type: its parts in the repository (none for a library type) and the reference as it was written.

    `arguments` are types that are themselves resolved. `is_own`: `this` or `super`.
    """

    side: Side
    parts: tuple[DeclaredType, ...]
    name: str
    arguments: tuple[Known | None, ...] = ()
    is_own: bool = False
    also_type: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A module that is bound to a name as a whole."""

    path: str


class Inference:
    """Answers for one place: a file, the trees in which local names are looked up, and the offset in each of them."""

    def __init__(
        self, project: DeclaredProject, file: DeclaredFile, offset: int, trees: list[tuple[Node, int]]
    ) -> None:
        self.project = project
        self.file = file
        self.offset = offset
        self._trees = trees
        self._is_script = is_script(file.language)
        self._local_types = local_types_around(*trees[0]) if trees else frozenset[str]()

    def of(self, expression: ex.Expression, depth: int = 0) -> Known | Module | None:
        """Return what an expression is."""
        if depth > _MAX_DEPTH:
            return None
        match expression:
            case ex.Name(name):
                return self._name(name, depth)
            case ex.This(outer):
                return self._this(outer)
            case ex.Super():
                return self._super()
            case ex.MemberOf(target, name):
                return self._member(target, name, depth)
            case ex.Call(function, num_arguments):
                return self._call(function, num_arguments, depth)
            case ex.Typed(ref):
                return self.resolve(ref, self.file, self.offset)
            case ex.Element(target, is_indexed):
                elements = _ELEMENTS_AT if is_indexed else _ELEMENTS
                return _argument(self.of(target, depth + 1), _SCRIPT_ELEMENTS if self._is_script else elements)
            case ex.Awaited(target):
                known = self.of(target, depth + 1)
                if isinstance(known, Known) and not known.parts and known.name in _AWAITED:
                    return known.arguments[0] if known.arguments else None
                return known if isinstance(known, Known) and known.parts else None
            case ex.Present(target):
                known = self.of(target, depth + 1)
                is_nullable = isinstance(known, Known) and known.name == NULLABLE
                return known.arguments[0] if is_nullable and isinstance(known, Known) else known
            case ex.Unknown():
                return None

    def resolve(self, ref: TypeRef | None, file: DeclaredFile, offset: int) -> Known | None:
        """Return the object type that a reference means in `file`."""
        if ref is None:
            return None
        if self._is_script and ref.name in _SAME_MEMBERS and ref.arguments:
            return self.resolve(ref.arguments[0], file, offset)
        if ref.name == NULLABLE:
            inner = self.resolve(ref.arguments[0], file, offset)
            is_value = inner is not None and any(part.kind in ("struct", "enum") for part in inner.parts)
            return Known("object", (), NULLABLE, (inner,)) if is_value else inner
        parts = self.project.named(ref, file, offset)
        is_parameter = any(ref.name in each.parameters for each in file.types_around(offset))
        is_parameter = is_parameter or (offset == self.offset and ref.name in self._local_types)
        if is_parameter or (not parts and not ref.arguments):
            return None
        arguments = tuple(self.resolve(each, file, offset) for each in ref.arguments)
        return Known("object", tuple(parts), ref.name, arguments)

    def type_named(self, name: str) -> Known | None:
        """Return the type itself that a name means here."""
        parts = self.project.named(TypeRef(name), self.file, self.offset)
        return Known("type", tuple(parts), name) if parts else None

    def around(self) -> list[DeclaredType]:
        """The types around the place, the innermost first."""
        return self.file.types_around(self.offset)

    def members(self, known: Known) -> Members | None:
        """All members of a type of the repository, or None."""
        return members_of(self.project, known.parts, self.file) if known.parts else None

    def _name(self, name: str, depth: int) -> Known | Module | None:
        for root, offset in self._trees:
            binding = local_binding(root, offset, name)
            if binding is not None:
                if self.file.language == "javascript" and is_rebound(root, name):
                    return None
                known = self.of(binding.value, depth + 1)
                return known if not isinstance(known, Known) or known.side == "object" else None
        field = None if self._is_script else self._own_member(name, wants_method=False)
        if field is not None:
            return self._with_type(self._value_of(field), name)
        if self._is_script:
            return self._script_name(name)
        return self.type_named(name)

    def _with_type(self, known: Known | None, name: str) -> Known | None:
        """C#'s `Color Color`: a name may mean a value and, in front of a dot, its type as well."""
        if known is None or self.file.language != "csharp" or known.name != name:
            return known
        return Known(known.side, known.parts, known.name, known.arguments, also_type=True)

    def _script_name(self, name: str) -> Known | Module | None:
        value = self.file.values.get(name)
        if value is not None:
            is_any = self.file.language == "javascript" and any(is_rebound(root, name) for root, _ in self._trees)
            return self.resolve(value.type, self.file, 0) if value.kind == "field" and not is_any else None
        imported = next((each for each in self.file.imports if each.alias == name), None)
        if imported is None:
            return self._class_value(name)
        path = self.project.module_path(self.file, imported.module)
        if path is None:
            return None
        if imported.name in ("", "*"):
            return Module(path)
        found = self.project.exported(path, imported.name)
        return self._exported(found) if found is not None else None

    def _class_value(self, name: str) -> Known | None:
        known = self.type_named(name)
        if known is None or any(part.kind in ("interface", "alias") for part in known.parts):
            return None
        return known

    def _exported(self, found: tuple[str, str]) -> Known | None:
        path, name = found
        file = self.file if path == self.file.path else self.project.file(path)
        if file is None:
            return None
        parts = [each for each in file.types if each.name == name and each.kind not in ("interface", "alias")]
        if parts:
            return Known("type", tuple(parts), name)
        value = file.values.get(name)
        return self.resolve(value.type, file, 0) if value is not None and value.kind == "field" else None

    def _this(self, outer: str) -> Known | None:
        around = self.around()
        if outer:
            around = [each for each in around if each.name == outer]
        if not around:
            return None
        parts = self.project.named(TypeRef(around[0].name), self.file, self.offset) or [around[0]]
        if not any(each.full_name == around[0].full_name for each in parts):
            parts = [around[0]]
        return Known("object", tuple(parts), around[0].name, is_own=True)

    def _super(self) -> Known | None:
        around = self.around()
        bases = [base for base in around[0].bases if base is not None] if around else []
        if not bases:
            return None
        known = self.resolve(TypeRef(bases[0].name), self.file, around[0].start_byte - 1)
        if known is None or not known.parts or known.parts[0].kind == "interface":
            return None
        return Known("object", known.parts, known.name, is_own=True)

    def _member(self, target: ex.Expression, name: str, depth: int) -> Known | None:
        known = self.of(target, depth + 1)
        if isinstance(known, Module):
            found = self.project.exported(known.path, name)
            return self._exported(found) if found is not None else None
        if known is None:
            return self._qualified(ex.MemberOf(target, name))
        if not known.parts:
            return known.arguments[0] if (known.name, name) == (NULLABLE, "Value") else None
        if known.side == "type" or known.also_type:
            nested = self.project.named(TypeRef(f"{known.name}.{name}"), self.file, self.offset)
            if nested:
                return Known("type", tuple(nested), f"{known.name}.{name}")
            if self.file.language == "java" and name in ("class", "length"):
                return None
        owned = self._find(known, name, wants_method=False)
        if owned is None:
            return None
        if owned.member.kind == "constant":
            return Known("object", (owned.owner,), owned.owner.name)
        return self._value_of(owned, known)

    def _qualified(self, expression: ex.Expression) -> Known | None:
        """A type by its full name: `a.b.Type`."""
        parts: list[str] = []
        current = expression
        while isinstance(current, ex.MemberOf):
            parts.append(current.name)
            current = current.target
        if not isinstance(current, ex.Name) or self._is_script:
            return None
        parts.append(current.name)
        return self.type_named(".".join(reversed(parts)))

    def _call(self, function: ex.Expression, num_arguments: int, depth: int) -> Known | None:
        if isinstance(function, ex.Name):
            return self._call_by_name(function.name, num_arguments)
        if not isinstance(function, ex.MemberOf):
            return None
        known = self.of(function.target, depth + 1)
        if isinstance(known, Module):
            found = self.project.exported(known.path, function.name)
            return self._returned_by(found) if found is not None else None
        if known is None:
            return None
        if not known.parts:
            index = _GIVEN_BACK.get((known.name, function.name))
            return known.arguments[index] if index is not None and index < len(known.arguments) else None
        if function.name == "values" and known.side == "type" and known.parts[0].kind == "enum":
            return Known("object", (), ARRAY, (Known("object", known.parts, known.name),))
        if function.name == "valueOf" and known.side == "type" and known.parts[0].kind == "enum":
            return Known("object", known.parts, known.name)
        owned = self._find(known, function.name, wants_method=True, num_arguments=num_arguments)
        return self._value_of(owned, known) if owned is not None else None

    def _call_by_name(self, name: str, num_arguments: int) -> Known | None:
        if not self._is_script:
            owned = self._own_member(name, wants_method=True, num_arguments=num_arguments)
            return self._value_of(owned) if owned is not None else None
        for root, offset in self._trees:
            if local_binding(root, offset, name) is not None:
                return None
        if name in self.file.values:
            return self._returned_by((self.file.path, name))
        imported = next((each for each in self.file.imports if each.alias == name), None)
        path = self.project.module_path(self.file, imported.module) if imported is not None else None
        if imported is None or path is None or imported.name in ("", "*"):
            return None
        found = self.project.exported(path, imported.name)
        return self._returned_by(found) if found is not None else None

    def _returned_by(self, found: tuple[str, str]) -> Known | None:
        path, name = found
        file = self.file if path == self.file.path else self.project.file(path)
        value = file.values.get(name) if file is not None else None
        if file is None or value is None or value.kind != "method":
            return None
        return self.resolve(value.type, file, 0)

    def _own_member(self, name: str, wants_method: bool, num_arguments: int | None = None) -> Owned | None:
        """A member that a bare name means: of the innermost type around that has one."""
        for outer in self.around():
            parts = self.project.named(TypeRef(outer.name), self.file, self.offset)
            if not any(each.full_name == outer.full_name for each in parts):
                parts = [outer]
            found = inherited(self.project, parts, self.file, needs_all=False)
            owned = _pick(found, name, wants_method, num_arguments) if found is not None else None
            if owned is not None:
                return owned
            if found is not None and name in found.by_name and wants_method:
                return None
        return None

    def _find(self, known: Known, name: str, wants_method: bool, num_arguments: int | None = None) -> Owned | None:
        found = inherited(self.project, known.parts, self.file, needs_all=False)
        return _pick(found, name, wants_method, num_arguments) if found is not None else None

    def _value_of(self, owned: Owned, receiver: Known | None = None) -> Known | None:
        """The type of a field or what a method returns, read where it is declared."""
        owner, ref = owned.owner, owned.member.type
        if owned.member.kind == "constant":
            return Known("object", (owner,), owner.name)
        if ref is None:
            return None
        if ref.name in owner.parameters:
            index = owner.parameters.index(ref.name)
            is_owner = receiver is not None and any(part is owner for part in receiver.parts)
            return receiver.arguments[index] if receiver and is_owner and index < len(receiver.arguments) else None
        if ref.name == "this" and receiver is not None:
            return receiver
        file = self.file if owner.path == self.file.path else self.project.file(owner.path)
        return self.resolve(ref, file, owner.start_byte + 1) if file is not None else None


def _pick(members: Members, name: str, wants_method: bool, num_arguments: int | None) -> Owned | None:
    """The member of a name; of several methods those that take so many arguments, if they all return the same."""
    kinds = ("method",) if wants_method else ("field", "constant")
    fitting = [each for each in members.by_name.get(name, ()) if each.member.kind in kinds]
    if wants_method and len(fitting) > 1 and num_arguments is not None:
        by_count = [each for each in fitting if each.member.num_parameters in (None, num_arguments)]
        fitting = by_count or fitting
    if not fitting:
        return None
    nearest = [each for each in fitting if each.owner is fitting[0].owner] or fitting
    refs = {each.member.type for each in nearest}
    return nearest[0] if len(refs) == 1 else None


def _argument(known: Known | Module | None, indexes: dict[str, int]) -> Known | None:
    if not isinstance(known, Known) or known.parts:
        return None
    index = indexes.get(known.name)
    return known.arguments[index] if index is not None and index < len(known.arguments) else None
