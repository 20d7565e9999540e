"""Each language's spec is whole: a part that is absent is named in `without`, and what stands in the others works."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from tree_sitter import Query

from codeassist_indexer.analysis.text.lexer import lex_end
from codeassist_indexer.analysis.text.name_positions import NamePositions
from codeassist_indexer.fitting.completion_extent import lines_wanted
from codeassist_indexer.fitting.lexing.scan import scan
from codeassist_indexer.fitting.trim import trim
from codeassist_indexer.languages import registry
from codeassist_indexer.languages.parsing.imports import import_patterns
from codeassist_indexer.languages.parsing.parse import parse_file, parse_imports
from codeassist_indexer.languages.parsing.symbols import symbol_patterns
from codeassist_indexer.languages.registry import LANGUAGES, grammar, language_of, spec_of_id
from codeassist_indexer.languages.spec import PARTS, BracedBlocks, IndentedBlocks, LanguageSpec, WordBlocks
from codeassist_indexer.storage.lexical import code_tokens

CASES = Path(__file__).parent / "cases"
EVERY = pytest.mark.parametrize("spec", LANGUAGES.values(), ids=list(LANGUAGES))
INDEXED = pytest.mark.parametrize(
    "spec", [each for each in LANGUAGES.values() if each.grammar], ids=lambda each: each.name
)
HEADERS = {IndentedBlocks: "if x:\n", BracedBlocks: "if (x) {\n"}
WORD_HEADERS = {"ruby": "if x\n", "lua": "if x then\n", "bash": "if x; then\n"}


def faults(spec: LanguageSpec) -> list[str]:
    """What is missing in a spec and not said to be, with what a user loses; and what is said to be and stands there."""
    losses = spec.losses()
    found = [f"{part}: without it, {losses[part]}" for part in losses if part not in spec.without]
    found += [f"{part} stands in `without`, but the spec has it" for part in spec.without if part not in losses]
    if spec.definitions is not None and not spec.definitions.forms:
        found.append(f"definitions.forms is empty: {PARTS['definitions']}")
    if spec.imports is not None and not spec.imports.forms:
        found.append(f"imports.forms is empty: {PARTS['imports']}")
    if not spec.keywords and "keywords" not in spec.without and spec.keywords is not None:
        found.append(f"keywords is empty: {PARTS['keywords']}")
    if not spec.extensions and not spec.file_names:
        found.append("neither extensions nor file_names: no file is of this language")
    if not spec.ids:
        found.append("ids is empty: a buffer without a file's name has no language")
    return found


@EVERY
def test_a_spec_is_whole(spec: LanguageSpec) -> None:
    assert faults(spec) == []
    assert all(each == each.lower() and each.startswith(".") for each in spec.extensions)


@pytest.mark.parametrize("part", PARTS)
def test_an_incomplete_spec_is_told_what_a_user_loses(part: str) -> None:
    torn = replace(LANGUAGES["python"], **{part: None})
    assert faults(torn) == [f"{part}: without it, {PARTS[part]}"]
    assert faults(replace(torn, without=frozenset({part}))) == []
    assert faults(replace(LANGUAGES["python"], without=frozenset({part}))) != []


@pytest.mark.parametrize("part", PARTS)
def test_a_language_can_do_without_a_part(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torn = replace(LANGUAGES["java"], **{part: None}, name=f"torn_{part}", extensions=(".torn",))
    monkeypatch.setitem(LANGUAGES, torn.name, torn)
    monkeypatch.setitem(registry._BY_EXTENSION, ".torn", torn.name)
    text = "import a.B;\n\nclass A {\n    int f(B b) { return (1); }\n}\n"
    parsed = parse_file("a.torn", text)
    assert parsed is not None and parsed.language == torn.name
    assert [bool(parsed.symbols), bool(parsed.imports)] == [part != "definitions", part != "imports"]
    assert ("class" in code_tokens(text, torn.name)) == (part == "keywords")
    assert lines_wanted("class A {\n", "", "a.torn") == "block"
    assert trim("1); } }", "class A {\n    int f() { return (", "); }\n}\n", "a.torn") == "1"


def test_no_file_and_no_id_is_two_languages() -> None:
    for field in ("extensions", "exact_extensions", "file_names", "ids"):
        counts = Counter(each for spec in LANGUAGES.values() for each in getattr(spec, field))
        assert [each for each, count in counts.items() if count > 1] == []


@EVERY
def test_names_lead_to_the_language(spec: LanguageSpec) -> None:
    assert {language_of(f"a{each}") for each in (*spec.extensions, *spec.exact_extensions)} == {spec.name}
    assert {language_of(f"b/{each}") for each in spec.file_names} <= {spec.name}
    assert all(spec_of_id(each) is spec for each in (spec.name, *spec.ids))
    for shared in spec.shared_extensions:
        assert language_of(f"a{shared.extension}") not in (None, spec.name)


@INDEXED
def test_grammar_and_queries_fit_together(spec: LanguageSpec) -> None:
    Query(grammar(spec.name), symbol_patterns(spec.name) + "\n" + import_patterns(spec.name))


@INDEXED
def test_the_case_shows_definitions_imports_and_comments(spec: LanguageSpec) -> None:
    case = next(CASES.glob(f"{spec.name}.*.case"))
    text = case.read_text(encoding="utf-8").partition("=====\n")[0]
    parsed = parse_file(case.name.removesuffix(".case"), text)
    assert parsed is not None
    assert len(parsed.symbols) >= 5
    assert bool(parsed.imports) == (spec.imports is not None)
    assert any(symbol.doc for symbol in parsed.symbols)


@pytest.mark.parametrize("spec", [each for each in LANGUAGES.values() if not each.grammar], ids=lambda each: each.name)
def test_without_a_grammar_a_language_is_in_no_index(spec: LanguageSpec) -> None:
    assert {"definitions", "imports", "keywords"} <= spec.without
    for each in spec.extensions:
        assert language_of(f"a{each}") == spec.name
        assert parse_file(f"a{each}", "a") is None and parse_imports(f"a{each}", "a") == ()
    with pytest.raises(ValueError, match="has no grammar"):
        grammar(spec.name)


@INDEXED
def test_keywords_are_no_search_terms(spec: LanguageSpec) -> None:
    assert spec.keywords is not None
    assert code_tokens(" ".join([*spec.keywords, "wanted"]), spec.name) == ["wanted"]


_BLOCK_COMMENTS = {
    "html": ("<!--", "-->"), "lua": ("--[[", "]]"), "ruby": ("=begin", "=end"),
    **dict.fromkeys(("python", "bash", "yaml", "toml"), None),
}  # fmt: skip
_LONG_QUOTES = {
    **dict.fromkeys(("python", "toml"), ('"""', "'''")),
    **dict.fromkeys(("scala", "swift", "java", "csharp", "kotlin"), ('"""',)),
}
_BACKTICKS = {"ruby", "scala", "go", "swift", "php", "bash", "sql", "kotlin", "javascript", "typescript", "tsx"}


