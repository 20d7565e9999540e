"""HTML."""

from __future__ import annotations

from codeassist_indexer.languages.spec import Grammar, LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="html",
    ids=("html",),
    extensions=(".html", ".htm", ".xhtml"),
    grammar=Grammar("tree_sitter_html"),
    literals=Literals(line_comments=(), block_comment=("<!--", "-->")),
    is_indexed=False,
    without=frozenset({"definitions", "imports", "keywords", "blocks", "analysis"}),
)
