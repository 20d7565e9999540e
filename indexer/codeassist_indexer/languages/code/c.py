"""C; and what C++ shares with it.

Definitions know no preprocessor: macros are told by their names and places (forms/c_macros.py); any other that stands
where a type or keyword should is an error node, what is around it counts.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.c_macros import MENDS
from codeassist_indexer.languages.forms.definition_form import Form, Named, dotted, leaf_by_name
from codeassist_indexer.languages.forms.import_form import ImportForm, line_of, unquoted
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, ends_with, nearest, paths_by_module
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import (
    WHOLE_BINDING_CHARS,
    bare_name,
    binding_head,
    definition_head,
    node_text,
    one_line,
)
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec

MAX_DECLARATOR_DEPTH = 50
"""Pointers, arrays and parentheses around one name. Deeper is no program."""

_NAMES = frozenset({"identifier", "field_identifier", "type_identifier", "destructor_name", "operator_name"})
_NAMES |= {"operator_cast", "template_function", "namespace_identifier"}
_BODIED = frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"})
_TYPE_KINDS = {"struct_specifier": "struct", "union_specifier": "struct", "enum_specifier": "enum"}


@dataclass(frozen=True, slots=True)
class Declared:
    """The name inside a declarator; `owner` what stands in front of it (`A::B`, dotted)."""

    name: str
    owner: str
    is_function: bool


def _declared(declarator: Node, source: bytes) -> Declared | None:
    """Look through `*`, `&`, `[]`, `()` and `A::` for the name. A pointer to a function is no function."""
    owners: list[str] = []
    is_function = False
    node: Node | None = declarator
    for _ in range(MAX_DECLARATOR_DEPTH):
        if node is None:
            return None
        if node.type in _NAMES:
            name = node_text(node, source)
            if node.type == "template_function":
                name = bare_name(name)
            elif node.type == "operator_cast":  # `operator bool() const`
                name, is_function = name.partition("(")[0], True
            return Declared(" ".join(name.split()), ".".join(owners), is_function)
        if node.type == "qualified_identifier":
            scope = node.child_by_field_name("scope")
            if scope is not None:
                owners.append(dotted(bare_name(node_text(scope, source))))
            node = node.child_by_field_name("name")
            continue
        if node.type == "function_declarator":
            is_function = True
        elif node.type == "parenthesized_declarator":
            is_function = False
        inner = node.child_by_field_name("declarator")
        node = inner if inner is not None else next((child for child in reversed(node.named_children)), None)
    return None


def _function(node: Node, source: bytes) -> list[Named]:
    declarator = node.child_by_field_name("declarator")
    declared = _declared(declarator, source) if declarator is not None else None
    if declared is None:
        return []
    return [Named(declared.name, owner=declared.owner, encloses=True, head=definition_head(node, source))]


def _declaration(node: Node, source: bytes) -> list[Named]:
    """Variables, fields and prototypes: `int a = 1, *b, f(void);`."""
    declarators = node.children_by_field_name("declarator")
    if not declarators:
        return []
    shared = one_line(source, node.start_byte, declarators[0].start_byte)
    type_node = node.child_by_field_name("type")
    body = type_node.child_by_field_name("body") if type_node is not None and type_node.type in _BODIED else None
    unnamed = type_node is not None and body is not None and type_node.child_by_field_name("name") is None
    if body is not None:
        shared = one_line(source, node.start_byte, body.start_byte)
    named: list[Named] = []
    for declarator in declarators:
        declared = _declared(declarator, source)
        if declared is None:
            continue
        head = f"{shared} {_part(declarator, source)}"
        if len(declarators) == 1 and not unnamed and node.end_byte - node.start_byte <= WHOLE_BINDING_CHARS:
            head = binding_head(node, source)
        kind = "function" if declared.is_function else None
        named.append(Named(declared.name, kind=kind, owner=declared.owner, head=head, encloses=unnamed and not named))
    return named


def _part(declarator: Node, source: bytes) -> str:
    value = declarator.child_by_field_name("value")
    return one_line(source, declarator.start_byte, value.start_byte if value is not None else declarator.end_byte)


def _typedef(node: Node, source: bytes) -> list[Named]:
    """`typedef struct {...} A;` is the struct A; the other forms are aliases."""
    type_node = node.child_by_field_name("type")
    body = type_node.child_by_field_name("body") if type_node is not None else None
    names = [_declared(declarator, source) for declarator in node.children_by_field_name("declarator")]
    named: list[Named] = []
    for declared in names:
        if declared is None:
            continue
        if type_node is None or body is None:
            named.append(Named(declared.name))
            continue
        head = f"{one_line(source, node.start_byte, body.start_byte)} {declared.name}"
        unnamed = type_node.child_by_field_name("name") is None
        kind = _TYPE_KINDS.get(type_node.type, "class") if unnamed else None
        named.append(Named(declared.name, kind=kind, encloses=unnamed and not named, head=head))
    return named


def _macro(node: Node, source: bytes) -> list[Named]:
    """`#define A 1`, `#define F(x) ...`; one without a value guards a header and says nothing."""
    name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
    if name is None or node.child_by_field_name("value") is None:
        return []
    if parameters is None:
        return [Named(node_text(name, source), head=binding_head(node, source))]
    return [Named(node_text(name, source), head=one_line(source, node.start_byte, parameters.end_byte))]


def type_by_name(node: Node, source: bytes) -> list[Named]:
    """The name of a type with a body: also of a specialisation (`A<int>`), of one that stands outside (`A<T>::B`)."""
    owners: list[str] = []
    name = node.child_by_field_name("name")
    while name is not None and name.type == "qualified_identifier":
        scope = name.child_by_field_name("scope")
        if scope is not None:
            owners.append(dotted(bare_name(node_text(scope, source))))
        name = name.child_by_field_name("name")
    if name is None:
        return []
    return [Named(bare_name(node_text(name, source)), owner=".".join(owners), encloses=True)]


DEFINITION_FORMS = (
    Form("(struct_specifier body: (_))", "struct", type_by_name),
    Form("(union_specifier body: (_))", "struct", type_by_name),
    Form("(enum_specifier body: (_))", "enum", type_by_name),
    Form("(enumerator)", "constant", leaf_by_name),
    Form("(type_definition)", "type", _typedef),
    Form("(function_definition)", "function", _function),
    Form("[(declaration) (field_declaration)]", "variable", _declaration),
    Form("(preproc_def)", "constant", _macro),
    Form("(preproc_function_def)", "function", _macro),
)


def _include(node: Node, source: bytes) -> list[Import]:
    """`#include "a/b.h"` is module `a/b.h`; `<vector>` keeps its brackets: it is looked for elsewhere."""
    path = node.child_by_field_name("path")
    if path is None or path.type not in ("string_literal", "system_lib_string"):
        return []
    return [Import(unquoted(path, source), "*", "", line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """An include: next to the file first, else any path that ends as written."""
    written = imported.module.strip('"<>')
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
    found = index.existing([beside])
    if found:
        return found
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    if not parts:
        return []
    extension = posixpath.splitext(parts[-1])[1]
    candidates = paths_by_module(index, [*parts[:-1], parts[-1].partition(".")[0]], extension)
    return nearest([c for c in candidates if ends_with(c.split("/"), parts)], path)[:1]


# What encloses code without indenting it, and its end where a comment tells it from others.
_NAMESPACE = re.compile(
    r'^(?P<opens>(?:(?:inline )?namespace\b[^;{}=\n]*|extern "C" *)\{)[ \t]*$|^\}[ \t]*(?://|/\*).*\b(?:namespace|extern)\b',
    re.MULTILINE,
)

_LEXICON = Lexicon("c", of.C_LIKE)

LANGUAGE = LanguageSpec(
    name="c",
    ids=("c", "objective-c", "objc"),
    extensions=(".c", ".h"),
    grammar=Grammar("tree_sitter_c"),
    definitions=Definitions(DEFINITION_FORMS),
    imports=Imports((ImportForm("(preproc_include)", _include),), _files),
    keywords=words(
        """auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
        bool NULL true false include define ifdef ifndef endif pragma"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(_NAMESPACE),
    mends=MENDS,
    doubled_names=frozenset({"strstr", "wcswcs"}),
    without=frozenset({"analysis"}),
)
