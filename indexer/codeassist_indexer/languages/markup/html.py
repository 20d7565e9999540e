"""HTML."""

from __future__ import annotations

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Region
from codeassist_indexer.languages.spec import LanguageSpec

_TEMPLATE = (Region(r"\{%", "%}", "any"), Region("<%", "%>", "any"))
_LEXICON = Lexicon(
    "html", (of.MARKUP_COMMENT,), (of.PHP_REGION, of.MUSTACHE, *_TEMPLATE), of.HTML_MARKUP, has_code=False
)

LANGUAGE = LanguageSpec(
    name="html",
    ids=("html",),
    extensions=(".html", ".htm", ".xhtml"),
    line_comments=(),
    lexicon=_LEXICON,
    without=frozenset({"definitions", "imports", "keywords", "blocks", "analysis"}),
)
