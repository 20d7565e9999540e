"""TypeScript: JavaScript with types. (With markup in it, it is tsx.py's.)"""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.code.javascript import DEFINITION_FORMS, SCRIPT, member
from codeassist_indexer.languages.code.javascript import LANGUAGE as JAVASCRIPT
from codeassist_indexer.languages.forms.definition_form import (
    Form,
    Named,
    by_name,
    itself,
    leaf_by_name,
    module_by_name,
    nothing,
)
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.mend import Mend, Mends
from codeassist_indexer.languages.forms.signatures import node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar


def _parameter_property(node: Node, source: bytes) -> list[Named]:
    """`constructor(private readonly x: T)`."""
    pattern = node.child_by_field_name("pattern")
    return [Named(node_text(pattern, source))] if pattern is not None else []


_FORMS = (
    *DEFINITION_FORMS,
    Form("(ambient_declaration)", "wrapper", nothing),
    Form("(class_body (decorator) @_)", "prefix", nothing),
    Form("(abstract_class_declaration)", "class", by_name),
    Form("(interface_declaration)", "interface", by_name),
    Form("(enum_declaration)", "enum", by_name),
    Form("(enum_body name: (property_identifier) @_)", "constant", itself),
    Form("(enum_assignment)", "constant", leaf_by_name),
    Form("(type_alias_declaration)", "type", by_name),
    Form("[(internal_module) (module)]", "module", module_by_name),
    Form("(function_signature)", "function", leaf_by_name),
    Form("[(method_signature) (abstract_method_signature)]", "method", leaf_by_name),
    Form("[(public_field_definition) (property_signature)]", "variable", member),
    Form("(required_parameter (accessibility_modifier) pattern: (identifier))", "attribute", _parameter_property),
)

_KEYWORDS = words(
    """any abstract as boolean declare enum implements interface keyof namespace never number private protected public
    readonly string type unknown"""
)

# What the grammar does not know yet, found in files that it could not read whole.
_MENDS = Mends(
    errors=(
        Mend(re.compile(rb"\bexport[ \t]+(?P<gone>type)(?=\s*\*)")),
        # `import("./a").B<T>` as a type.
        Mend(re.compile(rb"(?P<gone>\bimport\(\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*\))(?=\s*\.\s*[A-Z])"), b"_"),
        # `<in out T>`, `<const T>`.
        Mend(
            re.compile(
                rb"[<,]\s*(?:/\*(?:[^*]|\*(?!/))*\*/\s*)?(?P<gone>(?:(?:in|out|const)\s+)+)"
                rb"(?=[A-Z_$][\w$]*\s*(?:extends\b|[=,>]))"
            )
        ),
        # `(any) => void`: a parameter that is called as a type is.
        Mend(
            re.compile(
                rb"(?<=[(,])\s*(?P<gone>any|string|number|boolean|unknown|never|object|symbol|void|bigint)"
                rb"(?=\s*(?:,[^()]{0,200})?\)\s*=>)"
            ),
            b"_",
        ),
        # A call signature on a line of its own, after a member without a semicolon.
        Mend(re.compile(rb"\n[ \t]*(?P<gone>[ \t])(?=<[^<>;{}()]*(?:<[^<>;{}()]*>[^<>;{}()]*)*>\s*\()"), b";"),
    )
)

_LEXICON = Lexicon("script", SCRIPT, slash_regex=True)

LANGUAGE = replace(
    JAVASCRIPT,
    name="typescript",
    ids=("typescript",),
    extensions=(".ts", ".mts", ".cts"),
    interpreters=("ts-node", "tsx", "deno"),
    grammar=Grammar("tree_sitter_typescript", "language_typescript"),
    definitions=Definitions(_FORMS),
    keywords=(JAVASCRIPT.keywords or frozenset()) | _KEYWORDS,
    lexicon=_LEXICON,
    mends=_MENDS,
)
