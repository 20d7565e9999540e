"""TOML."""

from __future__ import annotations

from codeassist_indexer.languages.spec import LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="toml",
    ids=("toml",),
    extensions=(".toml",),
    file_names=("Cargo.lock", "Pipfile", "poetry.lock", "uv.lock"),
    literals=Literals(line_comments=("#",), block_comment=None, long_quotes=('"""', "'''"), single_quoted=True),
    without=frozenset({"definitions", "imports", "keywords", "blocks", "analysis"}),
)
