"""Rust.

Definitions know no other file of the crate: an `impl` block opens its type by name, wherever that stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, by_name, leaf_by_name, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, field_text, line_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, paths_by_module
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import, Symbol
from codeassist_indexer.languages.forms.signatures import bare_name, node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec, LibraryImports

FOLDER, FILE = "folder", "file"
"""What `entries` of a crate holds: the folder of its modules, and its root file."""
_NO_CRATES = frozenset({"crate", "self", "super", "Self", "std", "core", "alloc", "proc_macro", "test"})
_PATH = re.compile(r"(?<![\w:.])([a-z_]\w*)::")


def _impl(node: Node, source: bytes) -> list[Named]:
    """`impl Trait for path::Type<T>`: the type's last name, the trait as it is written.

    Of `&'a mut Vec<T>` and `dyn Trait` it is what stands behind; a slice or tuple has no other name than its text.
    """
    implemented, trait = node.child_by_field_name("type"), node.child_by_field_name("trait")
    while implemented is not None and implemented.type in ("reference_type", "pointer_type"):
        implemented = implemented.child_by_field_name("type")
    if implemented is not None and implemented.type == "dynamic_type":
        implemented = implemented.child_by_field_name("trait")
    if implemented is None:
        return []
    text = " ".join(node_text(implemented, source).split())
    name = bare_name(text).rpartition("::")[2] or text
    return [Named(name, owner=bare_name(node_text(trait, source)) if trait is not None else "")] if name else []


def _macro(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    return [Named(text := node_text(name, source), head=f"macro_rules! {text}")] if name is not None else []


_FORMS = (
    Form("(attribute_item)", "prefix", nothing),
    Form("(mod_item body: (_))", "module", by_name),
    Form("[(struct_item) (union_item)]", "struct", by_name),
    Form("(enum_item)", "enum", by_name),
    Form("(enum_variant)", "constant", by_name),
    Form("(trait_item)", "trait", by_name),
    Form("(impl_item)", "impl", _impl),
    Form("(function_item)", "function", by_name),
    Form("(function_signature_item)", "function", leaf_by_name),
    Form("(macro_definition)", "function", _macro),
    Form("[(const_item) (static_item)]", "constant", leaf_by_name),
    Form("[(type_item) (associated_type)]", "type", leaf_by_name),
    Form("(field_declaration)", "variable", leaf_by_name),
    Form("(closure_expression)", "scope", nothing),
)


def _use(node: Node, source: bytes) -> list[Import]:
    """The leaves of a use tree: `a::b::{self, C as D, e::*}`."""
    argument = node.child_by_field_name("argument")
    waiting = [(argument, "")] if argument is not None else []
    records: list[Import] = []
    while waiting:
        tree, prefix = waiting.pop()
        line = line_of(tree)
        if tree.type in ("scoped_use_list", "use_list"):
            path = _joined(prefix, field_text(tree, "path", source))
            items = tree.child_by_field_name("list") or tree
            waiting += [(child, path) for child in reversed(items.named_children)]
        elif tree.type == "use_wildcard":
            records.append(
                Import(_joined(prefix, compact(tree, source).removesuffix("*").removesuffix("::")), "*", "", line)
            )
        elif tree.type == "use_as_clause":
            records.append(_leaf(prefix, field_text(tree, "path", source), field_text(tree, "alias", source), line))
        elif tree.type in ("identifier", "scoped_identifier", "self", "crate", "super"):
            records.append(_leaf(prefix, compact(tree, source), "", line))
    return records


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}::{path}" if prefix and path else prefix or path


def _leaf(prefix: str, path: str, alias: str, line: int) -> Import:
    whole = prefix if path == "self" and prefix else _joined(prefix, path)
    module, _, name = whole.rpartition("::")
    if path == "self" or not module:
        return Import(whole, "", alias or name, line)
    return Import(module, name, "" if alias == "_" else alias or name, line)


def _crate(node: Node, source: bytes) -> list[Import]:
    """`extern crate a as b;`."""
    name = field_text(node, "name", source)
    return [Import(name, "", field_text(node, "alias", source) or name, line_of(node))]


def _module_file(node: Node, source: bytes) -> list[Import]:
    """`mod a;` takes the file `a.rs` in: as a path that is `self::a`."""
    if node.child_by_field_name("body") is not None:
        return []
    name = field_text(node, "name", source)
    return [Import(f"self::{name}", "", name, line_of(node))]


def package_of(module: str) -> str:
    """Return the crate that a path begins with; "" for one of the file's own crate, and of the language's."""
    crate = module.removeprefix("::").partition("::")[0]
    return "" if crate in _NO_CRATES else crate


def _library_files(index: IndexedPaths, entries: Mapping[str, str], imported: Import) -> list[str]:
    """The files of a module in a crate: as its path says below the crate's folder, at last the crate's root."""
    rest = imported.module.removeprefix("::").split("::")[1:]
    if imported.name not in ("", "*"):
        rest.append(imported.name)
    folder = entries.get(FOLDER, "")
    found = _below(index, folder.split("/") if folder else [], rest)
    return (found or index.existing([entries.get(FILE, "")]))[:2]


def _beside(path: list[str]) -> list[str]:
    """The folder of the modules that a file declares."""
    return path[:-1] if path[-1] in ("mod.rs", "lib.rs", "main.rs") else [*path[:-1], path[-1].removesuffix(".rs")]


def _below(index: IndexedPaths, base: Sequence[str], rest: Sequence[str], least: int = 0) -> list[str]:
    """The files of a path below a module's folder, of as many of its parts as there are files for, `least` of them."""
    names: list[str] = []
    for end in range(len(rest), least - 1, -1):
        stem = "/".join([*base, *rest[:end]])
        names += [f"{stem}.rs", f"{stem}/mod.rs"] + ([f"{stem}/lib.rs", f"{stem}/main.rs"] if end == 0 else [])
    return index.existing(names)[:2]


