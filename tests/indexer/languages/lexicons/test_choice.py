"""Every language that the index knows has a lexicon of its own, and so have formats that it has no grammar for."""

from __future__ import annotations

import pytest

from codeassist_indexer.languages.lexicons.choice import lexicon_of
from codeassist_indexer.languages.lexicons.formats import ANY
from codeassist_indexer.languages.registry import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_is_read_as_one_that_nobody_knows(language: str) -> None:
    assert lexicon_of(language) is not ANY


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/Dockerfile", "dockerfile"), ("Dockerfile.dev", "dockerfile"), ("Makefile", "makefile"), ("a.mk", "makefile"),  # noqa: E501
        ("main.tf", "terraform"), ("a.vue", "vue"), ("a.svelte", "svelte"), ("a.scss", "css"), ("a.xml", "xml"),
        ("A.PHP", "php"), ("notes.txt", "any"), ("", "any"),
    ],
)  # fmt: skip
def test_a_file_name_tells_the_lexicon_where_there_is_no_grammar(path: str, name: str) -> None:
    assert lexicon_of(None, path).name == name