@EVERY
def test_brackets_in_literals_do_not_count(spec: LanguageSpec) -> None:
    inside = [f"{each} ( \n" for each in spec.line_comments] + ['"("', "'('"]
    if spec.name in ("bash", "yaml"):  # a comment's mark inside a word is none
        assert [opener.mark for opener in scan("a#( \n", spec.name).opened] == ["("]
    block = _BLOCK_COMMENTS.get(spec.name, ("/*", "*/"))
    inside += [f"{block[0]}\n(\n{block[1]}"] if block is not None else []
    inside += [f"{each}\n(\n{each}" for each in _LONG_QUOTES.get(spec.name, ())]
    inside += ["`\n(\n`"] if spec.name in _BACKTICKS else []
    for each in inside:
        before = "[\n" if each.startswith("=") else "[ "  # Ruby's begin their line
        assert [opener.mark for opener in scan(before + each, spec.name).opened] == ["["], each


@EVERY
def test_what_opens_a_block_asks_for_one(spec: LanguageSpec) -> None:
    if spec.blocks is None:
        return
    header = WORD_HEADERS[spec.name] if isinstance(spec.blocks, WordBlocks) else HEADERS[type(spec.blocks)]
    path = f"a{spec.extensions[0]}"
    assert lines_wanted(header, "", path) == "block"
    assert lines_wanted("x = 1", "", path) == "line"
    for mark in spec.line_comments:
        assert lines_wanted(f"{mark} {header.strip()}", "", path) == "line"


@pytest.mark.parametrize("spec", [each for each in LANGUAGES.values() if each.analysis], ids=lambda each: each.name)
def test_the_analysis_reads_code(spec: LanguageSpec) -> None:
    assert spec.analysis is not None
    position = NamePositions(spec.name).at_end("thing.na")
    assert position is not None and (position.kind, position.start) == ("member", 6)
    for literal in ('"', f"{spec.line_comments[0]} "):
        assert lex_end(spec.name, f"f({literal}").is_code is False
        assert NamePositions(spec.name).at_end(f"{literal}thing.na") is None
    if spec.analysis.declared is not None:
        assert spec.name in spec.analysis.declared.languages
        assert callable(import_module(spec.analysis.declared.reader).read_file)
