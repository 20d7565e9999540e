"""PHP.

Definitions know no autoloader: a file's namespace is read from it, and an import leads to the files that declare it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import (
    Form,
    Named,
    by_name,
    dotted,
    leaf_by_name,
    names_with_shared_head,
    nothing,
)
from codeassist_indexer.languages.forms.import_form import ImportForm, compact, field_text, line_of
from codeassist_indexer.languages.forms.indexed_paths import (
    IndexedPaths,
    ends_with,
    nearest,
    paths_by_module,
)
from codeassist_indexer.languages.forms.lexicon import Hole, Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import binding_head, node_text, one_line
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import BracedBlocks, Definitions, Grammar, Imports, LanguageSpec

_BASE_CLAUSES = ("base_clause", "class_interface_clause")
_DEFINE = re.compile(r"""\\?define\(\s*["']([^\W\d]\w*)["']""")
_STRING = re.compile(r"""["']([^"'$\n]+)["']\s*\)*\s*\Z""")


def _namespace(node: Node, source: bytes) -> list[Named]:
    """`namespace A\\B;` holds up to the next one, `namespace A\\B { }` in its braces."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    reach_byte = None
    if node.child_by_field_name("body") is None:
        following = node.next_named_sibling
        while following is not None and following.type != "namespace_definition":
            following = following.next_named_sibling
        reach_byte = following.start_byte if following is not None else len(source)
    return [Named(dotted(node_text(name, source)), encloses=True, reach_byte=reach_byte)]


def _type(node: Node, source: bytes) -> list[Named]:
    """What a type extends and implements, and the traits that it takes in."""
    clauses = [child for child in node.named_children if child.type in _BASE_CLAUSES]
    body = node.child_by_field_name("body")
    clauses += [child for child in body.named_children if child.type == "use_declaration"] if body is not None else []
    names = [each for clause in clauses for each in clause.named_children if each.type in ("name", "qualified_name")]
    bases = tuple(dict.fromkeys(node_text(each, source).lstrip("\\") for each in names))
    return [replace(each, bases=bases) for each in by_name(node, source)]


def _method(node: Node, source: bytes) -> list[Named]:
    kinds = {"__construct": "constructor"}
    return [replace(each, kind=kinds.get(each.name.lower())) for each in by_name(node, source)]


def _properties(node: Node, source: bytes) -> list[Named]:
    """`private int $a = 1, $b;`: the names are written without the `$` where they are used."""
    elements = [child for child in node.named_children if child.type == "property_element"]
    return [replace(each, name=each.name.lstrip("$&")) for each in names_with_shared_head(node, elements, source)]


def _promoted(node: Node, source: bytes) -> list[Named]:
    """`__construct(private Item $item)`."""
    name = node.child_by_field_name("name")
    return [Named(node_text(name, source).lstrip("$&"))] if name is not None else []


def _constants(node: Node, source: bytes) -> list[Named]:
    """`public const A = 1, B = 2;`."""
    elements = [child for child in node.named_children if child.type == "const_element"]
    if not elements:
        return []
    shared = one_line(source, node.start_byte, elements[0].start_byte)
    names = [(each, each.named_child(0)) for each in elements]
    return [
        Named(node_text(name, source), head=f"{shared} {binding_head(each, source)}")
        for each, name in names
        if name is not None
    ]


def _define(node: Node, source: bytes) -> list[Named]:
    """`define('NAME', value)`."""
    found = _DEFINE.match(node_text(node, source))
    return [Named(found[1])] if found else []


_FORMS = (
    Form("(namespace_definition)", "module", _namespace),
    Form("(class_declaration)", "class", _type),
    Form("(interface_declaration)", "interface", _type),
    Form("(trait_declaration)", "trait", _type),
    Form("(enum_declaration)", "enum", _type),
    Form("(enum_case)", "constant", leaf_by_name),
    Form("(method_declaration)", "method", _method),
    Form("(function_definition)", "function", by_name),
    Form("(property_declaration)", "variable", _properties),
    Form("(property_promotion_parameter)", "attribute", _promoted),
    Form("(const_declaration)", "constant", _constants),
    Form("(expression_statement (function_call_expression function: (name) arguments: (_)) @_)", "constant", _define),
    Form("[(anonymous_function) (arrow_function) (anonymous_class)]", "scope", nothing),
)


def _use(node: Node, source: bytes) -> list[Import]:
    """`use A\\B;`, `use A\\{B, C as D, E\\F};`, `use function A\\f;`."""
    group = node.child_by_field_name("body")
    prefix = next((compact(child, source) for child in node.named_children if child.type == "namespace_name"), "")
    return [_clause(each, prefix, source) for each in (group or node).named_children if "use_clause" in each.type]


def _clause(node: Node, prefix: str, source: bytes) -> Import:
    taken = next((child for child in node.named_children if child.type in ("name", "qualified_name")), node)
    path = f"{prefix}\\{compact(taken, source)}".strip("\\")
    module, _, name = path.rpartition("\\")
    return Import(module, name, field_text(node, "alias", source) or name, line_of(node))


def _required(node: Node, source: bytes) -> list[Import]:
    """`require __DIR__ . '/a.php';`: the path as far as it is written out."""
    path = _STRING.search(node_text(node, source))
    return [Import(path[1], "*", "", line_of(node))] if path else []


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """A name leads to the files that declare its namespace and define it; a required file to that file."""
    if imported.name == "*":
        return _included(index, path, imported.module)
    if imported.module:
        return nearest(index.declaring(dotted(imported.module), imported.name), path)
    return nearest(paths_by_module(index, [imported.name], ".php"), path)[:1]


def _included(index: IndexedPaths, path: str, written: str) -> list[str]:
    folder = posixpath.dirname(path)
    here = index.existing([posixpath.normpath(posixpath.join(folder, written.lstrip("/")))])
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    if here or not parts:
        return here
    found = paths_by_module(index, [parts[-1].partition(".")[0]], ".php", ".inc", ".phtml")
    return nearest((each for each in found if ends_with(each.split("/"), parts)), path)[:1]


def _is_one_line(line: str) -> bool:
    return ";" in line


_KEYWORDS = words(
    """abstract and array as break callable case catch class clone const continue declare default do echo else
    elseif empty enddeclare endfor endforeach endif endswitch endwhile enum extends final finally fn for foreach
    function global goto if implements include include_once instanceof insteadof interface isset list match
    namespace new or print private protected public readonly require require_once return self static switch this
    throw trait try unset use var while xor yield parent true false null TRUE FALSE NULL int float string bool
    void mixed php"""
)


_PHP_HOLES = (Hole(r"\{(?=\$)", "}"), of.DOLLAR)
_CODE = Lexicon(
    "php code",
    (
        Literal(r"#(?!\[)", "\n", "none", is_comment=True),
        *of.C_COMMENTS,
        Literal(r"<<<\s?[\"']?(\w+)[\"']?", r"\1", "none", is_long=True, is_here_document=True),
        replace(of.LONG_DOUBLE, holes=_PHP_HOLES),
        of.LONG_SINGLE,
        of.TICK,
    ),
)

_LEXICON = Lexicon("php", (of.MARKUP_COMMENT,), (of.PHP_REGION,), of.HTML_MARKUP, has_code=False, within=(_CODE,))

LANGUAGE = LanguageSpec(
    name="php",
    ids=("php",),
    extensions=(".php", ".phtml"),
    interpreters=("php",),
    grammar=Grammar("tree_sitter_php", "language_php"),
    definitions=Definitions(_FORMS),
    imports=Imports(
        forms=(
            ImportForm("(namespace_use_declaration)", _use),
            ImportForm(
                "[(require_expression) (require_once_expression) (include_expression) (include_once_expression)]",
                _required,
            ),
        ),
        files=_files,
        # Indented, `use` takes in a trait or is part of a closure.
        line=re.compile(r"\n(?:use\b|[ \t]*(?:require|include)(?:_once)?\b)"),
        is_one_line=_is_one_line,
        sees_folder=True,
    ),
    keywords=_KEYWORDS,
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    doubled_names=frozenset({"strstr"}),
    without=frozenset({"analysis"}),
)
