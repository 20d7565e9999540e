"""Java.

Definitions know no class path: annotations are not read beyond leaving them out of the signature.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.code_pattern import BRACE_COMMENTS, BRACKETS, LINE_STRINGS, long_string
from codeassist_indexer.languages.forms.definition_form import (
    Form,
    Named,
    by_name,
    leaf_by_name,
    names_with_shared_head,
    nothing,
)
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, line_of
from codeassist_indexer.languages.forms.indexed_paths import (
    MAX_FILES,
    IndexedPaths,
    ends_with,
    nearest,
    package_files,
    paths_by_module,
)
from codeassist_indexer.languages.forms.jvm_packages import files_of_library, package_of
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import, Symbol
from codeassist_indexer.languages.forms.signatures import has_modifiers
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import (
    Analysis,
    BracedBlocks,
    BracePlaces,
    BuiltInMembers,
    DeclaredTypes,
    Definitions,
    Grammar,
    Imports,
    LanguageSpec,
    LibraryImports,
)


def _fields(node: Node, source: bytes) -> list[Named]:
    """`private int a = 1, b;`; what is `static final` is a constant."""
    named = names_with_shared_head(node, node.children_by_field_name("declarator"), source)
    if has_modifiers(node, source, "static", "final"):
        named = [replace(each, kind="constant") for each in named]
    return named


def _variadic(node: Node, source: bytes) -> list[Named]:
    """`String... rest` in a record's head."""
    declarator = next((child for child in node.named_children if child.type == "variable_declarator"), None)
    return leaf_by_name(declarator, source) if declarator is not None else []


_FORMS = (
    Form("(class_declaration)", "class", by_name),
    Form("(record_declaration)", "class", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(annotation_type_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_constant)", "constant", by_name),
    Form("[(method_declaration) (annotation_type_element_declaration)]", "method", by_name),
    Form("[(constructor_declaration) (compact_constructor_declaration)]", "constructor", by_name),
    Form("(field_declaration)", "variable", _fields),
    Form("(constant_declaration)", "constant", _fields),
    Form("(record_declaration parameters: (formal_parameters (formal_parameter) @_))", "variable", leaf_by_name),
    Form("(record_declaration parameters: (formal_parameters (spread_parameter) @_))", "variable", _variadic),
    Form("[(lambda_expression) (object_creation_expression (class_body))]", "scope", nothing),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`import a.B;`, `import static a.B.c;`, `import a.*;`."""
    path = next((child for child in node.named_children if child.type in ("scoped_identifier", "identifier")), None)
    if path is None:
        return []
    if any(child.type == "asterisk" for child in node.named_children):
        return [Import(compact(path, source), "*", "", line_of(node))]
    module, _, name = compact(path, source).rpartition(".")
    return [Import(module, name, name, line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """`a.b.Type` is a/b/Type.java under some source root; `a.b.*` the files of that package; statics, of their type."""
    parts = [part for part in (*imported.module.split("."), imported.name) if part and part != "*"]
    for end in range(len(parts), max(0, len(parts) - 3), -1):  # Type, then Outer.Inner, then a static member
        candidates = paths_by_module(index, parts[:end], ".java")
        found = [c for c in candidates if ends_with(c.removesuffix(".java").split("/"), parts[:end])]
        if found:
            return nearest(found, path)[:1]
    return nearest(package_files(index, parts, (".java",)), path)[:MAX_FILES] if imported.name == "*" else []


def _is_offered(symbol: Symbol, owner: str) -> bool:
    return owner in ("interface", "enum") or _PUBLIC.match(symbol.signature) is not None


_PUBLIC = re.compile(r"(?:[\w@]+ ){0,8}?(?:public|protected)\b")
_CODE = re.compile(rf"(?:{BRACE_COMMENTS}|{long_string(chr(34), 'open_long')}|{LINE_STRINGS})|{BRACKETS}")

_LEXICON = Lexicon("java", (*of.C_COMMENTS, of.TRIPLE, of.DOUBLE, of.WORD_SINGLE))

_LIBRARIES = LibraryImports("jvm", package_of, files_of_library, _is_offered, joins_files=True, is_typed_before=True)

LANGUAGE = LanguageSpec(
    name="java",
    ids=("java",),
    extensions=(".java",),
    interpreters=("java", "jbang"),
    grammar=Grammar("tree_sitter_java"),
    definitions=Definitions(_FORMS, ("line_comment", "block_comment")),
    imports=Imports((ImportForm("(import_declaration)", _import),), _files, sees_folder=True, libraries=_LIBRARIES),
    keywords=words(
        """abstract assert boolean break byte case catch char class const continue default do double else enum
        extends final finally float for goto if implements import instanceof int interface long native new package
        private protected public return short static strictfp super switch synchronized this throw throws transient
        try void volatile while true false null var record"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    analysis=Analysis(
        _CODE,
        BracePlaces(
            name_end=re.compile(r"(?:[^\W\d]\w*)?\Z"),
            import_path=re.compile(r"\s*import\s+(?:static\s+)?(?:\w+\.)+\Z"),
            method_reference=re.compile(r"[\w\])>]::\Z"),
            case_label=re.compile(r"(?<![\w.$])case\s+(?:\w+\s*,\s*)*\Z"),
        ),
        DeclaredTypes(
            "java",
            "codeassist_indexer.analysis.declared.java",
            ("java",),
            BuiltInMembers(
                of_objects=words("equals getClass hashCode notify notifyAll toString wait"),
                of_own_objects=words("clone finalize"),
                of_types=words("class this super new"),
                of_kinds={"enum": words("name ordinal compareTo getDeclaringClass describeConstable valueOf values")},
                known_bases={
                    "Object": words(""),
                    "Serializable": words(""),
                    "Cloneable": words(""),
                    "Runnable": words("run"),
                    "AutoCloseable": words("close"),
                    "Closeable": words("close"),
                    "Comparable": words("compareTo"),
                    "Callable": words("call"),
                    "Supplier": words("get"),
                    "java.io.Serializable": words(""),
                    "Record": words(""),
                },
            ),
        ),
    ),
)
