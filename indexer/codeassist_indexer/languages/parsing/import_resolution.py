"""Which files of the repository an import means: asked of the importing file's language."""

from __future__ import annotations

from collections.abc import Iterable

from codeassist_indexer.languages.forms.indexed_paths import Queries, Remembering
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import imports_of_language


def ask_ahead(asked: Remembering, language: str, imports: Iterable[Import]) -> None:
    """Ask at once what `files_of_import` will ask one by one of these imports, where the language can tell."""
    rules = imports_of_language(language)
    if rules is not None and rules.ask_ahead is not None:
        rules.ask_ahead(asked, imports)


def files_of_import(store: Queries, path: str, language: str, imported: Import) -> list[str]:
    """Return the files in which the imported name may be defined, the likeliest first; [] for what is not here."""
    rules = imports_of_language(language)
    return rules.files(store, path, imported) if rules is not None else []
