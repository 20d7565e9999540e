"""CSS."""

from __future__ import annotations

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.spec import BracedBlocks, LanguageSpec

_LEXICON = Lexicon(
    "css", (of.SLASH_STAR, Literal(r"(?<![:\x28\w\"'])//", "\n", "none", is_comment=True), of.DOUBLE, of.SINGLE)
)

LANGUAGE = LanguageSpec(
    name="css",
    ids=("css",),
    extensions=(".css",),
    line_comments=(),
    lexicon=_LEXICON,
    blocks=BracedBlocks(),
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
