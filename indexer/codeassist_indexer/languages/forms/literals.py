"""Kinds of strings, comments and markup that several languages share."""

from __future__ import annotations

from codeassist_indexer.languages.forms.lexicon import Hole, Literal, Markup, Region
from codeassist_indexer.languages.forms.words import words

SLASHES = Literal("//", "\n", "none", is_comment=True)
HASH = Literal("#", "\n", "none", is_comment=True)
HASH_WORD = Literal(r"(?<![^\s;\x28\x29&|])#", "\n", "none", is_comment=True)
DASHES = Literal("--", "\n", "none", is_comment=True)
SLASH_STAR = Literal(r"/\*", "*/", "none", is_long=True, is_comment=True)
NESTED = Literal(r"/\*", "*/", "none", is_long=True, is_comment=True, nests=True)
MARKUP_COMMENT = Literal("<!--", "-->", "none", is_long=True, is_comment=True)

DOUBLE = Literal('"', '"')
SINGLE = Literal("'", "'")
TICK = Literal("`", "`", is_long=True)
RAW_TICK = Literal("`", "`", "none", is_long=True)
WORD_SINGLE = Literal(r"(?<!\w)'", "'")
LONG_DOUBLE = Literal('"', '"', is_long=True)
LONG_SINGLE = Literal("'", "'", is_long=True)
RAW_SINGLE = Literal("'", "'", "none", is_long=True)
TRIPLE = Literal('"""', '"""', is_long=True)
TRIPLE_SINGLE = Literal("'''", "'''", is_long=True)
SQL_SINGLE = Literal("'", "'", "doubled", is_long=True)
SQL_DOUBLE = Literal('"', '"', "doubled", is_long=True)
RUST_CHARACTER = Literal(r"(?:(?<![\w<&])|(?<=\bb))'(?=\\|[^\\'\n]'|.?\Z)", "'")

DOLLAR = Hole(r"\$\{", "}")
BRACE = Hole(r"\{", "}")
PERCENT = Hole(r"%\{", "}")
HASH_BRACE = Hole(r"#\{", "}")
BACKSLASH = Hole(r"\\\(", ")")
COMMAND = Hole(r"\$\(", ")")

C_COMMENTS = (SLASHES, SLASH_STAR)
C_LIKE = (*C_COMMENTS, DOUBLE, WORD_SINGLE)
HERE_DOCUMENT = Literal(r"<<[-~]?\s?[\"'\\]?(\w+)[\"'\\]?", r"\1", "none", is_long=True, is_here_document=True)

VOID_ELEMENTS = words("area base br col embed hr img input link meta param source track wbr")
RAW_ELEMENTS = (("script", "script"), ("style", "css"))
HTML_MARKUP = Markup(
    raw=RAW_ELEMENTS,
    void=VOID_ELEMENTS,
    optional=words("html head body li p td th tr dt dd option thead tbody tfoot colgroup optgroup"),
    ignores_case=True,
)
MUSTACHE = Region(r"\{\{", "}}", "script")
PHP_REGION = Region(r"<\?(?:php\b|=)?", "?>", "php code")
