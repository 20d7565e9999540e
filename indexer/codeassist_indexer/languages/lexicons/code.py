"""The lexicons of languages of code."""

from __future__ import annotations

from dataclasses import replace

from codeassist_indexer.languages.forms.lexicon import Hole, Lexicon, Literal, Markup, Region
from codeassist_indexer.languages.lexicons import literals as of

_C_COMMENTS = (of.SLASHES, of.SLASH_STAR)
_C_LIKE = (*_C_COMMENTS, of.DOUBLE, of.WORD_SINGLE)
_TEMPLATE = replace(of.TICK, holes=(of.DOLLAR,))
_SCRIPT = (*_C_COMMENTS, of.DOUBLE, of.SINGLE, _TEMPLATE)
_PHP_HOLES = (Hole(r"\{(?=\$)", "}"), of.DOLLAR)
_SHELL_HOLES = (of.COMMAND, of.DOLLAR)
_HERE = Literal(r"<<[-~]?\s?[\"'\\]?(\w+)[\"'\\]?", r"\1", "none", is_long=True, is_here_document=True)


def _formatted(quote: Literal) -> Literal:
    """A string of Python with code in braces: `f` stands before it."""
    return replace(quote, opens=rf"(?<=[fFtT])(?:(?<=\b[fFtT])|(?<=\b[rR][fFtT])|(?<=\b[fFtT][rR])){quote.opens}",
                   holes=(of.BRACE,))  # fmt: skip


PYTHON = Lexicon(
    "python",
    (
        of.HASH,
        *(_formatted(quote) for quote in (of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE)),
        *(of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE),
    ),
)
SCRIPT = Lexicon("script", _SCRIPT, slash_regex=True)
SCRIPT_TAGS = Lexicon("script tags", _SCRIPT, slash_regex=True, markup=Markup(hole="script tags"))
JAVA = Lexicon("java", (*_C_COMMENTS, of.TRIPLE, of.DOUBLE, of.WORD_SINGLE))
C = Lexicon("c", _C_LIKE)
CPP = Lexicon("cpp", (Literal(r'(?<=R)"(\w*)\(', r')\1"', "none", is_long=True), *_C_LIKE))
CSHARP = Lexicon(
    "csharp",
    (
        *_C_COMMENTS,
        of.TRIPLE,
        Literal(r'(?:(?<=\$@)|(?<=@\$))"', '"', "doubled", is_long=True, holes=(of.BRACE,)),
        Literal(r'(?<=@)"', '"', "doubled", is_long=True),
        Literal(r'(?<=\$)"', '"', holes=(of.BRACE,)),
        of.DOUBLE,
        of.WORD_SINGLE,
    ),
)
GO = Lexicon("go", (*_C_COMMENTS, of.DOUBLE, of.SINGLE, of.RAW_TICK))
RUST = Lexicon(
    "rust",
    (
        of.SLASHES,
        of.NESTED,
        Literal(r'(?<=r)(#+)"', r'"\1', "none", is_long=True),
        Literal(r'(?<=\br)"', '"', "none", is_long=True),
        of.LONG_DOUBLE,
        of.RUST_CHARACTER,
    ),
)
PHP_CODE = Lexicon(
    "php code",
    (
        Literal(r"#(?!\[)", "\n", "none", is_comment=True),
        *_C_COMMENTS,
        Literal(r"<<<\s?[\"']?(\w+)[\"']?", r"\1", "none", is_long=True, is_here_document=True),
        replace(of.LONG_DOUBLE, holes=_PHP_HOLES),
        of.LONG_SINGLE,
        of.TICK,
    ),
)
KOTLIN = Lexicon(
    "kotlin",
    (
        of.SLASHES,
        of.NESTED,
        replace(of.TRIPLE, escape="none", holes=(of.DOLLAR,)),
        replace(of.DOUBLE, holes=(of.DOLLAR,)),
        of.WORD_SINGLE,
        of.RAW_TICK,
    ),
)
SWIFT = Lexicon(
    "swift",
    (
        of.SLASHES,
        of.NESTED,
        Literal(r'(#+)"""', r'"""\1', "none", is_long=True),
        Literal(r'(#+)"', r'"\1', "none"),
        replace(of.TRIPLE, holes=(of.BACKSLASH,)),
        replace(of.DOUBLE, holes=(of.BACKSLASH,)),
        of.RUST_CHARACTER,
        of.RAW_TICK,
    ),
)
SCALA = Lexicon(
    "scala",
    (
        of.SLASHES,
        of.NESTED,
        replace(of.TRIPLE, escape="none", holes=(of.DOLLAR,)),
        replace(of.DOUBLE, holes=(of.DOLLAR,)),
        of.RUST_CHARACTER,
        of.RAW_TICK,
    ),
)
RUBY = Lexicon(
    "ruby",
    (
        Literal(r"(?<![^\s;\x28\x29{}\[\]|,])#(?!\{)", "\n", "none", is_comment=True),
        Literal(r"(?<=\n)=begin\b", "\n=end", "none", is_long=True, is_comment=True),
        Literal(r"<<[-~][\"'`]?(\w+)[\"'`]?", r"\1", "none", is_long=True, is_here_document=True,
                holes=(of.HASH_BRACE,)),
        Literal(r"<<([A-Z_]+)\b", r"\1", "none", is_long=True, is_here_document=True),
        Literal(r"(?<![\w$?])\"", '"', is_long=True, holes=(of.HASH_BRACE,)),
        Literal(r"(?<![\w$?])'", "'", is_long=True),
        Literal(r"(?<![\w$:?.])`", "`", is_long=True, holes=(of.HASH_BRACE,)),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\{", "}", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\(", ")", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\[", "]", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]([|!/])", r"\1", is_long=True),
    ),
    slash_regex=True,
)  # fmt: skip
LUA = Lexicon(
    "lua",
    (
        Literal(r"--\[(=*)\[", r"]\1]", "none", is_long=True, is_comment=True),
        of.DASHES,
        Literal(r"\[(=*)\[", r"]\1]", "none", is_long=True),
        of.DOUBLE,
        of.SINGLE,
    ),
)
SHELL = Lexicon(
    "shell",
    (
        of.HASH_WORD,
        _HERE,
        replace(of.LONG_DOUBLE, holes=_SHELL_HOLES),
        of.RAW_SINGLE,
        of.TICK,
    ),
    has_case_patterns=True,
    has_escapes=True,
)
DOCKERFILE = replace(SHELL, name="dockerfile")
MAKEFILE = Lexicon("makefile", (of.HASH_WORD, of.DOUBLE, Literal(r"(?<!\w)'", "'", "none")),
                   has_escapes=True, has_case_patterns=True)  # fmt: skip
