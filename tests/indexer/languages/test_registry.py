"""Which file is which language, and the facts that prompts need."""

from __future__ import annotations

import threading

import pytest

from codeassist_indexer.languages import registry
from codeassist_indexer.languages.registry import IDENTIFIER, LANGUAGES, comment_prefix, grammar, language_of, parser


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("pkg/a.pyi", "python"),
        ("A.PY", "python"),
        ("a.ts", "typescript"),
        ("a.d.ts", "typescript"),
        ("a.cts", "typescript"),
        ("a.mts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.jsx", "javascript"),
        ("a.mjs", "javascript"),
        ("src\\win\\A.java", "java"),
        ("a.cs", "csharp"),
        ("a.go", "go"),
        ("a.rs", "rust"),
        ("a.c", "c"),
        ("a.C", "cpp"),
        ("a.cc", "cpp"),
        ("a.hpp", "cpp"),
        ("a.h", "c"),
        ("a.txt", None),
        ("Makefile", None),
        (".py", None),
        ("", None),
    ],
)
def test_language_by_path(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("struct class_list { int x; };\n/* class of its own;\n * using it */\nint f(void);\n", "c"),
        ('#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n', "c"),
        ("#include <stdio.h>\nint f(int class);\n", "c"),
        ("#include <vector>\n", "cpp"),
        ("class A;\n", "cpp"),
        ("class A : public B {\n", "cpp"),
        ("namespace a::b {\n", "cpp"),
        ("template <typename T>\nT f(T x);\n", "cpp"),
        ("inline int A::f(int x) { return 1; }\n", "cpp"),
        ("struct A {\n public:\n  int x;\n};\n", "cpp"),
        ("using Id = int;\n", "cpp"),
        ("static constexpr int x = 1;\n", "cpp"),
    ],
)
def test_a_header_is_c_unless_it_holds_what_only_cpp_has(text: str, language: str) -> None:
    assert language_of("a.h", text) == language


@pytest.mark.parametrize(
    ("first_line", "language"),
    [
        ("#!/usr/bin/python3", "python"),
        ("#! /usr/bin/env python3.12 -u", "python"),
        ("#!/usr/bin/env -S uv run --script", "python"),
        ("#!/usr/bin/env -S PYTHONPATH=. python", "python"),
        ("#!/bin/sh -e", "bash"),
        ("#!/usr/bin/env bash\r", "bash"),
        ("#!/usr/bin/env node", "javascript"),
        ("#!/usr/bin/env -S deno run", "typescript"),
        ("#!/usr/bin/ruby", "ruby"),
        ("#!/usr/bin/env lua5.4", "lua"),
        ("#!/usr/bin/php -q", "php"),
        ("#!/usr/bin/env unheard-of", None),
        ("#!", None),
        ("#!/", None),
        ("# python", None),
        (" #!/usr/bin/python3", None),
        ("", None),
    ],
)
def test_where_the_name_tells_nothing_the_first_line_does(first_line: str, language: str | None) -> None:
    for path in ("bin/report", "build.v2", "notes.txt", ""):
        assert language_of(path, f"{first_line}\nprint(1)\n") == language
    assert language_of("a.go", f"{first_line}\n") == "go", "the name comes first"


def test_a_whole_file_name_can_be_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._BY_FILE_NAME, "SConstruct", "python")
    assert language_of("build/SConstruct") == "python"
    assert language_of("build/sconstruct") is None
    assert language_of("SConstruct/a.txt") is None


def test_every_language_has_a_comment_and_what_is_indexed_a_grammar() -> None:
    for language, spec in LANGUAGES.items():
        assert comment_prefix(language) in ("#", "//", "--")
        if spec.grammar is not None:
            assert parser(language).parse(b"").root_node.child_count == 0
            assert grammar(language) is grammar(language)
    assert comment_prefix("python") == "#"
    assert comment_prefix("lua") == "--"
    assert comment_prefix("html") == comment_prefix("cobol") == "#"


def test_a_parser_is_made_once_a_thread() -> None:
    others: list[object] = []
    thread = threading.Thread(target=lambda: others.append(parser("go")))
    thread.start()
    thread.join()
    assert parser("go") is parser("go")
    assert others[0] is not parser("go")


def test_identifiers_of_any_script() -> None:
    assert IDENTIFIER.findall("größe = naïve_1 + 变量 - 2x") == ["größe", "naïve_1", "变量", "x"]
