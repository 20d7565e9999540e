"""Declared types of a Java file."""

from __future__ import annotations

from collections.abc import Iterator

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

TYPE_NODES = frozenset({"class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
                        "annotation_type_declaration"})  # fmt: skip
_BODIES = frozenset({"class_body", "interface_body", "enum_body", "annotation_type_body", "enum_body_declarations"})
_KINDS = {"class_declaration": "class", "interface_declaration": "interface", "enum_declaration": "enum",
          "record_declaration": "record", "annotation_type_declaration": "annotation"}  # fmt: skip
_READ_BY_LOMBOK = frozenset({"Data", "Getter", "Value"})
_WRITTEN_BY_LOMBOK = frozenset({"Data", "Setter"})
_BUILT_BY_LOMBOK = frozenset({"Builder", "SuperBuilder"})
_LOGGED_BY_LOMBOK = frozenset({"Slf4j", "Log", "Log4j", "Log4j2", "CommonsLog", "JBossLog", "Flogger", "XSlf4j"})
_OPENED_BY_LOMBOK = frozenset(
    {"Delegate", "Accessors", "ExtensionMethod", "FieldNameConstants", "UtilityClass", "With"}
)
# Annotations whose processors write members into the class itself.
_OPENING = _OPENED_BY_LOMBOK | {"Immutable", "AutoMatter"}


def read_file(root: Node, path: str, language: str, imports: tuple[Import, ...]) -> DeclaredFile:
    """What a file declares, of its tree's root and its imports."""
    return DeclaredFile(path, language, scope_of(root), tuple(read_types(root, path)), imports, {})


def scope_of(root: Node) -> tuple[str, ...]:
    """The file's package."""
    for child in root.children:
        if child.type == "package_declaration":
            names = children_of(child, "scoped_identifier", "identifier")
            return ("".join(text_of(names[-1]).split()),) if names else ()
    return ()


def read_types(root: Node, path: str) -> Iterator[DeclaredType]:
    """All types, an outer one before those in it."""
    scope = scope_of(root)
    yield from _types_in(root, path, "", scope[0] + "." if scope else "")


def _types_in(node: Node, path: str, outer: str, package: str) -> Iterator[DeclaredType]:
    for child in node.named_children:
        if child.type in TYPE_NODES:
            name = name_of(child)
            qualified = f"{outer}{name}"
            yield _read(child, path, name, qualified, f"{package}{qualified}")
            body = child.child_by_field_name("body")
            if body is not None:
                yield from _types_in(body, path, f"{qualified}.", package)
        elif child.type in ("enum_body_declarations", "ERROR"):
            yield from _types_in(child, path, outer, package)


def _read(node: Node, path: str, name: str, qualified: str, full: str) -> DeclaredType:
    kind = _KINDS[node.type]
    annotations = _annotations(node)
    body = node.child_by_field_name("body")
    members = list(_members(body, kind)) if body is not None else []
    if kind == "record":
        members += _components(node)
    members += _generated(body, annotations)
    bases: list[TypeRef | None] = []
    for clause in children_of(node, "superclass", "super_interfaces", "extends_interfaces"):
        for part in clause.named_children:
            bases += [type_ref(each) for each in part.named_children] if part.type == "type_list" else [type_ref(part)]
    on_fields = {name for child in children_of(body, "field_declaration") for name in _annotations(child)}
    is_open = bool((annotations | on_fields) & _OPENING) or node.type == "annotation_type_declaration"
    is_abstract = kind == "interface" or "abstract" in _modifiers(node)
    return DeclaredType(
        name, qualified, full, kind, path, node.start_byte, node.end_byte, tuple(bases), type_parameters(node),
        tuple(members), is_open, is_abstract, "" if is_read_whole(node) else UNREAD,
    )  # fmt: skip


