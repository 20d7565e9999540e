"""The names that can stand at a place of a Java, C#, TypeScript or JavaScript file.

What the text itself uses at the same receiver must be among them, else nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tree_sitter import Node

from codeassist_indexer.analysis.declared import expressions as ex
from codeassist_indexer.analysis.declared.bindings import local_binding
from codeassist_indexer.analysis.declared.creation import creatable_names
from codeassist_indexer.analysis.declared.csharp_libraries import library_doubt, unread_part_doubt, version_doubt
from codeassist_indexer.analysis.declared.declared_project import DeclaredProject, is_script
from codeassist_indexer.analysis.declared.half_written import PLACEHOLDER, HalfWritten, make_whole
from codeassist_indexer.analysis.declared.imports import importable_names
from codeassist_indexer.analysis.declared.inference import Inference, Known, Module
from codeassist_indexer.analysis.declared.members import Members, visible_names
from codeassist_indexer.analysis.declared.narrowing import is_narrowed
from codeassist_indexer.analysis.declared.syntax import text_of
from codeassist_indexer.analysis.declared.types import NULLABLE
from codeassist_indexer.analysis.text.lexer import code_only
from codeassist_indexer.analysis.text.name_query import Found
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.storage.store import Store

MAX_SOURCE_CHARS = 4_000_000
_FUNCTIONS = words(
    """method_declaration constructor_declaration compact_constructor_declaration function_declaration
    method_definition function_expression generator_function_declaration generator_function arrow_function
    lambda_expression local_function_statement accessor_declaration operator_declaration"""
)
_OWN_THIS = frozenset({"function_expression", "function_declaration", "generator_function", "object",
                       "generator_function_declaration"})  # fmt: skip
_TYPES = words(
    """class_declaration abstract_class_declaration class record_declaration struct_declaration
    interface_declaration enum_declaration"""
)


# Behind a nullable value `.` and `?.` stand before members of different types.
_ANY_DOT = r"\s*[?!]?(?:\.|::)"
_PLAIN_DOT = r"\s*!?\."
_QUESTIONED_DOT = r"\s*\?\."
_NAMEOF_CALL = re.compile(r"\bnameof\s*\([^()]*\)")
_NAMEOF = re.compile(r"\bnameof\s*\(\s*[\w.<>, ]*\Z")
# An interface's member that is implemented "explicitly" is declared by both names: `string INamed.Name => …`.
_EXPLICIT = words("this operator")
_DECLARING = words(
    """identifier generic_name qualified_name alias_qualified_name ERROR method_declaration property_declaration
    event_declaration indexer_declaration field_declaration variable_declaration explicit_interface_specifier"""
)
# A body whose bracket is gone is none: what stands in it stands right in what is around.
_DECLARED_IN = _TYPES | words(
    """declaration_list record_struct_declaration namespace_declaration file_scoped_namespace_declaration
    compilation_unit"""
)
_OF_NULLABLES = words("HasValue Value GetValueOrDefault Equals GetHashCode GetType ToString")


class AbstainError(Exception):
    """Why nothing is found, for people and for counting."""


def found_names(names: frozenset[str], doubt: str) -> Found:
    """Names that are sure where nothing lets doubt them."""
    if not names:
        return Found(None, "nothing")
    return Found(names, "index", strength="likely" if doubt else "sure", doubt=doubt)


class DeclaredNames:
    """Finds names in a repository's files of four languages."""

    def __init__(self, store: Store, root: Path) -> None:
        self._world = DeclaredProject(store, root)

    def find(self, language: str, path: str, kind: str, before: str, suffix: str) -> Found:
        """Return the names at the place between `before` and `suffix`, or why there are none."""
        if len(before) + len(suffix) > MAX_SOURCE_CHARS:
            return Found(None, "too long")
        finders: dict[str, Callable[[Inference, HalfWritten], tuple[frozenset[str], str]]] = {
            "member": self._members, "case": self._cases, "class": self._classes,
        }  # fmt: skip
        try:
            if kind == "import":
                names = importable_names(self._world, language, path, before, suffix)
                return found_names(names, "") if names else Found(None, "import not known")
            if kind not in finders:
                return Found(None, "no such place")
            half = make_whole(language, path, before, suffix)
            trees = [(half.root, half.offset), (half.file_root, half.file_offset)]
            inference = Inference(self._world, half.file, half.file_offset, trees)
            names, doubt = finders[kind](inference, half)
            return found_names(names, doubt)
        except AbstainError as why:
            return Found(None, str(why))

    def _members(self, inference: Inference, half: HalfWritten) -> tuple[frozenset[str], str]:
        """The names, and why there may be others."""
        target, target_node = _receiver(half)
        if isinstance(target, ex.This | ex.Super):
            _refuse_other_this(half)
        known = inference.of(target)
        text = _source_of(target_node)
        scope = _scope(half, target)
        if isinstance(known, Module):
            names = self._world.exported_names(known.path)
            if names is None:
                raise AbstainError("exports not known")
            return self._agreed(inference.file.language, frozenset(names), text, scope), ""
        if known is None:
            raise AbstainError("type not known")
        if known.name == NULLABLE and not known.parts:
            names = _OF_NULLABLES | self._world.extension_members()
            names = self._agreed(inference.file.language, names, text, scope, _PLAIN_DOT)
            return names, library_doubt(self._world, inference.file)
        if not known.parts:
            raise AbstainError("type of a library")
        members = inference.members(known)
        if members is None:
            raise AbstainError("base not known")
        is_csharp = inference.file.language == "csharp"
        is_named = is_csharp and _NAMEOF.search(half.before) is not None
        names = self._names_of(inference, known, members, is_named)
        declared = frozenset[str]()
        if is_csharp and known.side == "type" and known.parts[0].kind == "interface":
            declared = self._names_of(inference, known, members, True) | _EXPLICIT
            names |= declared if _is_declared_name(half.placeholder) else frozenset()
        if is_script(inference.file.language) and known.side == "object" and is_narrowed(self._world, text, scope):
            raise AbstainError("narrowed")
        doubt = members.doubt
        if is_script(inference.file.language) and any(self._world.is_augmented(part.name) for part in known.parts):
            doubt = doubt or "a module augmentation"
        if is_csharp and known.side == "object":
            doubt = doubt or library_doubt(self._world, inference.file)
        if is_csharp:
            doubt = doubt or version_doubt(self._world, inference.file, members.types)
            doubt = doubt or unread_part_doubt(self._world, members.types)
        dot = _QUESTIONED_DOT if isinstance(target, ex.Present) else _ANY_DOT
        self._agreed(inference.file.language, names | declared, text, scope, dot)
        return names, doubt

    def _names_of(self, inference: Inference, known: Known, members: Members, is_named: bool) -> frozenset[str]:
        language = inference.file.language
        names = visible_names(
            self._world,
            members,
            inference.file,
            inference.offset,
            behind_type=known.side == "type",
            is_own=known.is_own,
            allows_type=known.also_type or is_named,
        )
        if language == "csharp" and known.side == "object":
            names |= self._world.extension_members()
        if language == "csharp" and (known.side == "type" or known.also_type):
            names |= self._world.static_extensions()
        return names

    def _agreed(
        self, language: str, names: frozenset[str], text: str, scope: str, dot: str = _ANY_DOT
    ) -> frozenset[str]:
        """The names, if all that the text uses after the same receiver are among them."""
        pattern = rf"(?<![\w$.]){re.escape(text)}{dot}[ \t]*([^\W\d][\w$]*)"
        code = _NAMEOF_CALL.sub("", code_only(language, scope)) if language == "csharp" else code_only(language, scope)
        used = {match[1] for match in re.finditer(pattern, code)} - {PLACEHOLDER}
        if used - names:
            raise AbstainError("the text uses others")
        return names

    def _cases(self, inference: Inference, half: HalfWritten) -> tuple[frozenset[str], str]:
        if inference.file.language != "java":
            target, _ = _receiver(half)
            known = inference.of(target)
            is_type = isinstance(known, Known) and (known.side == "type" or known.also_type)
            if isinstance(known, Known) and is_type and known.parts and known.parts[0].kind == "enum":
                cases = {member.name for part in known.parts for member in part.members if member.is_static}
                return frozenset(cases), next((part.doubt for part in known.parts if part.doubt), "")
            return self._members(inference, half)
        node = half.placeholder
        while node is not None and node.type not in ("switch_expression", "switch_statement"):
            node = node.parent
        if node is None:
            raise AbstainError("no switch")
        known = inference.of(ex.expression(node.child_by_field_name("condition")))
        if not isinstance(known, Known) or not known.parts or known.parts[0].kind != "enum":
            raise AbstainError("no enum")
        constants = {member.name for member in known.parts[0].members if member.kind == "constant"}
        return frozenset(constants | {"null", known.parts[0].name}), known.parts[0].doubt

    def _classes(self, inference: Inference, half: HalfWritten) -> tuple[frozenset[str], str]:
        names = creatable_names(self._world, inference, half)
        if not names:
            raise AbstainError("any class")
        return names, "what is made may make the value"


