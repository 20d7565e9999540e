"""Lua.

Definitions know no class library: a table that the file returns is a module, an empty one that functions are put into
a class; what a function's name says before its last dot or colon is what it belongs to.
"""

from __future__ import annotations

import posixpath
import re

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, dotted, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, line_of
from codeassist_indexer.languages.forms.indexed_paths import (
    IndexedPaths,
    ends_with,
    nearest,
    package_files,
    paths_by_module,
)
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import WHOLE_BINDING_CHARS, node_text, one_line
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, Imports, LanguageSpec, WordBlocks

_NEAR_BYTES = 4_000  # a class has its functions below it
_TAIL_BYTES = 300  # a module returns its table in its last line
_EMPTY_TABLE = re.compile(r"\{\s*\}\Z|setmetatable\(|[Cc]lass\b|[\w.]+:(?:extend|subclass|new)\(")
_REQUIRED = re.compile(r"require\b")
_LUA_PATH = re.compile(r"\.lua\Z")


def _function(node: Node, source: bytes) -> list[Named]:
    """`function a.b:c(d)`: c of a.b."""
    name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
    if name is None:
        return []
    end_byte = (parameters or name).end_byte
    return [_member(node_text(name, source), one_line(source, node.start_byte, end_byte))]


def _member(path: str, head: str) -> Named:
    owner, _, name = dotted(path.replace(":", ".")).rpartition(".")
    return Named(name, owner=owner, encloses=True, head=head)


def _assigned(node: Node, source: bytes) -> list[Named]:
    """`local a, b = 1, 2`, `a.b = 1`, `a.b = function(c) end`."""
    targets = _listed(node, "variable_list")
    values = _listed(node, "expression_list")
    named: list[Named] = []
    for position, target in enumerate(targets):
        if target.type not in ("identifier", "dot_index_expression"):
            continue
        value = values[position] if position < len(values) else None
        if value is not None and _REQUIRED.match(node_text(value, source)):
            continue
        made = _of_value(node, target, value, source)
        is_metamethod = made.name.startswith("__") and (value is None or value.type != "function_definition")
        if not is_metamethod and made.owner != "self":
            named.append(made)
    return named


def _of_value(node: Node, target: Node, value: Node | None, source: bytes) -> Named:
    around = node.parent if node.parent is not None and node.parent.type == "variable_declaration" else node
    path = node_text(target, source)
    head = one_line(source, around.start_byte, node.end_byte)
    if b"\n" in source[node.start_byte : node.end_byte] or node.end_byte - node.start_byte > WHOLE_BINDING_CHARS:
        head = one_line(source, around.start_byte, target.end_byte)
    if value is not None and value.type == "function_definition":
        parameters = value.child_by_field_name("parameters")
        end_byte = parameters.end_byte if parameters is not None else value.start_byte
        return _member(path, one_line(source, around.start_byte, end_byte))
    owner, _, name = dotted(path).rpartition(".")
    text = node_text(value, source) if value is not None else ""
    is_table = value is not None and (value.type == "table_constructor" or _EMPTY_TABLE.match(text) is not None)
    kind = "field" if owner else "constant"
    if is_table and not owner and re.search(rb"\n[ \t]*return\s+%b\b" % name.encode(), source[-_TAIL_BYTES:]):
        kind = "module"
    elif (
        is_table
        and _EMPTY_TABLE.match(text)
        and _has_functions(path, source[node.end_byte : node.end_byte + _NEAR_BYTES])
    ):
        kind = "class"
    return Named(name, kind=kind, owner=owner, encloses=is_table, head=head)


def _has_functions(path: str, below: bytes) -> bool:
    """Whether functions are put into a table, or it is one of those that objects look into."""
    table = re.escape(path.encode())
    return (
        re.search(rb"\bfunction\s+%b[.:]|\b%b\.(?:\w+\s*=\s*function\b|__index\b)" % (table, table), below) is not None
    )


def _listed(node: Node, kind: str) -> list[Node]:
    found = next((child for child in node.named_children if child.type == kind), None)
    return [child for child in found.named_children if child.type != "attribute"] if found is not None else []


