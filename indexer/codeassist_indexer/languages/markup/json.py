"""JSON, with and without comments."""

from __future__ import annotations

from codeassist_indexer.languages.spec import BracedBlocks, LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="json",
    ids=("json", "jsonc", "json5"),
    extensions=(".json", ".jsonc", ".json5", ".geojson", ".webmanifest", ".code-workspace"),
    file_names=(".prettierrc", ".eslintrc", ".babelrc"),
    literals=Literals(),
    blocks=BracedBlocks(statement_end=","),
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