def _receiver(half: HalfWritten) -> tuple[ex.Expression, Node]:
    """What stands in front of the dot at the place."""
    leaf = half.placeholder
    parent = leaf.parent if leaf is not None else None
    if leaf is None or parent is None:
        raise AbstainError("not parsed")
    if parent.type in ("generic_type", "type_arguments") and parent.parent is not None:
        parent = parent.parent
    if parent.type == "member_binding_expression" and parent.parent is not None:
        whole = ex.expression(parent.parent)
        target_node = parent.parent.child_by_field_name("condition")
        if isinstance(whole, ex.MemberOf) and target_node is not None:
            return whole.target, target_node
        raise AbstainError("receiver")
    if parent.type in ("scoped_type_identifier", "nested_type_identifier"):
        target_node = parent.children[0]
        return _dotted(text_of(target_node)), target_node
    if parent.type == "method_reference":
        return ex.expression(parent.children[0]), parent.children[0]
    if parent.type == "method_invocation":
        target_node = parent.child_by_field_name("object")
        if target_node is None or parent.child_by_field_name("name") != leaf:
            raise AbstainError("receiver")
        return ex.expression(target_node), target_node
    whole = ex.expression(parent)
    if isinstance(whole, ex.MemberOf) and whole.name == PLACEHOLDER:
        return whole.target, parent.children[0]
    dot = leaf.prev_sibling
    before = dot.prev_sibling if dot is not None else None
    if parent.type == "ERROR" and before is not None and text_of(dot) in (".", "?.", "::"):
        return ex.expression(before), before
    raise AbstainError("receiver")


