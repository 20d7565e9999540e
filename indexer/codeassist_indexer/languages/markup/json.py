"""JSON, with and without comments."""

from __future__ import annotations

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.spec import BracedBlocks, LanguageSpec

_LEXICON = Lexicon("json", (of.SLASHES, of.SLASH_STAR, of.DOUBLE, Literal(r"(?<!\w)'", "'")))

LANGUAGE = LanguageSpec(
    name="json",
    ids=("json", "jsonc", "json5"),
    extensions=(".json", ".jsonc", ".json5", ".geojson", ".webmanifest", ".code-workspace"),
    file_names=(".prettierrc", ".eslintrc", ".babelrc"),
    lexicon=_LEXICON,
    blocks=BracedBlocks(statement_end=","),
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
