"""CSS."""

from __future__ import annotations

from codeassist_indexer.languages.spec import BracedBlocks, LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="css",
    ids=("css",),
    extensions=(".css",),
    literals=Literals(line_comments=(), single_quoted=True),
    blocks=BracedBlocks(),
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