def _dotted(text: str) -> ex.Expression:
    first, *rest = "".join(text.split()).split(".")
    result: ex.Expression = ex.Name(first)
    for part in rest:
        result = ex.MemberOf(result, part)
    return result


def _is_declared_name(node: Node | None) -> bool:
    """Whether a place is where a type's body declares a member, not within one."""
    while node is not None and node.type in _DECLARING:
        node = node.parent
    return node is not None and node.type in _DECLARED_IN


def _source_of(node: Node) -> str:
    return text_of(node)


def _scope(half: HalfWritten, target: ex.Expression) -> str:
    """The text in which the receiver means the same as here."""
    first = target
    while isinstance(first, ex.MemberOf | ex.Call | ex.Element | ex.Awaited | ex.Present):
        first = first.function if isinstance(first, ex.Call) else first.target
    wanted = _FUNCTIONS if isinstance(first, ex.Name) and _is_local(half, first.name) else None
    if isinstance(first, ex.This | ex.Super):
        wanted = _TYPES
    if wanted is None:
        return half.text
    node = half.placeholder
    while node is not None and (node.type not in wanted or (wanted is _FUNCTIONS and not _binds(node, half, first))):
        node = node.parent
    return text_of(node) if node is not None else half.text


def _is_local(half: HalfWritten, name: str) -> bool:
    return local_binding(half.root, half.offset, name) is not None


def _binds(node: Node, half: HalfWritten, first: ex.Expression) -> bool:
    return isinstance(first, ex.Name) and local_binding(node, half.offset, first.name) is not None


def _refuse_other_this(half: HalfWritten) -> None:
    """`this` in a plain function, an object or an anonymous class is something else than the class around."""
    node = half.placeholder
    while node is not None and node.type not in _TYPES:
        parent = node.parent
        if node.type in _OWN_THIS:
            raise AbstainError("another this")
        if node.type == "class_body" and parent is not None and parent.type in ("object_creation_expression",
                                                                                 "enum_constant"):  # fmt: skip
            raise AbstainError("another this")
        node = parent
