"""Scala, 2 and 3.

Definitions know no implicits; an object and the class of its name are two symbols.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, dotted, leaf_by_name, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, line_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, declared_imports
from codeassist_indexer.languages.forms.jvm_packages import files_of_library, is_visible, package_of
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import bare_name, head_start_byte, node_text, one_line
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec, LibraryImports

_NAMES = ("identifier", "operator_identifier")


def _head(node: Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    return one_line(source, head_start_byte(node), body.start_byte if body is not None else node.end_byte)


def _package(node: Node, source: bytes) -> list[Named]:
    """`package a.b` holds to the end of the file, also for a second one, which is inside it."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    reach_byte = len(source) if node.child_by_field_name("body") is None else None
    return [Named(dotted(node_text(name, source)), encloses=True, reach_byte=reach_byte, head=_head(node, source))]


def _type(node: Node, source: bytes) -> list[Named]:
    name, extended = node.child_by_field_name("name"), node.child_by_field_name("extend")
    if name is None:
        return []
    types = extended.children_by_field_name("type") if extended is not None else []
    bases = tuple(bare_name(node_text(each, source)) for each in types if each.is_named)
    return [Named(node_text(name, source), encloses=True, head=_head(node, source), bases=bases)]


def _case(node: Node, source: bytes) -> list[Named]:
    """`case A, B(c: Int)` of an enum."""
    return [replace(each, head=f"case {each.head}") for each in _type(node, source)]


def _function(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    text = node_text(name, source)
    kind = "constructor" if text == "this" else None
    return [Named(text, kind=kind, encloses=True, head=_head(node, source))]


def _values(node: Node, source: bytes) -> list[Named]:
    """`val a = 1`, `val a, b: Int`, `val (a, b) = c`."""
    names = node.children_by_field_name("name")
    waiting = list(reversed(node.children_by_field_name("pattern")))
    while waiting:
        pattern = waiting.pop()
        if pattern.type in _NAMES:
            names.append(pattern)
        elif pattern.type in ("identifiers", "tuple_pattern", "typed_pattern"):
            waiting += reversed(pattern.named_children)
    return [Named(node_text(name, source)) for name in names]


def _parameter(node: Node, source: bytes) -> list[Named]:
    """A class's parameter that is a member: behind `val` or `var`, and each of a case class."""
    name, around = node.child_by_field_name("name"), node.parent.parent if node.parent is not None else None
    if name is None or around is None:
        return []
    is_case = around.type == "full_enum_case" or any(child.type == "case" for child in around.children)
    is_first = node.parent == around.child_by_field_name("class_parameters")
    is_member = (is_case and is_first) or any(child.type in ("val", "var") for child in node.children)
    return [Named(node_text(name, source))] if is_member else []


def _given(node: Node, source: bytes) -> list[Named]:
    """`given a: B with { }`; one without a name binds none."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(node_text(name, source), encloses=True, head=_head(node, source).removesuffix(" with"))]


_FORMS = (
    Form("[(package_clause) (package_object)]", "module", _package),
    Form("[(class_definition) (object_definition)]", "class", _type),
    Form("(trait_definition)", "trait", _type),
    Form("(enum_definition)", "enum", _type),
    Form("[(simple_enum_case) (full_enum_case)]", "constant", _case),
    Form("[(function_definition) (function_declaration)]", "function", _function),
    Form("[(val_definition) (var_definition) (val_declaration) (var_declaration)]", "variable", _values),
    Form("(class_parameter)", "variable", _parameter),
    Form("(type_definition)", "type", leaf_by_name),
    Form("(given_definition)", "variable", _given),
    Form("[(lambda_expression) (block) (indented_block) (case_block) (instance_expression)]", "scope", nothing),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`import a.B, c.{D => E, f as g, _}, h.*`."""
    records: list[Import] = []
    path: list[str] = []
    for child in node.children:
        if child.type in (*_NAMES, "type_identifier", "stable_identifier"):
            path.append(node_text(child, source))
        elif child.type == "namespace_wildcard":
            if node_text(child, source) != "given":
                records.append(Import(".".join(path), "*", "", line_of(child)))
            path = []
        elif child.type == "namespace_selectors":
            records += [each for name in child.named_children for each in _selected(".".join(path), name, source)]
            path = []
        elif child.type == "as_renamed_identifier":
            records += _selected(".".join(path), child, source)
            path = []
        elif child.type == "," and path:
            records.append(_whole(path, line_of(node)))
            path = []
    return [*records, _whole(path, line_of(node))] if path else records


def _whole(path: list[str], line: int) -> Import:
    return Import(".".join(path[:-1]), path[-1], path[-1], line)


def _selected(module: str, selector: Node, source: bytes) -> list[Import]:
    """One of the names in braces; one that is hidden (`a => _`) is not imported."""
    if selector.type in ("namespace_wildcard", "wildcard"):
        return [Import(module, "*", "", line_of(selector))]
    name, alias = selector.child_by_field_name("name"), selector.child_by_field_name("alias")
    own = node_text(name if name is not None else selector, source)
    bound = node_text(alias, source) if alias is not None else own
    return [Import(module, own, bound, line_of(selector))] if bound != "_" else []


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """The files that declare the package and define the name; of an older Java class, those named like it."""
    return declared_imports(index, path, imported, ".java")


_LEXICON = Lexicon(
    "scala",
    (
        of.SLASHES,
        of.NESTED,
        replace(of.TRIPLE, escape="none", holes=(of.DOLLAR,)),
        replace(of.DOUBLE, holes=(of.DOLLAR,)),
        of.RUST_CHARACTER,
        of.RAW_TICK,
    ),
)

_LIBRARIES = LibraryImports("jvm", package_of, files_of_library, is_visible, joins_files=True)

LANGUAGE = LanguageSpec(
    name="scala",
    ids=("scala",),
    extensions=(".scala", ".sc", ".sbt"),
    interpreters=("scala", "scala-cli", "amm"),
    grammar=Grammar("tree_sitter_scala"),
    definitions=Definitions(_FORMS, ("comment", "block_comment")),
    imports=Imports((ImportForm("(import_declaration)", _import),), _files, sees_folder=True, libraries=_LIBRARIES),
    keywords=words(
        """abstract as case catch class def derives do else end enum export extends extension false final finally for
        forSome given if implicit import infix inline lazy macro match new null object opaque open override package
        private protected return sealed super then this throw trait transparent true try type using val var while with
        yield Int String Boolean Unit Any Long Double"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(statement_end=""),
    without=frozenset({"analysis"}),
)
