"""C#.

Definitions know nothing of partial classes across files: each part is a symbol of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.code_pattern import BRACE_COMMENTS, BRACKETS, line_string
from codeassist_indexer.languages.forms.conditionals import level_conditionals
from codeassist_indexer.languages.forms.definition_form import (
    Form,
    Named,
    by_name,
    dotted,
    leaf_by_name,
    module_by_name,
    names_with_shared_head,
    nothing,
)
from codeassist_indexer.languages.forms.extension_blocks import extension_head, level_extensions
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, line_of
from codeassist_indexer.languages.forms.indexed_paths import MAX_FILES, IndexedPaths, nearest, package_files
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.mend import Mends
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import (
    bare_name,
    binding_head,
    definition_head,
    has_modifiers,
    head_start_byte,
    node_text,
    one_line,
)
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
    """`private int a = 1, b;`, `event Handler H;`; what is `const` or `static readonly` is a constant."""
    declaration = next((child for child in node.named_children if child.type == "variable_declaration"), None)
    if declaration is None:
        return []
    declarators = [child for child in declaration.named_children if child.type == "variable_declarator"]
    named = names_with_shared_head(node, declarators, source)
    if has_modifiers(node, source, "const") or has_modifiers(node, source, "static", "readonly"):
        named = [replace(each, kind="constant") for each in named]
    return named


def _method(node: Node, source: bytes) -> list[Named]:
    return [_extending(each, node, source, definition_head) for each in by_name(node, source)]


def _property(node: Node, source: bytes) -> list[Named]:
    return [_extending(each, node, source, binding_head) for each in leaf_by_name(node, source)]


def _extending(named: Named, node: Node, source: bytes, read_head: Callable[[Node, bytes], str]) -> Named:
    """What stands in an `extension(Order order)` says so: it belongs to that type as much as to its class."""
    block = extension_head(source, node.start_byte)
    return replace(named, head=f"{block} {read_head(node, source)}") if block else named


def _file_namespace(node: Node, source: bytes) -> list[Named]:
    """`namespace A.B;`: everything after it belongs to it."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(dotted(node_text(name, source)), encloses=True, reach_byte=len(source))]


def _operator(node: Node, source: bytes) -> list[Named]:
    operator = node.child_by_field_name("operator")
    return [Named(f"operator {node_text(operator, source)}", encloses=True)] if operator is not None else []


def _indexer(node: Node, source: bytes) -> list[Named]:
    accessors = node.child_by_field_name("accessors") or node.child_by_field_name("value")
    end_byte = accessors.start_byte if accessors is not None else node.end_byte
    return [Named("this", head=one_line(source, head_start_byte(node), end_byte))]


_FORMS = (
    Form("(namespace_declaration)", "module", module_by_name),
    Form("(file_scoped_namespace_declaration)", "module", _file_namespace),
    Form("[(class_declaration) (record_declaration)]", "class", by_name),
    Form("(struct_declaration)", "struct", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_member_declaration)", "constant", leaf_by_name),
    Form("(delegate_declaration)", "type", leaf_by_name),
    Form("(method_declaration)", "method", _method),
    Form("(local_function_statement)", "function", by_name),
    Form("(constructor_declaration)", "constructor", by_name),
    Form("(operator_declaration)", "function", _operator),
    Form("(indexer_declaration)", "variable", _indexer),
    Form("[(property_declaration) (event_declaration)]", "variable", _property),
    Form("[(field_declaration) (event_field_declaration)]", "variable", _fields),
    Form("(record_declaration (parameter_list (parameter) @_))", "variable", leaf_by_name),
    Form("[(lambda_expression) (anonymous_method_expression)]", "scope", nothing),
)