def _is_public(symbol: Symbol, owner: str) -> bool:
    return owner in ("trait", "enum") or symbol.signature.startswith(("pub ", "macro_rules!"))


def _named_by_path(text: str) -> list[Import]:
    """Crates that a text names without importing them: `serde_json::from_str`."""
    return [Import(name, "", name, 0) for name in dict.fromkeys(_PATH.findall(text)) if package_of(name)]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """`crate::`, `self::` and `super::` from the file's own place; another crate of the workspace by its name."""
    parts = [part for part in imported.module.replace("::", "/").split("/") if part]
    if imported.name not in ("", "*"):
        parts.append(imported.name)
    if not parts:
        return []
    here = path.split("/")
    head, rest = parts[0], parts[1:]
    if head == "crate":
        base = here[: _last_index(here, "src") + 1] if "src" in here else here[:-1]
    elif head in ("self", "super"):
        base = _beside(here)
        while rest[:1] == ["super"] or head == "super":
            base = base[:-1]
            head, rest = ("", rest) if head == "super" else ("", rest[1:])
    elif (entries := index.own_entries("cargo", head)) is not None:
        return _library_files(index, entries, imported)
    else:
        roots = paths_by_module(index, ["lib"], ".rs")
        own = [r for r in roots if r.split("/")[-3:-2] in ([head], [head.replace("_", "-")])]
        if not own:  # a module that is declared beside, or in Rust 2015 at the root
            return _below(index, _beside(here), parts, 1)
        base = own[0].split("/")[:-1]
    return _below(index, base, rest)


def _last_index(parts: Sequence[str], name: str) -> int:
    return len(parts) - 1 - list(reversed(parts)).index(name)


_LEXICON = Lexicon(
    "rust",
    (
        of.SLASHES,
        of.NESTED,
        Literal(r'(?<=r)(#+)"', r'"\1', "none", is_long=True),
        Literal(r'(?<=\br)"', '"', "none", is_long=True),
        of.LONG_DOUBLE,
        of.RUST_CHARACTER,
    ),
)

LANGUAGE = LanguageSpec(
    name="rust",
    ids=("rust",),
    extensions=(".rs",),
    interpreters=("rust-script",),
    grammar=Grammar("tree_sitter_rust"),
    definitions=Definitions(_FORMS, ("line_comment", "block_comment")),
    imports=Imports(
        forms=(
            ImportForm("(use_declaration)", _use),
            ImportForm("(extern_crate_declaration)", _crate),
            ImportForm("(mod_item)", _module_file),
        ),
        files=_files,
        folder_modules=("mod",),
        libraries=LibraryImports(
            "cargo", package_of, _library_files, _is_public, owner="impl {}", named_by_path=_named_by_path
        ),
    ),
    keywords=words(
        """as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod
        move mut pub ref return self Self static struct super trait true type unsafe use where while"""
    ),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    without=frozenset({"analysis"}),
)