def _field(node: Node, source: bytes) -> list[Named]:
    """`{ name = function(a) end }`: only functions and tables of functions, for tables are mostly data."""
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if name is None or value is None or name.type != "identifier":
        return []
    if value.type == "table_constructor":
        values = (each.child_by_field_name("value") for each in value.named_children)
        if not any(each is not None and each.type == "function_definition" for each in values):
            return []
    parameters = value.child_by_field_name("parameters")
    end_byte = parameters.end_byte if parameters is not None else value.start_byte
    return [Named(node_text(name, source), encloses=True, head=one_line(source, node.start_byte, end_byte))]


_FORMS = (
    Form("(variable_declaration (assignment_statement))", "wrapper", nothing),
    Form("(function_declaration)", "function", _function),
    Form("(assignment_statement (expression_list . value: (function_definition)))", "function", _assigned),
    Form("(assignment_statement)", "constant", _assigned),
    Form("(field value: (function_definition))", "function", _field),
    Form("(field value: (table_constructor))", "constant", _field),
    Form("(function_definition)", "scope", nothing),
)


def _require(node: Node, source: bytes) -> list[Import]:
    """`local a = require("b.c")`, `local d = require("b").d`; a call by itself brings in globals."""
    name, arguments = node.child_by_field_name("name"), node.child_by_field_name("arguments")
    called = node_text(name, source) if name is not None else ""
    given = arguments.named_children if arguments is not None else []
    if called not in ("require", "dofile", "loadfile") or len(given) != 1 or given[0].type != "string":
        return []
    module = node_text(given[0], source).strip("\"'[]=")
    value, taken = node, ""
    if node.parent is not None and node.parent.type == "dot_index_expression":
        value = node.parent
        field = value.child_by_field_name("field")
        taken = node_text(field, source) if field is not None else ""
    listed = value.parent
    assignment = listed.parent if listed is not None and listed.type == "expression_list" else None
    if assignment is None or assignment.type != "assignment_statement" or listed is None:
        return [Import(module, "*", "", line_of(node))]
    position = next((at for at, each in enumerate(listed.named_children) if each.id == value.id), 0)
    targets = _listed(assignment, "variable_list")
    alias = node_text(targets[position], source) if position < len(targets) else ""
    return [Import(module, taken, alias.rpartition(".")[2], line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """`a.b` is a/b.lua or a/b/init.lua below some root; a path with its extension stands beside the file."""
    if _LUA_PATH.search(imported.module):
        return index.existing([posixpath.normpath(posixpath.join(posixpath.dirname(path), imported.module))])
    parts = [part for part in re.split(r"[./]", imported.module) if part]
    if not parts:
        return []
    found = [each for each in paths_by_module(index, parts, ".lua") if ends_with(_stem(each), parts)]
    found = found or [each for each in package_files(index, parts, (".lua",)) if _stem(each)[-1] == "init"]
    return nearest(found, path)[:1]


def _stem(path: str) -> list[str]:
    return path.removesuffix(".lua").split("/")


def _is_one_line(line: str) -> bool:
    return "require" in line


_LEXICON = Lexicon(
    "lua",
    (
        Literal(r"--\[(=*)\[", r"]\1]", "none", is_long=True, is_comment=True),
        of.DASHES,
        Literal(r"\[(=*)\[", r"]\1]", "none", is_long=True),
        of.DOUBLE,
        of.SINGLE,
    ),
)

LANGUAGE = LanguageSpec(
    name="lua",
    ids=("lua",),
    extensions=(".lua", ".rockspec"),
    interpreters=("lua", "luajit"),
    grammar=Grammar("tree_sitter_lua"),
    definitions=Definitions(_FORMS),
    imports=Imports(
        forms=(ImportForm("(function_call name: (identifier) arguments: (arguments (string)))", _require),),
        files=_files,
        line=re.compile(r"\n[ \t]*(?:local\b[^\n]*\brequire|require|dofile)\b"),
        is_one_line=_is_one_line,
    ),
    keywords=words(
        """and break do else elseif end false for function goto if in local nil not or repeat return then true until
        while self require"""
    ),
    line_comments=("--",),
    lexicon=_LEXICON,
    blocks=WordBlocks(
        header=re.compile(
            r"(?!.*\bend\b\W*$).*(?:\b(?:then|do|repeat|else)|\bfunction\b\s*[\w.:]*\s*\([^()]*\)|\{)\s*$"
        ),
        function=re.compile(r"(?:local\s+)?function\s+(?:[\w.]*[.:])?([^\W\d]\w*)"),
        end="",
        closers=re.compile(r"(?:end|until)\b"),
    ),
    without=frozenset({"analysis"}),
)
