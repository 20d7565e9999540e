"""Files that are hard on whoever reads them: every kind below in every language that has a grammar.

A kind is a text made of a language's own parts: its extension, keywords, brackets, comments, and the constructs of the
sample that its parser's tests hold it to (tests/indexer/languages/cases). Nothing here names a language.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codeassist_indexer.languages.registry import LANGUAGES
from codeassist_indexer.languages.spec import LanguageSpec

SEED = 20261130
SIZE = 200_000
"""How many characters a file has, about. Files above 512 KiB are not indexed."""
# Of a language without code, whose tests have no sample: something of every notation.
_MARKUP = (
    '<a href="b">c</a>\n.a > b { c: d(e); }\n{"key": [1, {"x": null}]},\nkey: &anchor [*anchor, value]\n[a.b]\nc = 1\n'
)
_CASES = Path(__file__).resolve().parents[1] / "indexer" / "languages" / "cases"


@dataclass(frozen=True, slots=True)
class HostileFile:
    """A file by its kind and language; `name` is its name in a repository."""

    kind: str
    language: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A language's parts: a source with its constructs, its words, what begins its comments."""

    spec: LanguageSpec
    source: str
    words: tuple[str, ...]
    comment: str

    @property
    def lines(self) -> list[str]:
        """The sample's distinct lines of code."""
        return [line for line in dict.fromkeys(self.source.splitlines()) if line.strip()]


