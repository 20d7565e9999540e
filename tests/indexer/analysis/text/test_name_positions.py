"""Where a text ends: places are found letter by letter, and never in strings, comments and numbers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from codeassist.request import NamePosition
from codeassist_indexer.analysis.text.lexer import closed_between, code_only, lex_end, open_braces, unopened
from codeassist_indexer.analysis.text.name_positions import NamePositions
from codeassist_indexer.languages.registry import ANALYSED

CASES = Path(__file__).parents[1] / "cases"
EXTENSIONS = {"python": ".py", "java": ".java", "typescript": ".ts", "csharp": ".cs"}


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        ("python", "x = foo.", "member"),
        ("python", "x = foo().", "member"),
        ("python", "x = foo[1].", "member"),
        ("python", "x = 'a'.", "member"),
        ("python", "x = 1.", None),
        ("python", "x = 1_000.", None),
        ("python", "x = a1.", "member"),
        ("python", "x = ...", None),
        ("python", "x = [*a, ...", None),
        ("python", "foo(\n    bar)\\\n    .", "member"),
        ("python", "x = 'foo.", None),
        ("python", "x = f'{foo.", None),
        ("python", "x = '''\nfoo.", None),
        ("python", "# foo.", None),
        ("python", "x = '#' + foo.", "member"),
        ("python", "x = 'it''s' + foo.", "member"),
        ("python", "x = 'broken\ny = foo.", "member"),
        ("python", "foo(", "keyword"),
        ("python", "foo(a, ", "keyword"),
        ("python", "foo(a,\n    ", "keyword"),
        ("python", "foo(a=", None),
        ("python", "foo(*", None),
        ("python", "foo(a + ", None),
        ("python", "def foo(", None),
        ("python", "class Foo(", None),
        ("python", "async def foo(a, ", None),
        ("python", "if (", None),
        ("python", "x = (", None),
        ("python", "return (", None),
        ("python", "foo([", None),
        ("python", "from a import ", "import"),
        ("python", "from . import (a, ", "import"),
        ("python", "from .a.", "import"),
        ("python", "import a.", "import"),
        ("python", "import ", None),
        ("python", "x = 1\nfrom a import b, c as d, ", "import"),
        ("python", "match x:\n    case Foo.", "case"),
        ("python", "match x:\n    case Foo.A | Foo.", "case"),
        ("java", "foo.", "member"),
        ("java", "foo::", "member"),
        ("java", "1.", None),
        ("java", '"foo.', None),
        ("java", "// foo.", None),
        ("java", "/* foo.", None),
        ("java", '"""\nfoo.', None),
        ("java", "char c = '\"'; foo.", "member"),
        ("java", "import a.b.", "import"),
        ("java", "import static a.b.", "import"),
        ("java", "package a.", None),
        ("java", "switch (x) { case ", "case"),
        ("java", "switch (x) { case A, ", "case"),
        ("java", "Foo x = new ", "class"),
        ("java", "renew ", None),
        ("csharp", "foo?.", "member"),
        ("csharp", 'var x = @"c:\\" + foo.', "member"),
        ("csharp", 'var x = @"c:\\ foo.', None),
        ("csharp", 'var x = """ "foo. """ + foo.', "member"),
        ("csharp", "using A.", None),
        ("csharp", "namespace A.", None),
        ("csharp", "case Foo.", "case"),
        ("csharp", "#region foo.", None),
        ("typescript", "foo?.", "member"),
        ("typescript", "foo!.", "member"),
        ("typescript", "`foo.", None),
        ("typescript", "x = /foo.", None),
        ("typescript", "x = a / b.", "member"),
        ("typescript", "x = /['\"]/; foo.", "member"),
        ("typescript", "{ ...", None),
        ("typescript", "case Foo.", "case"),
        ("typescript", "import { ", "import"),
        ("typescript", "import type { a, ", "import"),
        ("typescript", "const { ", None),
        ("tsx", "foo.", "member"),
        ("javascript", "this.", "member"),
    ],
)
def test_place(language: str, text: str, kind: str | None) -> None:
    place = NamePositions(language).at_end(text)
    assert (place.kind if place is not None else None) == kind
    if place is not None:
        assert place.start == len(text)
        assert NamePositions(language).at_end(text + "na") == place  # as the name is written, it stays
        assert NamePositions(language).at_end(text + "name") == place
        if place.kind != "keyword":
            assert NamePositions(language).at_end(text + "name ") in (None, NamePosition("class", len(text) + 5))


@pytest.mark.parametrize("language", EXTENSIONS)
def test_reading_on_gives_what_reading_from_the_start_gives(language: str) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    files = sorted((CASES / language).rglob(f"*{EXTENSIONS[language]}.case"))
    for file in files:
        text = file.read_text(encoding="utf-8")
        state = lex_end(language, "").settled
        for end in sorted(draw.randrange(len(text) + 1) for _ in range(40)):
            fresh = lex_end(language, text[:end])
            on = lex_end(language, text[:end], state)
            assert (on.is_code, on.brackets) == (fresh.is_code, fresh.brackets), (file.name, end)
            state = on.settled
            assert state.offset <= end


def test_braces_that_a_rest_closes() -> None:
    text = "class A { void f() { if (x) { '}' ; /* } */ "
    assert open_braces(text, lex_end("java", text)) == 3
    assert unopened("java", " } '}' { } } }") == "}}}"
    assert unopened("java", " [1] ) } (") == ")}"


def test_code_without_strings_and_comments() -> None:
    assert "hidden" not in code_only("python", 'a.b  # hidden\n\'hidden\'\n"""hidden"""\n')
    assert "a.b" in code_only("python", "a.b  # hidden\n")


def test_every_language_has_a_lexer() -> None:
    for language in ANALYSED:
        assert lex_end(language, "a(b").brackets == (1,)


@pytest.mark.parametrize(
    ("opened", "closers", "between"),
    [
        ("{{((", ")}}", ")"),  # `f(a && (b` … `);`
        ("{{(", "}}}", ")"),  # `if (a` … a body's `}`
        ("{{", "}}", ""),
        ("{([", ")}", "]"),
        ("{(", "", ""),
    ],
)
def test_what_a_line_that_is_gone_closed(opened: str, closers: str, between: str) -> None:
    assert closed_between(opened, closers) == between
