"""What stands open at the end of a piece of text, in the languages' own words; any text is read to its end."""

from __future__ import annotations

import random

import pytest

from codeassist_indexer.fitting.lexing.reader import Reader, opening
from codeassist_indexer.languages.lexicons.choice import LEXICONS, lexicon_of


def marks(path: str, text: str) -> list[str]:
    reader = Reader([opening(lexicon_of(None, path))])
    reader.read(text)
    return [each.mark for each in reader.stack[1:]]


@pytest.mark.parametrize(
    ("path", "text", "open_marks"),
    [
        ("a.py", "x = f(a, [1, {'b': (", [")", "]", "}", ")"]),
        ("a.py", 'x = f"{a[', ['"', "}", "]"]),
        ("a.py", '"""Say "no" (', ['"""', ")"]),
        ("a.js", "f(`a ${b(`c ${", [")", "`", "}", ")", "`", "}"]),
        ("a.js", "x = /[(]/.test(", [")"]),
        ("a.js", "x = a / b(c / ", [")"]),
        ("a.rs", "fn f<'a>(x: &'a str, c: char = '(') { r#\"(\"# [", ["}", "]"]),
        ("a.cpp", 'R"x()")x"; 1\'000 (', [")"]),
        ("a.cs", '$"{f(@"a""(")} (', ['"', ")"]),
        ("a.rb", "%w[( a] # (\n{", ["}"]),
        ("a.rb", "x = <<~A\n (\nA\nf(", [")"]),
        ("a.sh", 'case x in a) echo "$(f "', ['"', ")", '"']),
        ("a.sh", "cat <<EOF\n(", ["EOF", ")"]),
        ("a.lua", "--[[ ( ]] x = [==[ ] ]==] .. f{", ["}"]),
        ("a.sql", "SELECT 'it''s (' -- (\n, f(", [")"]),
        ("a.php", "<p>(</p>\n<?php if (a('(", ["?>", ")", ")", "'", ")"]),
        ("a.html", "<ul><li>a<li><img src='x'><b ", ["</ul>", "</li>", "</li>", "<b"]),
        ("a.html", "<script>if (a < b) { x('</p>", ["</script>", "}", ")", "'"]),
        ("a.vue", '<p :a="b(', ["<p", '"', ")"]),
        ("a.tsx", "return <A b={c(<i>don't", ["<A", "}", ")", "</i>"]),
        ("a.tsx", "x = a < b && f<T>(", [")"]),
        ("a.yml", "a: don't [\nb: ['c # d', ", ["]", "]"]),
        ("a.kt", 'val a = "${x.map { "$it (" }', ['"', "}"]),
        ("a.swift", '"\\(f("(', ['"', ")", ")", '"', ")"]),
    ],
)
def test_what_stands_open(path: str, text: str, open_marks: list[str]) -> None:
    assert marks(path, text) == open_marks


@pytest.mark.parametrize("name", LEXICONS)
def test_any_text_is_read_to_its_end(name: str) -> None:
    seed = random.randrange(1_000_000)
    rng = random.Random(seed)
    pieces = [*"()[]{}\"'`<>/#$\\%-=*:;,.ab \n", "<?php ", "?>", "{{", "}}", "</b>", "<b>", "/*", "*/", '"""', "EOF\n"]
    for _ in range(150):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(60)))
        reader = Reader([opening(LEXICONS[name])])
        reader.read(text)
        reader.end_line()
        assert len(reader.stack) >= 1 and reader.num_kept == 1, f"seed {seed}: {text!r}"
