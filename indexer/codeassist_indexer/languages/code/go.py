"""Go.

Definitions know no other file of the package: a method's type may stand there, its parent is the name all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, by_name, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, field_text, line_of, unquoted
from codeassist_indexer.languages.forms.indexed_paths import MAX_FILES, IndexedPaths, shared_end
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import, Symbol
from codeassist_indexer.languages.forms.signatures import bare_name, binding_head, node_text, one_line
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec, LibraryImports

_RECEIVER = re.compile(r"\(\s*(?:\w+\s+)?\*?\s*(\w+)")
_VERSION = re.compile(r"v\d+")
_DOTTED_VERSION = re.compile(r"\.v\d+$")
MODULE, FOLDER = "module", "folder"
"""What `entries` of a module holds: its path, and the folder of its files."""
_NAMING = frozenset({"type_spec", "type_alias", "var_spec", "field_declaration"})
_KINDS = {"struct_type": "struct", "interface_type": "interface"}


def _type(node: Node, source: bytes) -> list[Named]:
    """One spec of `type ( ... )`; what it embeds are its bases."""
    name, definition = node.child_by_field_name("name"), node.child_by_field_name("type")
    if name is None or definition is None:
        return []
    kind = _KINDS.get(definition.type)
    if kind is None:
        return [Named(node_text(name, source), head="type " + binding_head(node, source), bases=())]
    members = definition.named_children
    if kind == "struct":
        members = members[0].named_children if members else []
        embedded = [m for m in members if m.type == "field_declaration" and m.child_by_field_name("name") is None]
        bases = [m.child_by_field_name("type") for m in embedded]
    else:
        bases = [m for m in members if m.type == "type_elem" and m.named_child_count == 1]
    # The keyword ends the head: `struct` and `interface` stand at the front of their node.
    head_end_byte = definition.start_byte + len(definition.type.removesuffix("_type"))
    return [
        Named(
            node_text(name, source),
            kind=kind,
            encloses=True,
            head="type " + one_line(source, node.start_byte, head_end_byte),
            bases=tuple(bare_name(node_text(base, source)).lstrip("*~ ") for base in bases if base is not None),
        )
    ]


def _names(keyword: str, node: Node, source: bytes) -> list[Named]:
    """`const A, B = 1, 2`, `x, y int`: all names share the one line."""
    head = f"{keyword} {binding_head(node, source)}".lstrip()
    is_struct = any(child.type == "struct_type" for child in node.named_children)
    names = [name for name in node.children_by_field_name("name") if name.is_named]
    return [Named(node_text(name, source), head=head, encloses=is_struct and name == names[0]) for name in names]


def _unnamed_struct(node: Node, source: bytes) -> list[Named]:
    """`[]struct{ name string }{...}`: a type that no declaration names; its fields are nobody's."""
    is_named = node.parent is not None and node.parent.type in _NAMING
    return [] if is_named else [Named("struct", kind="scope")]


def _method(node: Node, source: bytes) -> list[Named]:
    name, receiver = node.child_by_field_name("name"), node.child_by_field_name("receiver")
    if name is None or receiver is None:
        return []
    owner = _RECEIVER.match(node_text(receiver, source))
    return [Named(node_text(name, source), owner=owner[1] if owner else "", encloses=True)]


_FORMS = (
    Form(
        "[(type_declaration . (_) .) (const_declaration . (_) .) (var_declaration . (var_spec) .)]", "wrapper", nothing
    ),
    Form("[(type_spec) (type_alias)]", "type", _type),
    Form("(const_spec)", "constant", partial(_names, "const")),
    Form("(var_spec)", "variable", partial(_names, "var")),
    Form("(struct_type)", "type", _unnamed_struct),
    Form("(field_declaration name: (field_identifier))", "variable", partial(_names, "")),
    Form("(method_elem)", "method", by_name),
    Form("(method_declaration)", "method", _method),
    Form("(function_declaration)", "function", by_name),
    Form("(func_literal)", "scope", nothing),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`"a/b"` binds `b`, `"a/b/v2"` too; `. "a"` brings all names in, `_ "a"` none."""
    module = unquoted(node.child_by_field_name("path"), source)
    alias = field_text(node, "name", source)
    if alias == ".":
        return [Import(module, "*", "", line_of(node))]
    if not alias:
        *_, before, last = ("", *module.split("/"))
        alias = _package_name(before if before and _VERSION.fullmatch(last) else last)
    return [Import(module, "", "" if alias == "_" else alias, line_of(node))]


def _package_name(folder: str) -> str:
    """What a package is usually called whose path ends so: `yaml` of `yaml.v3`, `redis` of `go-redis`."""
    name = _DOTTED_VERSION.sub("", folder)
    return name if name.isidentifier() else name.removeprefix("go-").removesuffix("-go").replace("-", "_")


def _package_of(path: str) -> str:
    """An import path is known as a whole; what has no dot in its first part is the standard library's."""
    return path if "." in path.partition("/")[0].strip(".") else ""


def _library_files(index: IndexedPaths, entries: Mapping[str, str], imported: Import) -> list[str]:
    """The files of a package: those of the folder that its path names below its module's."""
    module, folder = entries.get(MODULE, ""), entries.get(FOLDER, "")
    below = imported.module.removeprefix(module).strip("/")
    found = index.in_folder("/".join(filter(None, (folder, below))))
    return [each for each in found if each.endswith(".go") and not each.endswith("_test.go")][:MAX_FILES]


def _is_exported(symbol: Symbol, owner: str) -> bool:
    return symbol.name[:1].isupper()


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """An import path ends with the package's folder; what stands before it is the module's name."""
    entries = index.own_entries("go", imported.module)
    if entries is not None:
        return _library_files(index, entries, imported)
    parts = [part for part in imported.module.strip('"`').split("/") if part]
    folders = index.folders(parts[-1]) if parts else []
    fitting = [folder for folder in folders if shared_end(folder.split("/"), parts) > 0]
    best = max(fitting, key=lambda folder: (shared_end(folder.split("/"), parts), folder), default=None)
    if best is None:
        return []
    return [c for c in index.in_folder(best) if c.endswith(".go") and not c.endswith("_test.go")][:MAX_FILES]


_LEXICON = Lexicon("go", (*of.C_COMMENTS, of.DOUBLE, of.SINGLE, of.RAW_TICK))
_LIBRARIES = LibraryImports("go", _package_of, _library_files, _is_exported, owner="", joins_files=True)

LANGUAGE = LanguageSpec(
    name="go",
    ids=("go",),
    extensions=(".go",),
    interpreters=("gorun",),
    grammar=Grammar("tree_sitter_go"),
    definitions=Definitions(_FORMS),
    imports=Imports((ImportForm("(import_spec)", _import),), _files, sees_folder=True, libraries=_LIBRARIES),
    keywords=words(
        """break case chan const continue default defer else fallthrough for func go goto if import interface map
        package range return select struct switch type var nil true false string int error bool byte"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    without=frozenset({"analysis"}),
)
