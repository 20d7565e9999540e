"""Kotlin.

Definitions know no receivers: an extension function belongs to its file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, dotted, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, line_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, declared_imports
from codeassist_indexer.languages.forms.jvm_packages import files_of_library, is_visible, package_of
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import (
    WHOLE_BINDING_CHARS,
    bare_name,
    has_modifiers,
    head_before,
    node_text,
)
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec, LibraryImports

_BODIES = ("class_body", "enum_class_body", "function_body", "block")
_MISREAD_TYPE = re.compile(r"((?:[a-z]+\s+)*?)(class|interface|object)\s+([^\W\d]\w*)[^{\n]*")
_BY = re.compile(r"\s+by\b.*", re.DOTALL)


def _package(node: Node, source: bytes) -> list[Named]:
    name = _child(node, "qualified_identifier", "identifier")
    if name is None:
        return []
    return [Named(dotted(compact(name, source)), encloses=True, reach_byte=len(source))]


def _child(node: Node, *kinds: str) -> Node | None:
    return next((child for child in node.named_children if child.type in kinds), None)


def _type(node: Node, source: bytes) -> list[Named]:
    """A class, interface, enum or object; what is in a companion object without a name belongs to the class around."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    kind = "interface" if any(child.type == "interface" for child in node.children) else "class"
    if has_modifiers(node, source, "enum"):
        kind = "enum"
    specifiers = _child(node, "delegation_specifiers")
    written = [node_text(each, source) for each in specifiers.named_children] if specifiers is not None else []
    bases = tuple(base for each in written if (base := _BY.sub("", bare_name(each))))
    head = head_before(node, source, *_BODIES)
    return [Named(node_text(name, source), kind=kind, encloses=True, head=head, bases=bases)]


def _misread_type(node: Node, source: bytes) -> list[Named]:
    """A class below several annotations, which the grammar may take for words with an infix function between them."""
    found = _MISREAD_TYPE.match(node_text(node, source))
    if found is None:
        return []
    kind = "enum" if "enum" in found[1].split() else "interface" if found[2] == "interface" else "class"
    return [Named(found[3], kind=kind, encloses=True, head=found[0].strip(), bases=())]


def _function(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    around = node.parent.parent if node.parent is not None else None
    kind = "scope" if around is not None and around.type == "object_literal" else None
    return [Named(node_text(name, source), kind=kind, encloses=True, head=head_before(node, source, *_BODIES))]


def _constructor(node: Node, source: bytes) -> list[Named]:
    """`constructor(a: Int) : this(a, 1) { }`."""
    head = head_before(node, source, *_BODIES, ":", "constructor_delegation_call")
    return [Named("constructor", encloses=True, head=head)]


def _property(node: Node, source: bytes) -> list[Named]:
    """`val a: Int = 1`, `val (a, b) = c`; accessors and a long value are left out."""
    several = _child(node, "multi_variable_declaration")
    variables = [each for each in (several or node).named_children if each.type == "variable_declaration"]
    ends = ["getter", "setter"]
    if node.end_byte - node.start_byte > WHOLE_BINDING_CHARS or b"\n" in source[node.start_byte : node.end_byte]:
        ends += ["=", "property_delegate"]
    head = head_before(node, source, *ends)
    kind = "constant" if has_modifiers(node, source, "const") else None
    names = [_child(each, "identifier") for each in variables]
    return [Named(node_text(name, source), kind=kind, head=head) for name in names if name is not None]


def _parameter(node: Node, source: bytes) -> list[Named]:
    """`class A(val b: Int)`; without `val` or `var` it is no property."""
    name = _child(node, "identifier")
    if name is None or not any(child.type in ("val", "var") for child in node.children):
        return []
    return [Named(node_text(name, source))]


def _entry(node: Node, source: bytes) -> list[Named]:
    name = _child(node, "identifier")
    if name is None:
        return []
    return [Named(node_text(name, source), encloses=True, head=head_before(node, source, *_BODIES))]


def _alias(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("type")
    return [Named(node_text(name, source))] if name is not None else []


_FORMS = (
    Form("(package_header)", "module", _package),
    Form("[(class_declaration) (object_declaration) (companion_object)]", "class", _type),
    Form("(annotated_expression (infix_expression) @_)", "class", _misread_type),
    Form("(enum_entry)", "constant", _entry),
    Form("(function_declaration)", "function", _function),
    Form("(secondary_constructor)", "constructor", _constructor),
    Form("(property_declaration)", "variable", _property),
    Form("(class_parameter)", "variable", _parameter),
    Form("(type_alias)", "type", _alias),
    Form("[(lambda_literal) (anonymous_function) (object_literal) (anonymous_initializer)]", "scope", nothing),
    Form("[(getter) (setter)]", "scope", nothing),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`import a.B`, `import a.*`, `import a.b as c`."""
    path = _child(node, "qualified_identifier", "identifier")
    if path is None:
        return []
    if any(child.type == "*" for child in node.children):
        return [Import(compact(path, source), "*", "", line_of(node))]
    module, _, name = compact(path, source).rpartition(".")
    aliases = [child for child in node.named_children if child.type == "identifier" and child.id != path.id]
    return [Import(module, name, node_text(aliases[0], source) if aliases else name, line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """The files that declare the package and define the name; of an older Java class, those named like it."""
    return declared_imports(index, path, imported, ".java")


_LEXICON = Lexicon(
    "kotlin",
    (
        of.SLASHES,
        of.NESTED,
        replace(of.TRIPLE, escape="none", holes=(of.DOLLAR,)),
        replace(of.DOUBLE, holes=(of.DOLLAR,)),
        of.WORD_SINGLE,
        of.RAW_TICK,
    ),
)

_LIBRARIES = LibraryImports("jvm", package_of, files_of_library, is_visible, joins_files=True)

LANGUAGE = LanguageSpec(
    name="kotlin",
    ids=("kotlin",),
    extensions=(".kt", ".kts"),
    interpreters=("kotlin", "kscript"),
    grammar=Grammar("tree_sitter_kotlin"),
    definitions=Definitions(_FORMS, ("line_comment", "block_comment")),
    imports=Imports((ImportForm("(import)", _import),), _files, sees_folder=True, libraries=_LIBRARIES),
    keywords=words(
        """abstract actual annotation as break by catch class companion const constructor continue crossinline data
        delegate do else enum expect external false final finally for fun get if import in infix init inline inner
        interface internal is it lateinit noinline null object open operator out override package private protected
        public reified return sealed set super suspend tailrec this throw true try typealias typeof val value var vararg
        when where while Int String Boolean Unit Any Long Double"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(statement_end=""),
    without=frozenset({"analysis"}),
)
