"""The lexicons of formats that no file of a language describes: suggestions are fitted to them, and that is all."""

from __future__ import annotations

from dataclasses import replace

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal, Markup
from codeassist_indexer.languages.registry import LANGUAGES

_SHELL = LANGUAGES["bash"].lexicon or Lexicon("shell")
DOCKERFILE = replace(_SHELL, name="dockerfile")
MAKEFILE = Lexicon(
    "makefile", (of.HASH_WORD, of.DOUBLE, Literal(r"(?<!\w)'", "'", "none")), has_escapes=True, has_case_patterns=True
)
TERRAFORM = Lexicon(
    "terraform",
    (of.HASH, *of.C_COMMENTS, of.HERE_DOCUMENT, replace(of.DOUBLE, holes=(of.DOLLAR, of.PERCENT))),
)
GROOVY = Lexicon(
    "groovy",
    (*of.C_COMMENTS, of.TRIPLE, of.TRIPLE_SINGLE, replace(of.DOUBLE, holes=(of.DOLLAR,)), of.SINGLE),
    slash_regex=True,
)
DART = Lexicon(
    "dart",
    (
        *of.C_COMMENTS,
        *(replace(quote, holes=(of.DOLLAR,)) for quote in (of.TRIPLE, of.TRIPLE_SINGLE, of.DOUBLE, of.SINGLE)),
    ),
)
VUE = Lexicon(
    "vue", (of.MARKUP_COMMENT,), (of.MUSTACHE,), Markup(raw=of.RAW_ELEMENTS, void=of.VOID_ELEMENTS), has_code=False
)
SVELTE = Lexicon(
    "svelte",
    (of.MARKUP_COMMENT,),
    (),
    Markup(raw=of.RAW_ELEMENTS, void=of.VOID_ELEMENTS, hole="script"),
    has_code=False,
)
XML = Lexicon(
    "xml", (of.MARKUP_COMMENT, Literal(r"<!\[CDATA\[", "]]>", "none", is_long=True)), (), Markup(), has_code=False
)
ANY = Lexicon(
    "any",
    (
        of.HASH_WORD,
        Literal("(?<!:)//", "\n", "none", is_comment=True),
        of.SLASH_STAR,
        of.TRIPLE,
        of.TRIPLE_SINGLE,
        Literal(r'(?<!\w)"', '"'),
        of.WORD_SINGLE,
        Literal(r"(?<!\w)`", "`"),
    ),
)
"""What a text of a language that is not known may be made of."""

FORMATS = (DOCKERFILE, MAKEFILE, TERRAFORM, GROOVY, DART, VUE, SVELTE, XML, ANY)
