"""YAML."""

from __future__ import annotations

import re

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.spec import IndentedBlocks, LanguageSpec

_LEXICON = Lexicon(
    "yaml",
    (
        of.HASH_WORD,
        Literal(r'(?<![^\s\[{\x28,:=@])"', '"'),
        Literal(r"(?<![^\s\[{\x28,:=@])'", "'", "doubled"),
    ),
    has_case_patterns=True,  # scripts stand in it
)

LANGUAGE = LanguageSpec(
    name="yaml",
    ids=("yaml", "dockercompose", "github-actions-workflow"),
    extensions=(".yaml", ".yml"),
    file_names=(".clang-format", ".clang-tidy"),
    line_comments=("#",),
    lexicon=_LEXICON,
    blocks=IndentedBlocks(
        header=re.compile(r"\s*(?:- +)*[^\s#].*:(?:\s+[|>][-+\d]*)?$"),
        function=re.compile(r"(?!)()"),
        definition=re.compile(r"^(?=[ \t]*(?:- +)?[\w./-]+:(?:\s|$))", re.MULTILINE),
        doc_quotes=(),
    ),
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
