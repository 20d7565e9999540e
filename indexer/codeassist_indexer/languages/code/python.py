"""Python.

Definitions know no types: a property counts as a field, `Enum` is known by its name, whatever it was imported from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.code_pattern import BRACKETS, LINE_STRINGS, long_string
from codeassist_indexer.languages.forms.definition_form import Form, Named
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, field_text, line_of
from codeassist_indexer.languages.forms.indexed_paths import (
    IndexedPaths,
    ends_with,
    nearest,
    package_files,
    paths_by_module,
)
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import doc_line, node_text, supertypes
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import (
    Analysis,
    Definitions,
    Grammar,
    Imports,
    IndentedBlocks,
    LanguageSpec,
    LibraryImports,
)

_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "as_pattern_target",
                       "tuple", "list"})  # fmt: skip
_PROPERTY = re.compile(r"^@\s*(?:[\w.]*\.)?(?:\w*_)?property\b")
_ACCESSOR = re.compile(r"^@\s*\w+\.(?:setter|deleter|getter)\b")


def _docstring(node: Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    first = body.named_child(0) if body is not None and body.named_child_count else None
    if first is not None and first.type == "expression_statement":
        first = first.named_child(0) if first.named_child_count else None
    if first is None or first.type != "string":
        return ""
    content = (child for child in first.named_children if child.type == "string_content")
    return next((doc_line(node_text(child, source)) for child in content), "")


def _class(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    bases = supertypes(node, source)
    kind = "enum" if any(base.rpartition(".")[2] in _ENUMS for base in bases) else "class"
    return [Named(node_text(name, source), kind=kind, encloses=True, doc=_docstring(node, source), bases=bases)]


def _function(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return [Named(node_text(name, source), encloses=True, doc=_docstring(node, source))]


def _decorated(node: Node, source: bytes) -> list[Named]:
    """A property is a field; its setter and deleter say nothing new and only hide what is inside them."""
    for child in node.children:
        if child.type == "decorator":
            text = node_text(child, source)
            if _PROPERTY.match(text):
                return [Named("", kind="field")]
            if _ACCESSOR.match(text):
                return [Named("", kind="scope")]
    return []


def _targets(node: Node, source: bytes) -> list[Named]:
    """`x = 1`, `x: int`, `a, (b, *c) = …`, `for x, y in …`, `with f() as x`, `(x := 1)`: each name in the pattern."""
    pending = [node.child_by_field_name(field) for field in ("left", "alias", "name")]
    names: list[Named] = []
    while pending:
        target = pending.pop(0)
        if target is not None and target.type == "identifier":
            names.append(Named(node_text(target, source)))
        elif target is not None and target.type in _PATTERNS:
            pending[:0] = target.named_children
    return names


def _own_attribute(node: Node, source: bytes) -> list[Named]:
    """`self.x = ...`."""
    left = node.child_by_field_name("left")
    if left is None or not source.startswith(b"self.", left.start_byte):
        return []
    name = left.child_by_field_name("attribute")
    return [Named(node_text(name, source))] if name is not None else []


def _type_alias(node: Node, source: bytes) -> list[Named]:
    """`type X[T] = ...`."""
    left = node.child_by_field_name("left")
    name = re.match(r"\w+", node_text(left, source)) if left is not None else None
    return [Named(name[0])] if name else []


_FORMS = (
    Form("(decorated_definition)", "wrapper", _decorated),
    Form("(class_definition)", "class", _class),
    Form("(function_definition)", "function", _function),
    Form("(assignment left: [(identifier) (pattern_list) (tuple_pattern) (list_pattern)])", "binding", _targets),
    Form("[(for_statement) (named_expression)]", "binding", _targets),
    Form("(with_item value: (as_pattern) @_)", "binding", _targets),
    Form("(assignment left: (attribute object: (identifier)))", "attribute", _own_attribute),
    Form("(type_alias_statement)", "type", _type_alias),
)


def _import(node: Node, source: bytes) -> list[Import]:
    """`import a.b, c as d`. `import a.b` binds `a`."""
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            records.append(
                Import(field_text(child, "name", source), "", field_text(child, "alias", source), line_of(child))
            )
        else:
            module = compact(child, source)
            records.append(Import(module, "", module.partition(".")[0], line_of(child)))
    return records


def _from_import(node: Node, source: bytes) -> list[Import]:
    """`from .a import b as c, d`, `from x import *`, `from __future__ import y`."""
    module = field_text(node, "module_name", source) or "__future__"
    records: list[Import] = []
    for child in node.children_by_field_name("name"):
        name = field_text(child, "name", source) or compact(child, source)
        records.append(Import(module, name, field_text(child, "alias", source) or name, line_of(child)))
    if any(child.type == "wildcard_import" for child in node.named_children):
        records.append(Import(module, "*", "", line_of(node)))
    return records


def python_module_files(index: IndexedPaths, path: str, module: str) -> list[str]:
    """Return the file of a Python module as `path` would import it; for a namespace package, the files in it."""
    rest = module.lstrip(".")
    parts = rest.split(".") if rest else []
    num_dots = len(module) - len(rest)
    if num_dots:
        folder = path.split("/")[:-num_dots]
        return _in_folder(index, [*folder, *parts])
    if not parts:
        return []
    candidates = paths_by_module(index, parts, ".py", ".pyi")
    found = [c for c in candidates if ends_with(_module_path(c), parts)]
    return nearest(found, path)[:1] or nearest(package_files(index, parts, (".py",)), path)


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    found = python_module_files(index, path, imported.module)
    if imported.name not in ("", "*"):
        dot = "" if imported.module.endswith(".") else "."
        submodule = python_module_files(index, path, f"{imported.module}{dot}{imported.name}")
        found = [*found, *submodule[:1]]
    return found


def _package_of(module: str) -> str:
    return module.partition(".")[0]


def _library_files(index: IndexedPaths, entries: Mapping[str, str], imported: Import) -> list[str]:
    """The files of a module as they lie below site-packages; of a project, below the folder that `entries` names."""
    parts = [*filter(None, entries.get("", "").split("/")), *imported.module.split(".")]
    submodule = _in_folder(index, [*parts, imported.name]) if imported.name not in ("", "*") else []
    return [*_in_folder(index, parts), *submodule[:1]]


def _in_folder(index: IndexedPaths, parts: Sequence[str]) -> list[str]:
    base = "/".join(parts)
    inside = f"{base}/" if base else ""
    names = [f"{inside}__init__.py", f"{inside}__init__.pyi"] + ([f"{base}.py", f"{base}.pyi"] if base else [])
    return index.existing(names)


def _module_path(path: str) -> list[str]:
    stem = path.rpartition(".")[0]
    return stem.removesuffix("/__init__").split("/")


def _read_ahead(index: IndexedPaths, imports: Iterable[Import]) -> None:
    """Read with two queries what `_files` will ask one by one of these imports, as far as it can be told."""
    modules: list[tuple[str, ...]] = []
    for each in imports:
        if not each.module.startswith("."):
            parts = tuple(each.module.split("."))
            modules += [parts] if each.name in ("", "*") else [parts, (*parts, each.name)]
    questions = [(parts[-1], "/".join(parts)) for parts in modules if parts[-1]]
    index.read_modules(questions)
    index.read_folders([each for each in questions if not index.by_module(*each)])


def _is_one_line(line: str) -> bool:
    return "(" not in line and not line.rstrip("\r\n").endswith("\\")


_CODE = re.compile(
    rf"(?:{long_string(chr(34), 'open_long')}|{long_string(chr(39), 'open_long2')}|{LINE_STRINGS}"
    rf"|\#[^\n]*(?:(?=\n)|(?P<open_comment>\Z)))|{BRACKETS}"
)


def _formatted(quote: Literal) -> Literal:
    """A string of Python with code in braces: `f` stands before it."""
    return replace(quote, opens=rf"(?<=[fFtT])(?:(?<=\b[fFtT])|(?<=\b[rR][fFtT])|(?<=\b[fFtT][rR])){quote.opens}",
                   holes=(of.BRACE,))  # fmt: skip


_LEXICON = Lexicon(
    "python",
    (
        of.HASH,
        *(_formatted(quote) for quote in (of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE)),
        *(of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE),
    ),
)

LANGUAGE = LanguageSpec(
    name="python",
    ids=("python", "ipython", "snakemake"),
    extensions=(".py", ".pyi", ".pyw"),
    interpreters=("python", "pypy", "uv"),
    grammar=Grammar("tree_sitter_python"),
    definitions=Definitions(_FORMS),
    imports=Imports(
        forms=(
            ImportForm("(import_statement)", _import),
            ImportForm("[(import_from_statement) (future_import_statement)]", _from_import),
        ),
        files=_files,
        read_ahead=_read_ahead,
        line=re.compile(r"\n[ \t]*(?:import|from)\b"),
        is_one_line=_is_one_line,
        folder_modules=("__init__",),
        libraries=LibraryImports("python", _package_of, _library_files),
    ),
    keywords=words(
        """False None True and as assert async await break class continue def del elif else except finally for from
        global if import in is lambda nonlocal not or pass raise return try while with yield self cls"""
    ),
    line_comments=("#",),
    lexicon=_LEXICON,
    blocks=IndentedBlocks(
        header=re.compile(
            r"\s*(async\b|def\b|class\b|if\b|elif\b|else\b|for\b|while\b|with\b|try\b|except\b|finally\b|match\b|case\b|[)\]}]).*:$"
        ),
        function=re.compile(r"(?:async\s+)?def\s+([^\W\d]\w*)"),
        definition=re.compile(r"^(?=[ \t]*((async )?def|class) \w+.*[:(,]$)", re.MULTILINE),
        doc_quotes=('"""', "'''"),
    ),
    analysis=Analysis(_CODE),
)
