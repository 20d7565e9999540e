"""Declared types of a C# file.

Parts of a partial class are types of their own, which the project joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.analysis.declared.syntax import (
    children_of,
    is_read_whole,
    name_of,
    text_of,
    type_parameters,
    type_ref,
)
from codeassist_indexer.analysis.declared.types import UNREAD, Access, DeclaredFile, DeclaredType, Member, TypeRef
from codeassist_indexer.languages.forms.parsed import Import

TYPE_NODES = frozenset({"class_declaration", "record_declaration", "struct_declaration", "interface_declaration",
                        "enum_declaration", "record_struct_declaration"})  # fmt: skip
_KINDS = {"class_declaration": "class", "record_declaration": "record", "struct_declaration": "struct",
          "interface_declaration": "interface", "enum_declaration": "enum",
          "record_struct_declaration": "struct"}  # fmt: skip
# Attributes for which a source generator writes members: CommunityToolkit, ReactiveUI, Roslyn's own examples.
_GENERATING = ("Observable", "RelayCommand", "Reactive", "AutoNotify", "Generated", "INotify")


def read_file(root: Node, path: str, language: str, imports: tuple[Import, ...]) -> DeclaredFile:
    """What a file declares, of its tree's root and its imports."""
    return DeclaredFile(path, language, scope_of(root), tuple(read_types(root, path)), imports, {})


def scope_of(root: Node) -> tuple[str, ...]:
    """The namespaces that the file opens, with those around them."""
    names: list[str] = []
    for full, _ in _namespaces(root, ""):
        parts = full.split(".")
        names += [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return tuple(dict.fromkeys(name for name in names if name))


def read_types(root: Node, path: str) -> Iterator[DeclaredType]:
    """All types, an outer one before those in it."""
    for namespace, node in _namespaces(root, ""):
        yield from _types_in(node, path, "", namespace + "." if namespace else "")


def _namespaces(node: Node, outer: str) -> Iterator[tuple[str, Node]]:
    """Namespaces with the nodes whose children stand in them."""
    name = outer
    for child in node.named_children:
        if child.type == "file_scoped_namespace_declaration":
            name = _dotted(outer, text_of(child.child_by_field_name("name")))
            yield name, child
        elif child.type == "namespace_declaration":
            body = child.child_by_field_name("body")
            if body is not None:
                yield from _namespaces(body, _dotted(outer, text_of(child.child_by_field_name("name"))))
    yield name, node


def _dotted(outer: str, name: str) -> str:
    compact = "".join(name.split())
    return f"{outer}.{compact}" if outer else compact


def _types_in(node: Node, path: str, outer: str, namespace: str) -> Iterator[DeclaredType]:
    for child in node.named_children:
        if child.type in TYPE_NODES:
            name = name_of(child)
            qualified = f"{outer}{name}"
            yield _read(child, path, name, qualified, f"{namespace}{qualified}")
            body = child.child_by_field_name("body")
            if body is not None:
                yield from _types_in(body, path, f"{qualified}.", namespace)
        elif child.type in ("ERROR", "preproc_if", "preproc_else", "preproc_elif", "preproc_region"):
            yield from _types_in(child, path, outer, namespace)


def _read(node: Node, path: str, name: str, qualified: str, full: str) -> DeclaredType:
    kind = "struct" if any(child.type == "struct" for child in node.children) else _KINDS[node.type]
    body = node.child_by_field_name("body")
    members = list(_members(body, kind)) if body is not None else []
    if "static" in _modifiers(node):  # what it says of an extension block, too, is called by the class's name
        members = [replace(member, is_static=True) for member in members]
    parameters = next((child for child in node.named_children if child.type == "parameter_list"), None)
    if any(child.type == "record" for child in node.children):
        for parameter in children_of(parameters, "parameter"):
            members.append(Member(name_of(parameter), "field", type_ref(parameter.child_by_field_name("type"))))
    bases: list[TypeRef | None] = []
    for clause in children_of(node, "base_list"):
        for part in clause.named_children:
            if part.type == "primary_constructor_base_type":
                part = part.named_children[0]
            if part.type != "argument_list":
                bases.append(type_ref(part))
    if kind == "enum":
        bases = []
    is_open = _is_generated(node) or any(_is_generated(child) for child in (body.named_children if body else ()))
    is_abstract = kind == "interface" or "abstract" in _modifiers(node)
    return DeclaredType(
        name, qualified, full, kind, path, node.start_byte, node.end_byte, tuple(bases), type_parameters(node),
        tuple(members), is_open, is_abstract, "" if is_read_whole(node) else UNREAD, "partial" in _modifiers(node),
    )  # fmt: skip


def _is_generated(node: Node) -> bool:
    return any(any(word in text_of(child) for word in _GENERATING) for child in children_of(node, "attribute_list"))


def _members(body: Node, kind: str) -> Iterator[Member]:
    for child in body.named_children:
        modifiers = _modifiers(child)
        access = _access(modifiers, kind)
        is_static = bool(modifiers & {"static", "const"})
        match child.type:
            case "enum_member_declaration":
                yield Member(name_of(child), "constant", None, "public", True)
            case "field_declaration" | "event_field_declaration":
                declaration = next(iter(children_of(child, "variable_declaration")), None)
                ref = type_ref(declaration.child_by_field_name("type")) if declaration is not None else None
                for declarator in children_of(declaration, "variable_declarator"):
                    yield Member(name_of(declarator), "field", ref, access, is_static)
            case "property_declaration" | "event_declaration":
                yield Member(name_of(child), "field", type_ref(child.child_by_field_name("type")), access, is_static)
            case "method_declaration":
                ref = type_ref(child.child_by_field_name("returns"))
                ref = None if ref is not None and ref.name in type_parameters(child) else ref
                if child.child_by_field_name("explicit_interface_specifier") is None and not children_of(
                    child, "explicit_interface_specifier"
                ):
                    count = len(children_of(child.child_by_field_name("parameters"), "parameter"))
                    yield Member(name_of(child), "method", ref, access, is_static, count)
            case "delegate_declaration":
                yield Member(name_of(child), "type", None, access, True)
            case kind_name if kind_name in TYPE_NODES:
                yield Member(name_of(child), "type", TypeRef(name_of(child)), access, True)
            case "preproc_if" | "preproc_else" | "preproc_elif" | "ERROR":
                yield from _members(child, kind)
            case _:
                pass


def _access(modifiers: set[str], kind: str) -> Access:
    if "private" in modifiers and "protected" not in modifiers:
        return "private"
    if "protected" in modifiers and "internal" not in modifiers:  # with it, all of the assembly may
        return "protected"
    return "public" if modifiers & {"public", "internal"} or kind in ("interface", "enum") else "private"


def _modifiers(node: Node) -> set[str]:
    return {text_of(child) for child in node.children if child.type == "modifier"}