SQL = Lexicon(
    "sql", (of.DASHES, of.SLASH_STAR, of.SQL_SINGLE, of.SQL_DOUBLE, Literal("`", "`", "doubled", is_long=True))
)
TERRAFORM = Lexicon(
    "terraform",
    (of.HASH, *_C_COMMENTS, _HERE, replace(of.DOUBLE, holes=(of.DOLLAR, of.PERCENT))),
)
GROOVY = Lexicon(
    "groovy",
    (*_C_COMMENTS, of.TRIPLE, of.TRIPLE_SINGLE, replace(of.DOUBLE, holes=(of.DOLLAR,)), of.SINGLE),
    slash_regex=True,
)
DART = Lexicon(
    "dart",
    (
        *_C_COMMENTS,
        *(replace(quote, holes=(of.DOLLAR,)) for quote in (of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE)),
    ),
)
ANY = Lexicon("any", (of.HASH_WORD, Literal("(?<!:)//", "\n", "none", is_comment=True), of.SLASH_STAR,
                      of.TRIPLE, of.TRIPLE_SINGLE, Literal(r'(?<!\w)"', '"'), of.WORD_SINGLE,
                      Literal(r"(?<!\w)`", "`")))  # fmt: skip
"""What a text of a language that is not known may be made of."""

CODE = (PYTHON, SCRIPT, SCRIPT_TAGS, JAVA, C, CPP, CSHARP, GO, RUST, PHP_CODE, KOTLIN, SWIFT, SCALA, RUBY, LUA, SHELL,
        DOCKERFILE, MAKEFILE, SQL, TERRAFORM, GROOVY, DART, ANY)  # fmt: skip
PHP_REGION = Region(r"<\?(?:php\b|=)?", "?>", "php code")
