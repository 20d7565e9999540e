"""Swift.

Definitions know no other file of the module: an extension opens its type by name, wherever that stands.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, leaf_by_name, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, line_of
from codeassist_indexer.languages.forms.indexed_paths import MAX_FILES, IndexedPaths, nearest
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import WHOLE_BINDING_CHARS, bare_name, head_before, node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec

_ROOTS = ("Sources/", "Source/", "Tests/", "")
_KINDS = {"class": "class", "actor": "class", "struct": "struct", "enum": "enum"}
_BODIES = ("class_body", "enum_class_body", "protocol_body", "function_body", "computed_property")
_ACCESSORS = ("computed_property", "willset_didset_block", "protocol_property_requirements")


def _bases(node: Node, source: bytes) -> tuple[str, ...]:
    specifiers = [child for child in node.named_children if child.type == "inheritance_specifier"]
    return tuple(bare_name(node_text(each, source)) for each in specifiers)


def _type(node: Node, source: bytes) -> list[Named]:
    """A class, struct, enum or actor, told apart by its keyword."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    kind = next((_KINDS[child.type] for child in node.children if child.type in _KINDS), "class")
    head = head_before(node, source, *_BODIES)
    return [Named(node_text(name, source), kind=kind, encloses=True, head=head, bases=_bases(node, source))]


def _protocol(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    head = head_before(node, source, *_BODIES)
    return [Named(node_text(name, source), encloses=True, head=head, bases=_bases(node, source))]


def _extension(node: Node, source: bytes) -> list[Named]:
    """`extension A.B: C`."""
    name = node.child_by_field_name("name")
    return [Named(bare_name(node_text(name, source)), bases=_bases(node, source))] if name is not None else []


def _function(node: Node, source: bytes) -> list[Named]:
    """The name is the first node of that field: a result's type has it as well."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(node_text(name, source), encloses=True, head=head_before(node, source, *_BODIES))]


def _initializer(node: Node, source: bytes) -> list[Named]:
    return [Named("init", encloses=True, head=head_before(node, source, *_BODIES))]


def _subscript(node: Node, source: bytes) -> list[Named]:
    return [Named("subscript", encloses=True, head=head_before(node, source, *_BODIES))]


def _property(node: Node, source: bytes) -> list[Named]:
    """`let a = 1, (b, c) = d`; accessors and a long value are left out."""
    ends: list[str] = [*_ACCESSORS]
    if node.end_byte - node.start_byte > WHOLE_BINDING_CHARS or b"\n" in source[node.start_byte : node.end_byte]:
        ends.append("=")
    head = head_before(node, source, *ends)
    waiting = list(reversed(node.children_by_field_name("name")))
    names: list[str] = []
    while waiting:
        pattern = waiting.pop()
        if pattern.type == "simple_identifier":
            names.append(node_text(pattern, source))
        else:
            waiting += [each for each in reversed(pattern.named_children) if each.type in _PATTERNS]
    return [Named(name, head=head) for name in names]


_PATTERNS = ("pattern", "simple_identifier")


def _cases(node: Node, source: bytes) -> list[Named]:
    """`case a, b(Int)`."""
    return [Named(node_text(name, source)) for name in node.children_by_field_name("name")]


_FORMS = (
    Form('(class_declaration "extension") @_', "impl", _extension),
    Form("(class_declaration name: (type_identifier))", "class", _type),
    Form("(protocol_declaration)", "interface", _protocol),
    Form("(enum_entry)", "constant", _cases),
    Form("(function_declaration)", "function", _function),
    Form("(protocol_function_declaration)", "method", _function),
    Form("(init_declaration)", "constructor", _initializer),
    Form("(subscript_declaration)", "method", _subscript),
    Form("[(property_declaration) (protocol_property_declaration)]", "variable", _property),
    Form("[(typealias_declaration) (associatedtype_declaration)]", "type", leaf_by_name),
    Form("[(lambda_literal) (computed_property) (willset_didset_block) (deinit_declaration)]", "scope", nothing),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`import A` brings all of a module in, `import class A.B` one name."""
    path = next((child for child in node.named_children if child.type == "identifier"), None)
    if path is None:
        return []
    module, _, rest = compact(path, source).partition(".")
    name = rest.rpartition(".")[2]
    is_one = name and any(child.type in _IMPORTED for child in node.children)
    return [Import(module, name if is_one else "*", name if is_one else "", line_of(node))]


_IMPORTED = frozenset({"typealias", "struct", "class", "enum", "protocol", "let", "var", "func"})


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """A module's files lie below the folder of its name, as Sources/A; it sees its own files without an import."""
    folders = [*(f"{root}{imported.module}" for root in _ROOTS), *index.folders(imported.module)]
    found = {each for folder in folders for each in index.below(folder) if each.endswith(".swift")}
    return nearest(found, path)[:MAX_FILES]


_LEXICON = Lexicon(
    "swift",
    (
        of.SLASHES,
        of.NESTED,
        Literal(r'(#+)"""', r'"""\1', "none", is_long=True),
        Literal(r'(#+)"', r'"\1', "none"),
        replace(of.TRIPLE, holes=(of.BACKSLASH,)),
        replace(of.DOUBLE, holes=(of.BACKSLASH,)),
        of.RUST_CHARACTER,
        of.RAW_TICK,
    ),
)

LANGUAGE = LanguageSpec(
    name="swift",
    ids=("swift",),
    extensions=(".swift", ".swiftinterface"),
    interpreters=("swift",),
    grammar=Grammar("tree_sitter_swift"),
    definitions=Definitions(_FORMS, ("comment", "multiline_comment")),
    imports=Imports(
        forms=(ImportForm("(import_declaration)", _import),),
        files=_files,
        line=re.compile(r"\n[ \t]*(?:@\w+[ \t]+|public[ \t]+|internal[ \t]+|private[ \t]+)*import\b"),
        is_one_line=bool,
        sees_folder=True,
    ),
    keywords=words(
        """Any Self actor any as associatedtype async await break case catch class continue convenience default defer
        deinit didSet do else enum extension fallthrough false fileprivate final for func get guard if import in
        indirect init inout internal is lazy let mutating nil nonmutating open operator optional override
        precedencegroup private protocol public repeat required rethrows return self set some static struct subscript
        super switch throw throws true try typealias unowned var weak where while willSet Int String Bool Double Void"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(statement_end=""),
    without=frozenset({"analysis"}),
)