def filled(unit: str, size: int = SIZE) -> str:
    """Return a text of about `size` characters that repeats one."""
    return unit * max(1, size // len(unit))


def repeated(unit: str) -> Callable[[Sample], str]:
    """Return a kind that repeats a text without end, unclosed whatever it opens."""
    return lambda sample: filled(unit)


def between(begin: str, unit: str, end: str) -> Callable[[Sample], str]:
    """Return a kind that repeats a text between two others."""
    return lambda sample: begin + filled(unit) + end


def _closed(sample: Sample) -> str:
    return "x = " + "([{" * (SIZE // 6) + "1" + "}])" * (SIZE // 6) + "\n"


def _staircase(sample: Sample) -> str:
    opener = ":" if sample.comment == "#" else " {"
    return "".join(f"{' ' * depth}if (a{depth}){opener}\n" for depth in range(int((2 * SIZE) ** 0.5)))


def _definitions(sample: Sample) -> str:
    """The sample's constructs again and again, each time with names of their own."""
    made: list[str] = []
    size = number = 0
    while size < SIZE:
        block = sample.source.replace("price", f"price{number}").replace("Order", f"Order{number}")
        made.append(block + "\n")
        size += len(block)
        number += 1
    return "".join(made)


def _lines_nested(sample: Sample) -> str:
    """Each line of the sample below the one before, one step further in, for ever."""
    lines = sample.lines
    return "".join(" " * depth + lines[depth % len(lines)].strip() + "\n" for depth in range(int((2 * SIZE) ** 0.5)))


def _line_by_line(sample: Sample) -> str:
    """Every line of the sample many times over, with nothing of what should stand between."""
    lines = sample.lines
    return "\n".join(filled(line.strip() + "\n", SIZE // len(lines)) for line in lines)


def _one_line(sample: Sample) -> str:
    return filled(" ".join(sample.source.split()) + " ")


def _keyword_soup(sample: Sample) -> str:
    rng = random.Random(SEED)
    parts = [*sample.words, *"()[]{}<>;:,.=+-*/\"'`!?&|@#\\~", "a", "B", "1", " ", "\n", "  "]
    return "".join(rng.choices(parts, k=SIZE // 3))


def _mutilated(sample: Sample) -> str:
    rng = random.Random(SEED)
    return "".join(char for char in filled(sample.source) if rng.random() > 0.05)


def _openers_of_lines(sample: Sample) -> str:
    """The heads of all constructs, none of them closed."""
    heads = [line for line in sample.lines if line.rstrip().endswith(("{", ":", "(", "["))] or sample.lines
    return filled("".join(head + "\n" for head in heads))


def _words_in_a_row(sample: Sample) -> str:
    return filled(" ".join(sample.words) + " ")


def _distinct_names(sample: Sample) -> str:
    return ", ".join(f"name_{number}Of{number}" for number in range(SIZE // 20))


def _imports(sample: Sample) -> str:
    imports = sample.spec.imports
    lines = [line for line in sample.lines if imports is not None and imports.line.search("\n" + line)] or ["import a"]
    return filled("".join(line + "\n" for line in lines))


def _long_import(sample: Sample) -> str:
    imports = sample.spec.imports
    lines = [line for line in sample.lines if imports is not None and imports.line.search("\n" + line)] or ["import a"]
    return filled(lines[0].split()[0] + " " + lines[0].partition(" ")[2] + ", ")


def _comments(sample: Sample) -> str:
    return filled(f'{sample.comment} a comment of (many) "lines" \'and\n')


KINDS: dict[str, Callable[[Sample], str]] = {
    # brackets and what nests
    "round": repeated("("), "square": repeated("["), "curly": repeated("{"), "angle": repeated("<"),
    "closers": repeated(")]}>"), "closed": _closed, "mixed openers": repeated("([{"),
    "generics": lambda sample: 'class A { int a = "a" + a' + "<a" * 30_000 + "; }\n" + "<a" * 30_000,
    "types": between("class A { ", "A<", " }\n"), "arrays": between("int a", "[a", ";\n"),
    "calls": between("x = ", "f(a, ", "\n"), "blocks": repeated("{\n"), "staircase": _staircase,
    "if": repeated("if (a) "), "else": repeated("if (a) b; else "), "else on lines": repeated("if (a) {\n} else "),
    "functions": repeated("function f(a) { "), "lambdas": repeated("lambda a: (a) => "),
    "tags": repeated("<a b={c}>"), "closing tags": repeated("</a>"), "brace tags": repeated("<a b={"),
    # operators
    "sum": between("x = 1", " + 1", "\n"), "text sum": between('x = ""', '+"a"', "\n"), "minus": repeated("-"),
    "nots": repeated("!"), "stars": repeated("*"), "ternary": repeated("a?b:"), "open ternary": repeated("a?"),
    "members": between("x = a", ".a", "\n"), "call chain": between("x = a", ".a()", "\n"), "commas": repeated("a, "),
    "assignments": repeated("a = "), "colons": repeated("a: "), "paths": repeated("a::"), "arrows": repeated("a => "),
    "pointers": repeated("a->"), "semicolons": repeated(";"), "dots": repeated("."), "backslashes": repeated("\\"),
    # literals and comments
    "open string": between('x = "', "\\", ""), "quotes": repeated('"'), "two quotes": repeated("\"'"),
    "escaped quotes": between('x = """', '\\"', ""), "half an escape": between('x = """', '\\"', "\\"),
    "dollars": repeated("$"),
    "open class": between("x = ", "=/[", "\n"), "open regex": between("x = ", "=/a", "\n"),
    "strings": repeated('"a\n'), "templates": repeated("`${"),
    "f-strings": repeated("f\"{f'{"), "raw strings": between("r", "#", '"'), "raw markers": repeated('R"x('),
    "verbatim": repeated('$@"{'), "triple": repeated('"""'), "open comment": repeated("/*"),
    "closed comments": repeated("/**/"), "comment": lambda sample: sample.comment + " " + filled("a (b "),
    "comments": _comments, "heredoc": repeated("<<A\n"), "regex": repeated("/a"),
    # annotations and directives
    "decorators": repeated("@a\n"), "annotations": repeated("@A("), "attributes": repeated("#["),
    "directives": repeated("#if A\n"), "defines": repeated("#define A(a) A(a)\n"),
    "continued": repeated("#define A \\\n"),
    "macros": repeated("a!("),
    # words
    "long word": repeated("a"), "capitals": repeated("A"), "camel": repeated("aB"), "digits": repeated("1"),
    "underscores": repeated("_"), "hex": repeated("0x"), "base64": lambda sample: _base64(), "letters": repeated("é"),
    "combining": between("a", "\u0301", ""), "ideographs": repeated("漢字"), "emoji": repeated("👩\u200d👩\u200d👧"),
    "bidi": repeated("\u202e\u2066a"), "nul": repeated("\0"), "controls": repeated("\x1b[31m\x07\x08"),
    "lone returns": repeated("a\r"), "form feeds": repeated("\f\v\x1c\u2028"), "byte order marks": repeated("\ufeff"),
    # white space
    "spaces": between("a", " ", ")"), "tabs": between("a", "\t", ")"), "empty lines": repeated("\n"),
    "spaces on lines": repeated("a" + " " * 2_000 + "\n"), "one indent": between(" " * 5_000, "a\n" + " " * 5_000, ""),
    # many of something
    "definitions": _definitions, "imports": _imports, "long import": _long_import, "distinct names": _distinct_names,
    "line by line": _line_by_line, "nested lines": _lines_nested, "heads": _openers_of_lines, "one line": _one_line,
    "keywords": _words_in_a_row, "soup": _keyword_soup, "mutilated": _mutilated, "same lines": repeated("a = b(c)\n"),
    "dotted": between("import a", ".a", "\n"),
    # what may look like a secret
    "tokens": lambda sample: f"{sample.comment} " + filled("token "), "assigned": repeated("password = "),
    "assigned on a line": repeated("token=token:"), "keys": repeated("-----BEGIN PRIVATE KEY-----\n"),
    "key ids": repeated("AKIA"), "jwt": repeated("eyJ"), "addresses": between("http", "://a", "@"),
    "address": between("x://", "a", ":"), "api keys": repeated("sk-a_"), "quoted": repeated("token: 'a\" "),
}  # fmt: skip


def _base64() -> str:
    rng = random.Random(SEED)
    return 'x = "' + "".join(rng.choices("ABCDEFGHIJabcdefghij0123456789+/", k=SIZE)) + '"\n'


def samples() -> Iterator[Sample]:
    """Yield every language that has a grammar, by its name."""
    for name, spec in sorted(LANGUAGES.items()):
        cases = [path.read_text("utf-8").partition("=====\n")[0] for path in _CASES.glob(f"{name}.*.case")]
        words = tuple(sorted(spec.keywords or ())) or ("if", "else")
        comments = spec.line_comments
        yield Sample(spec, cases[0] if cases else _MARKUP, words, comments[0] if comments else "#")


def hostile_files(every: int = 1) -> Iterator[HostileFile]:
    """Yield every kind in every language, or one of so many: each kind in some language. The same each time."""
    for row, sample in enumerate(samples()):
        extension = next(iter(sorted(sample.spec.extensions)))
        for column, (kind, text) in enumerate(KINDS.items()):
            if (row + column) % every:
                continue
            name = f"{kind.replace(' ', '_')}{extension}"
            yield HostileFile(kind, sample.spec.name, name, text(sample))
