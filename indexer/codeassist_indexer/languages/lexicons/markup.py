"""The lexicons of markup, of style sheets and of data."""

from __future__ import annotations

from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal, Markup, Region
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.lexicons import literals as of
from codeassist_indexer.languages.lexicons.code import PHP_REGION

_VOID = words("area base br col embed hr img input link meta param source track wbr")
_OPTIONAL = words("html head body li p td th tr dt dd option thead tbody tfoot colgroup optgroup")
_RAW = (("script", "script"), ("style", "css"))
_HTML = Markup(raw=_RAW, void=_VOID, optional=_OPTIONAL, ignores_case=True)
_MUSTACHE = Region(r"\{\{", "}}", "script")
_TEMPLATE = (Region(r"\{%", "%}", "any"), Region("<%", "%>", "any"))

HTML = Lexicon("html", (of.MARKUP_COMMENT,), (PHP_REGION, _MUSTACHE, *_TEMPLATE), _HTML, has_code=False)
PHP = Lexicon("php", (of.MARKUP_COMMENT,), (PHP_REGION,), _HTML, has_code=False)
VUE = Lexicon("vue", (of.MARKUP_COMMENT,), (_MUSTACHE,), Markup(raw=_RAW, void=_VOID), has_code=False)
SVELTE = Lexicon("svelte", (of.MARKUP_COMMENT,), (), Markup(raw=_RAW, void=_VOID, hole="script"), has_code=False)
XML = Lexicon(
    "xml", (of.MARKUP_COMMENT, Literal(r"<!\[CDATA\[", "]]>", "none", is_long=True)), (), Markup(), has_code=False
)
CSS = Lexicon(
    "css", (of.SLASH_STAR, Literal(r"(?<![:\x28\w\"'])//", "\n", "none", is_comment=True), of.DOUBLE, of.SINGLE)
)
JSON = Lexicon("json", (of.SLASHES, of.SLASH_STAR, of.DOUBLE, Literal(r"(?<!\w)'", "'")))
YAML = Lexicon(
    "yaml",
    (
        of.HASH_WORD,
        Literal(r'(?<![^\s\[{\x28,:=@])"', '"'),
        Literal(r"(?<![^\s\[{\x28,:=@])'", "'", "doubled"),
    ),
    has_case_patterns=True,  # scripts stand in it
)
TOML = Lexicon("toml", (of.HASH, of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, Literal("'", "'", "none")))

MARKUP = (HTML, PHP, VUE, SVELTE, XML, CSS, JSON, YAML, TOML)