def _components(record: Node) -> Iterator[Member]:
    """What a record's head declares: fields, and methods that return them. The last one may be variadic."""
    for parameter in children_of(record.child_by_field_name("parameters"), "formal_parameter", "spread_parameter"):
        declarator = next(iter(children_of(parameter, "variable_declarator")), None)
        name = name_of(declarator if declarator is not None else parameter)
        ref = type_ref(parameter.child_by_field_name("type")) if declarator is None else None
        yield Member(name, "field", ref, "private")
        yield Member(name, "method", ref, num_parameters=0)


def _members(body: Node, kind: str) -> Iterator[Member]:
    for child in body.named_children:
        if child.type in TYPE_NODES:
            is_static = child.type != "class_declaration" or "static" in _modifiers(child)
            yield Member(name_of(child), "type", TypeRef(name_of(child)), _access(child, kind), is_static)
        elif child.type == "enum_constant":
            yield Member(name_of(child), "constant", None, "public", True)
        elif child.type in ("field_declaration", "constant_declaration"):
            is_static = child.type == "constant_declaration" or "static" in _modifiers(child)
            ref = type_ref(child.child_by_field_name("type"))
            for declarator in child.children_by_field_name("declarator"):
                is_array = declarator.child_by_field_name("dimensions") is not None
                yield Member(name_of(declarator), "field", None if is_array else ref, _access(child, kind), is_static)
        elif child.type in ("method_declaration", "annotation_type_element_declaration"):
            parameters = child.child_by_field_name("parameters")
            count = len(children_of(parameters, "formal_parameter")) if parameters is not None else 0
            is_variadic = bool(children_of(parameters, "spread_parameter"))
            own = type_parameters(child)
            ref = type_ref(child.child_by_field_name("type"))
            ref = None if ref is not None and ref.name in own else ref
            is_static = "static" in _modifiers(child)
            access = _access(child, kind)
            yield Member(name_of(child), "method", ref, access, is_static, None if is_variadic else count)
        elif child.type == "enum_body_declarations":
            yield from _members(child, kind)


def _access(node: Node, kind: str) -> Access:
    modifiers = _modifiers(node)
    if "private" in modifiers:
        return "private"
    if "protected" in modifiers:
        return "protected"
    return "public" if "public" in modifiers or kind in ("interface", "annotation") else "package"


def _modifiers(node: Node) -> set[str]:
    clause = next((child for child in node.children if child.type == "modifiers"), None)
    return {child.type for child in clause.children} if clause is not None else set()


def _annotations(node: Node) -> set[str]:
    clause = next((child for child in node.children if child.type == "modifiers"), None)
    return {name_of(child).rpartition(".")[2] for child in children_of(clause, "marker_annotation", "annotation")}


def _generated(body: Node | None, annotations: set[str]) -> Iterator[Member]:
    """What Lombok writes for the annotations of a class and its fields."""
    for child in children_of(body, "field_declaration"):
        own = annotations | _annotations(child)
        ref = type_ref(child.child_by_field_name("type"))
        for declarator in child.children_by_field_name("declarator"):
            name = name_of(declarator)
            stem = name[2:] if name.startswith("is") and name[2:3].isupper() else name
            for capital in {name[:1].upper() + name[1:], stem[:1].upper() + stem[1:]}:
                if own & _READ_BY_LOMBOK:
                    yield Member(f"get{capital}", "method", ref, num_parameters=0)
                    yield Member(f"is{capital}", "method", ref, num_parameters=0)
                if own & _WRITTEN_BY_LOMBOK:
                    yield Member(f"set{capital}", "method", None, num_parameters=1)
    if annotations & _BUILT_BY_LOMBOK:
        yield Member("builder", "method", None, is_static=True)
        yield Member("toBuilder", "method", None)
    if annotations & _LOGGED_BY_LOMBOK:
        yield Member("log", "field", None, "private", True)
    if annotations & {"AllArgsConstructor", "NoArgsConstructor", "RequiredArgsConstructor", "Data", "Value"}:
        yield Member("of", "method", None, is_static=True)
