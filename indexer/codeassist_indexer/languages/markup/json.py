"""JSON, with and without comments."""

from __future__ import annotations

from codeassist_indexer.languages.spec import BracedBlocks, Grammar, LanguageSpec, Literals

LANGUAGE = LanguageSpec(
    name="json",
    ids=("json", "jsonc", "json5"),
    extensions=(".json", ".jsonc", ".json5", ".geojson", ".webmanifest", ".code-workspace"),
    file_names=(".prettierrc", ".eslintrc", ".babelrc"),
    grammar=Grammar("tree_sitter_json"),
    literals=Literals(),
    blocks=BracedBlocks(statement_end=","),
    is_indexed=False,
    without=frozenset({"definitions", "imports", "keywords", "analysis"}),
)
