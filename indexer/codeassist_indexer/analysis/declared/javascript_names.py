"""Declared types, values and exports of a TypeScript or JavaScript file.

What is not written as a type is known only where a value says it (`new T()`, `x as T`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from codeassist_indexer.analysis.declared.javascript_additions import with_additions
from codeassist_indexer.analysis.declared.syntax import (
    children_of,
    is_read_whole,
    name_of,
    text_of,
    type_parameters,
    type_ref,
)
from codeassist_indexer.analysis.declared.types import (
    UNREAD,
    Access,
    DeclaredFile,
    DeclaredType,
    Exports,
    Member,
    TypeRef,
)
from codeassist_indexer.languages.forms.parsed import Import

TYPE_NODES = frozenset({"class_declaration", "abstract_class_declaration", "interface_declaration",
                        "enum_declaration", "type_alias_declaration", "class"})  # fmt: skip
_FUNCTIONS = frozenset({"function_declaration", "generator_function_declaration", "function_signature"})
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration"})
_OPEN_SIGNATURES = frozenset({"index_signature", "call_signature", "construct_signature"})


def read_file(root: Node, path: str, language: str, imports: tuple[Import, ...]) -> DeclaredFile:
    """What a file declares, of its tree's root and its imports."""
    types = read_types(root, path)
    if language == "javascript":
        types = with_additions(root, types)
    return DeclaredFile(path, language, (), tuple(types), imports, read_values(root), read_exports(root))


def read_types(root: Node, path: str) -> Iterator[DeclaredType]:
    """The types and namespaces on the file's own level."""
    for node, name in _declared(root):
        if node.type in TYPE_NODES:
            yield _read(node, name, path)
        elif node.type == "internal_module":
            yield _namespace(node, name, path)
        elif node.type in _DECLARATIONS:
            for declarator in children_of(node, "variable_declarator"):
                value = declarator.child_by_field_name("value")
                if value is not None and value.type == "class":
                    yield _read(value, name_of(declarator), path)


def _namespace(node: Node, name: str, path: str) -> DeclaredType:
    """A namespace as a type whose static members it exports. An ambient one exports all that it declares."""
    body = node.child_by_field_name("body")
    is_ambient = node.parent is not None and node.parent.type == "ambient_declaration"
    names: dict[str, None] = {}
    is_open = not is_read_whole(node) or name != name_of(node)
    for child in body.named_children if body is not None else ():
        if child.type == "export_statement":
            exported = _exported_declarations(child)
            names |= dict.fromkeys(exported)
            is_open = is_open or not exported
        elif is_ambient and name_of(child):
            names[name_of(child)] = None
        elif is_ambient:
            is_open = True
    members = tuple(Member(each, "field", is_static=True) for each in names)
    return DeclaredType(
        name, name, name, "namespace", path, node.start_byte, node.end_byte, members=members, is_open=is_open
    )


def read_values(root: Node) -> dict[str, Member]:
    """The functions and variables on the file's own level. Classes are no values here."""
    values: dict[str, Member] = {}
    for node, name in _declared(root):
        if node.type in _FUNCTIONS:
            ref = returned_type(node)
            if name in values and values[name].type != ref:  # overloads return different types
                ref = None
            values[name] = Member(name, "method", ref, is_static=True)
        elif node.type in _DECLARATIONS:
            for declarator in children_of(node, "variable_declarator"):
                for member in _variable(declarator):
                    values[member.name] = member
    return values


def read_exports(root: Node) -> Exports:
    """What the file exports. CommonJS files export what they like at any time: they are not known."""
    own: dict[str, str] = {}
    passed_on: dict[str, tuple[str, str]] = {}
    stars: list[str] = []
    num_exports = 0
    is_known = is_read_whole(root)
    for node in children_of(root, "export_statement"):
        num_exports += 1
        source = node.child_by_field_name("source")
        module = text_of(source).strip("\"'`") if source is not None else None
        clause = next(iter(children_of(node, "export_clause", "namespace_export")), None)
        if clause is not None and clause.type == "export_clause":
            for specifier in children_of(clause, "export_specifier"):
                name = name_of(specifier)
                exported = text_of(specifier.child_by_field_name("alias")) or name
                if module is None:
                    own[exported] = name
                else:
                    passed_on[exported] = (module, name)
        elif clause is not None:
            own[text_of(clause.named_children[-1])] = ""
        elif module is not None:
            stars.append(module)
        else:
            declared = _exported_declarations(node)
            is_known = is_known and bool(declared)  # `export = x`, `export import a = b`
            own.update(declared)
    return Exports(own, passed_on, tuple(stars), is_known=is_known and num_exports > 0)


