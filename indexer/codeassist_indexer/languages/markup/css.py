"""CSS."""

from __future__ import annotations

from codeassist_indexer.languages.spec import BracedBlocks, Grammar, LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="css",
    ids=("css",),
    extensions=(".css",),
    grammar=Grammar("tree_sitter_css"),
    literals=Literals(line_comments=(), single_quoted=True),
    blocks=BracedBlocks(),
    is_indexed=False,
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
