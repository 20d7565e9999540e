"""SQL, of any database.

Definitions know no schemas: of `a.b` the name is b. Names in quotes are taken out of them.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.signatures import head_before, node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, LanguageSpec

_CREATED = re.compile(
    r"CREATE\s+(?:OR\s+\w+\s+)?(?:TEMP\w*\s+|UNLOGGED\s+|MATERIALIZED\s+|GLOBAL\s+|LOCAL\s+|RECURSIVE\s+|VIRTUAL\s+"
    r"|CONSTRAINT\s+|EVENT\s+)*(TABLE|VIEW|TYPE|FUNCTION|PROCEDURE|TRIGGER|SEQUENCE)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?:[\w$]+\s*\.\s*|[\"`\[][^\"`\]\n]+[\"`\]]\s*\.\s*)*([\w$]+|[\"`\[][^\"`\]\n]+[\"`\]])",
    re.IGNORECASE,
)
_KINDS = {"TABLE": "struct", "VIEW": "struct", "TYPE": "type", "SEQUENCE": "constant"}
_HEAD_CHARS = 400
_BODIES = ("column_definitions", "create_query", "function_body", "procedure_body", "keyword_as")


def _object(node: Node, source: bytes) -> list[Named]:
    """What a statement creates: the first thing that it refers to."""
    if node.has_error:
        return _half_read(node, source)
    reference = next((each for each in node.named_children if each.type in ("object_reference", "identifier")), None)
    if reference is None:
        return []
    name = reference.child_by_field_name("name") or reference
    return [Named(_unquoted(name, source), encloses=True, head=head_before(node, source, *_BODIES), bases=())]


def _unquoted(name: Node, source: bytes) -> str:
    return node_text(name, source).strip("\"`[]' \n")


def _column(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    return [Named(_unquoted(name, source))] if name is not None else []


def _half_read(node: Node, source: bytes) -> list[Named]:
    """A statement that the grammar cannot read, for the databases' dialects are many: it may run on into the next one.

    What stands in it belongs to it up to the next word that creates something.
    """
    text = source[node.start_byte : node.start_byte + _HEAD_CHARS].decode("utf-8", "replace")
    found = _CREATED.match(text)
    if found is None:
        return []
    head = text[: found.end()] + re.split(r"\n|\bAS\b|;", text[found.end() :], maxsplit=1, flags=re.IGNORECASE)[0]
    kind = _KINDS.get(found[1].upper(), "function")
    reach_byte = _next_created_byte(node if node.type != "keyword_create" else _statement_around(node), node.start_byte)
    name = found[2].strip('"`[]')
    return [Named(name, kind=kind, encloses=True, reach_byte=reach_byte, head=" ".join(head.rstrip(" (").split()))]


def _next_created_byte(statement: Node, start_byte: int) -> int:
    """Where after `start_byte` the next thing is created inside a statement, or where that ends."""
    waiting = list(reversed(statement.children))
    while waiting:
        node = waiting.pop()
        if node.type == "keyword_create" and node.start_byte > start_byte:
            return node.start_byte
        if node.end_byte > start_byte:
            waiting += reversed(node.children)
    return statement.end_byte


def _statement_around(node: Node) -> Node:
    error = node.parent
    return error.parent if error is not None and error.parent is not None else node


_FORMS = (
    Form("[(create_table) (create_view) (create_materialized_view)]", "struct", _object),
    Form("(create_table (column_definitions (column_definition) @_))", "field", _column),
    Form("(create_type)", "type", _object),
    Form("[(create_function) (create_procedure) (create_trigger)]", "function", _object),
    Form("(create_sequence)", "constant", _object),
    Form("(ERROR (keyword_create) @_)", "function", _half_read),
)

_WORDS = """add all alter and as asc begin between by case cast check column commit constraint create cross database
    default delete desc distinct drop else end exists foreign from full function grant group having if in index inner
    insert into is join key left like limit not null offset on or order outer primary procedure references replace
    returning returns right rollback schema select set table then to trigger true false union unique update using values
    varchar integer int text numeric decimal timestamp boolean view when where with"""

_LEXICON = Lexicon(
    "sql", (of.DASHES, of.SLASH_STAR, of.SQL_SINGLE, of.SQL_DOUBLE, Literal("`", "`", "doubled", is_long=True))
)

LANGUAGE = LanguageSpec(
    name="sql",
    ids=("sql", "plsql", "mysql", "pgsql"),
    extensions=(".sql", ".ddl", ".pgsql"),
    grammar=Grammar("tree_sitter_sql"),
    definitions=Definitions(_FORMS, ("comment", "marginalia")),
    keywords=words(_WORDS) | words(_WORDS.upper()),
    line_comments=("--",),
    lexicon=_LEXICON,
    without=frozenset({"imports", "blocks", "analysis"}),
)
