"""SQL, of any database.

Definitions know no schemas: of `a.b` the name is b. Names in quotes are taken out of them.
"""

from __future__ import annotations

from tree_sitter import Node

from codeassist_indexer.languages.forms.definition_form import Form, Named
from codeassist_indexer.languages.forms.signatures import head_before, node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, LanguageSpec, Literals

_BODIES = ("column_definitions", "create_query", "function_body", "procedure_body", "keyword_as")


def _object(node: Node, source: bytes) -> list[Named]:
    """What a statement creates: the first thing that it refers to."""
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


_FORMS = (
    Form("[(create_table) (create_view) (create_materialized_view)]", "struct", _object),
    Form("(create_table (column_definitions (column_definition) @_))", "field", _column),
    Form("(create_type)", "type", _object),
    Form("[(create_function) (create_procedure) (create_trigger)]", "function", _object),
    Form("(create_sequence)", "constant", _object),
)

_WORDS = """add all alter and as asc begin between by case cast check column commit constraint create cross database
    default delete desc distinct drop else end exists foreign from full function grant group having if in index inner
    insert into is join key left like limit not null offset on or order outer primary procedure references replace
    returning returns right rollback schema select set table then to trigger true false union unique update using values
    varchar integer int text numeric decimal timestamp boolean view when where with"""

LANGUAGE = LanguageSpec(
    name="sql",
    ids=("sql", "plsql", "mysql", "pgsql"),
    extensions=(".sql", ".ddl", ".pgsql"),
    grammar=Grammar("tree_sitter_sql"),
    definitions=Definitions(_FORMS, ("comment", "marginalia")),
    keywords=words(_WORDS) | words(_WORDS.upper()),
    literals=Literals(line_comments=("--",), single_quoted=True, backticks=True),
    without=frozenset({"imports", "blocks", "analysis"}),
)