def value_type(value: Node | None) -> TypeRef | None:
    """The type that an expression says by itself: `new T()`, `x as T`, `<T>x`, `await new T()`."""
    while value is not None and value.type in (
        "parenthesized_expression",
        "non_null_expression",
        "satisfies_expression",
    ):
        value = value.named_children[0] if value.named_children else None
    if value is None:
        return None
    if value.type == "new_expression":
        return type_ref(value.child_by_field_name("constructor"))
    if value.type == "as_expression" and len(value.named_children) == 2:
        return type_ref(value.named_children[1])
    return None


def returned_type(function: Node) -> TypeRef | None:
    """What a function declares to return; nothing where that is one of its own type parameters."""
    ref = type_ref(function.child_by_field_name("return_type"))
    return None if ref is not None and ref.name in type_parameters(function) else ref


def _declared(root: Node) -> Iterator[tuple[Node, str]]:
    """The declarations on the file's own level, with their names; a default export without a name is `default`."""
    for child in root.named_children:
        if child.type == "export_statement":
            inner = child.child_by_field_name("declaration") or child.child_by_field_name("value")
            if inner is not None and inner.type == "ambient_declaration" and inner.named_children:
                inner = inner.named_children[0]
            if inner is not None:
                yield inner, name_of(inner).partition(".")[0] or "default"
        elif (child.type == "ambient_declaration" and child.named_children) or (
            child.type == "expression_statement" and children_of(child, "internal_module")
        ):
            yield child.named_children[0], name_of(child.named_children[0]).partition(".")[0]
        elif child.type == "ERROR":
            yield from _declared(child)
        else:
            yield child, name_of(child)


def _exported_declarations(node: Node) -> dict[str, str]:
    is_default = any(child.type == "default" for child in node.children)
    inner = node.child_by_field_name("declaration") or node.child_by_field_name("value")
    if inner is None:
        return {}
    if inner.type == "ambient_declaration" and inner.named_children:
        inner = inner.named_children[0]
    if is_default:
        return {"default": text_of(inner) if inner.type == "identifier" else name_of(inner) or "default"}
    if inner.type in _DECLARATIONS:
        names: list[str] = []
        for declarator in children_of(inner, "variable_declarator"):
            names += _pattern_names(declarator.child_by_field_name("name"))
        return {name: name for name in names}
    name = name_of(inner).partition(".")[0]  # of `namespace A.B`, A is exported
    return {name: name} if name else {}


def _pattern_names(pattern: Node | None) -> list[str]:
    if pattern is None:
        return []
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        return [text_of(pattern)]
    if pattern.type == "pair_pattern":
        return _pattern_names(pattern.child_by_field_name("value"))
    return [name for child in pattern.named_children for name in _pattern_names(child)]


def _variable(declarator: Node) -> Iterator[Member]:
    name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
    if name is None or name.type != "identifier":
        for each in _pattern_names(name):
            yield Member(each, "field")
        return
    annotation = declarator.child_by_field_name("type")
    if annotation is None and value is not None and value.type in _FUNCTION_VALUES:
        yield Member(text_of(name), "method", returned_type(value))
        return
    ref = type_ref(annotation) if annotation is not None else value_type(value)
    yield Member(text_of(name), "field", ref)


def _read(node: Node, name: str, path: str) -> DeclaredType:
    match node.type:
        case "enum_declaration":
            members = list(_constants(node))
            kind = "enum"
        case "interface_declaration":
            members = list(_signatures(node.child_by_field_name("body")))
            kind = "interface"
        case "type_alias_declaration":
            members = list(_signatures(node.child_by_field_name("value")))
            kind = "alias"
        case _:
            members = list(_class_members(node))
            kind = "class"
    bases: list[TypeRef | None] = []
    is_open = False
    for clause in _heritage(node):
        for part in clause.named_children:
            if part.type in ("identifier", "member_expression", "type_identifier", "generic_type",
                             "nested_type_identifier"):  # fmt: skip
                bases.append(type_ref(part))
            elif part.type != "type_arguments":
                bases.append(None)
    if kind == "alias":
        value = node.child_by_field_name("value")
        if value is not None and value.type != "object_type":
            ref = type_ref(value)
            bases = [ref]
            is_open = ref is None
    body = node.child_by_field_name("body") or node.child_by_field_name("value")
    if body is not None and any(child.type in _OPEN_SIGNATURES for child in body.named_children):
        is_open = True
    return DeclaredType(
        name, name, name, kind, path, node.start_byte, node.end_byte, tuple(bases), type_parameters(node),
        tuple(members), is_open, doubt="" if is_read_whole(node) else UNREAD,
    )  # fmt: skip


