"""TOML."""

from __future__ import annotations

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.spec import LanguageSpec

_LEXICON = Lexicon("toml", (of.HASH, of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, Literal("'", "'", "none")))

LANGUAGE = LanguageSpec(
    name="toml",
    ids=("toml",),
    extensions=(".toml",),
    file_names=("Cargo.lock", "Pipfile", "poetry.lock", "uv.lock"),
    line_comments=("#",),
    lexicon=_LEXICON,
    without=frozenset({"definitions", "imports", "keywords", "blocks", "analysis"}),
)
