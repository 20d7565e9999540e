"""HTML."""

from __future__ import annotations

from codeassist_indexer.languages.spec import LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="html",
    ids=("html",),
    extensions=(".html", ".htm", ".xhtml"),
    literals=Literals(line_comments=(), block_comment=("<!--", "-->")),
    without=frozenset({"definitions", "imports", "keywords", "blocks", "analysis"}),
)