def _using(node: Node, source: bytes) -> list[Import]:
    """`using A.B;` and `using static A.B.C;` bring all names in, `using X = A.B.C;` one."""
    alias = node.child_by_field_name("name")
    parts = [child for child in node.named_children if alias is None or child.id != alias.id]
    if not parts:
        return []
    path = compact(parts[-1], source)
    if alias is None:
        return [Import(path, "*", "", line_of(node))]
    module, _, name = bare_name(path).rpartition(".")
    return [Import(module, name, node_text(alias, source), line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """`using A.B;` names a namespace, which folders usually follow: the folder B, nearest to the file."""
    parts = [part for part in imported.module.split(".") if part]
    for begin in range(len(parts)):  # the first parts are often the assembly's name, which no folder has
        found = package_files(index, parts[begin:], (".cs",))
        if found:
            return nearest(found, path)[:MAX_FILES]
    return []


def _namespace_of(module: str) -> str:
    """A namespace is known as it is written; the framework's own is nobody's project."""
    return "" if f"{module}.".startswith("System.") else module


def _project_files(index: IndexedPaths, entries: Mapping[str, str], imported: Import) -> list[str]:
    """The files that declare a namespace; of `using static A.B.C` and `using X = A.B.C`, those that define C in it."""
    if imported.name not in ("", "*"):
        return index.declaring(imported.module, imported.name)
    namespace, _, name = imported.module.rpartition(".")
    return index.declaring(imported.module) or (index.declaring(namespace, name) if namespace else [])


_LIBRARIES = LibraryImports("dotnet", _namespace_of, _project_files, joins_files=True, is_typed_before=True)
_CODE = re.compile(
    rf"(?:{BRACE_COMMENTS}"
    r'|(?:@\$?|\$@)"(?:[^"]|"")*(?:"|(?P<open_verbatim>\Z))'
    r'|\${0,9}"""(?:[^"]|"(?!""))*(?:"""|(?P<open_long>\Z))'
    rf"|\$?{line_string(chr(34))}|{line_string(chr(39))}"
    r"|^[ \t]*\#[^\n]*(?:(?=\n)|(?P<open_directive>\Z)))"
    rf"|{BRACKETS}",
    re.MULTILINE,
)

_LEXICON = Lexicon(
    "csharp",
    (
        *of.C_COMMENTS,
        of.TRIPLE,
        Literal(r'(?:(?<=\$@)|(?<=@\$))"', '"', "doubled", is_long=True, holes=(of.BRACE,)),
        Literal(r'(?<=@)"', '"', "doubled", is_long=True),
        Literal(r'(?<=\$)"', '"', holes=(of.BRACE,)),
        of.DOUBLE,
        of.WORD_SINGLE,
    ),
)

LANGUAGE = LanguageSpec(
    name="csharp",
    ids=("csharp", "cs"),
    extensions=(".cs", ".csx"),
    interpreters=("dotnet", "dotnet-script"),
    grammar=Grammar("tree_sitter_c_sharp"),
    definitions=Definitions(_FORMS),
    imports=Imports((ImportForm("(using_directive)", _using),), _files, sees_folder=True, libraries=_LIBRARIES),
    keywords=words(
        """abstract as async await base bool break byte case catch char class const continue decimal default
        delegate do double else enum event explicit extern false finally fixed float for foreach get goto if
        implicit in int interface internal is lock long namespace new null object operator out override params
        private protected public readonly ref return sbyte sealed set short sizeof static string struct switch this
        throw true try typeof uint ulong unsafe ushort using var virtual void volatile while"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    mends=Mends(errors=(level_extensions, level_conditionals)),
    analysis=Analysis(
        _CODE,
        BracePlaces(name_end=re.compile(r"(?:[^\W\d]\w*)?\Z")),
        DeclaredTypes(
            "csharp",
            "codeassist_indexer.analysis.declared.csharp",
            ("csharp",),
            BuiltInMembers(
                of_objects=words("Equals GetHashCode GetType ToString"),
                of_own_objects=words("MemberwiseClone"),
                of_types=words("Equals ReferenceEquals"),
                of_kinds={
                    "enum": words(
                        """CompareTo GetTypeCode HasFlag Format GetName GetNames GetUnderlyingType GetValues IsDefined
                        Parse ToObject TryParse TryFormat"""
                    ),
                    "record": words("Deconstruct PrintMembers EqualityContract"),
                },
                known_bases={
                    "object": words(""),
                    "Object": words(""),
                    "IDisposable": words("Dispose"),
                    "IAsyncDisposable": words("DisposeAsync"),
                    "ICloneable": words("Clone"),
                    "IComparable": words("CompareTo"),
                    "IEquatable": words("Equals"),
                    "INotifyPropertyChanged": words("PropertyChanged"),
                },
            ),
        ),
    ),
)