def _heritage(node: Node) -> list[Node]:
    clauses: list[Node] = list(children_of(node, "extends_type_clause"))
    for heritage in children_of(node, "class_heritage"):
        inner = children_of(heritage, "extends_clause")  # what is implemented adds no members
        clauses += inner if inner or children_of(heritage, "implements_clause") else [heritage]
    return clauses


def _constants(node: Node) -> Iterator[Member]:
    body = node.child_by_field_name("body")
    for child in body.named_children if body is not None else ():
        name = text_of(child) if child.type == "property_identifier" else name_of(child)
        if child.type in ("property_identifier", "enum_assignment"):
            yield Member(name.strip("\"'"), "constant", None, "public", True)


def _signatures(body: Node | None) -> Iterator[Member]:
    for child in body.named_children if body is not None else ():
        if child.type == "property_signature":
            yield Member(name_of(child).strip("\"'"), "field", type_ref(child.child_by_field_name("type")))
        elif child.type == "method_signature":
            yield Member(name_of(child).strip("\"'"), "method", returned_type(child))


def _class_members(node: Node) -> Iterator[Member]:
    body = node.child_by_field_name("body")
    declared: set[str] = set()
    for child in body.named_children if body is not None else ():
        name_node = child.child_by_field_name("name") or child.child_by_field_name("property")
        name = text_of(name_node).strip("\"'")
        is_static = any(part.type == "static" for part in child.children)
        access = _access(child, name)
        if name_node is not None and name_node.type == "computed_property_name":
            continue
        if child.type in ("public_field_definition", "field_definition"):
            annotation, value = child.child_by_field_name("type"), child.child_by_field_name("value")
            declared.add(name)
            if annotation is None and value is not None and value.type in _FUNCTION_VALUES:
                yield Member(name, "method", returned_type(value), access, is_static)
            else:
                yield Member(
                    name, "field", type_ref(annotation) if annotation is not None else value_type(value), access,
                    is_static,
                )  # fmt: skip
        elif child.type in ("method_definition", "method_signature", "abstract_method_signature"):
            is_accessor = any(part.type in ("get", "set") for part in child.children)
            declared.add(name)
            ref = returned_type(child)
            yield Member(name, "field" if is_accessor else "method", ref, access, is_static)
            if name == "constructor":
                yield from _parameter_properties(child)
    for name, value in assigned(body):
        if name not in declared:
            yield Member(name, "field", value_type(value))


def _parameter_properties(constructor: Node) -> Iterator[Member]:
    for parameter in children_of(constructor.child_by_field_name("parameters"), "required_parameter",
                                 "optional_parameter"):  # fmt: skip
        if any(part.type in ("accessibility_modifier", "readonly", "override_modifier") for part in parameter.children):
            name = text_of(parameter.child_by_field_name("pattern"))
            yield Member(name, "field", type_ref(parameter.child_by_field_name("type")), _access(parameter, name))


def _access(node: Node, name: str) -> Access:
    modifier = next((text_of(child) for child in node.children if child.type == "accessibility_modifier"), "")
    if modifier == "private" or name.startswith("#"):
        return "private"
    return "protected" if modifier == "protected" else "public"


def assigned(body: Node | None) -> Iterator[tuple[str, Node | None]]:
    """`this.x = ...` anywhere in a class."""
    pending = [body] if body is not None else []
    while pending:
        node = pending.pop()
        if node.type == "assignment_expression":
            left = node.child_by_field_name("left")
            if left is not None and left.type == "member_expression":
                target = left.child_by_field_name("object")
                if target is not None and target.type == "this":
                    yield text_of(left.child_by_field_name("property")), node.child_by_field_name("right")
        pending += node.named_children
