"""Macros of C and C++ that no grammar can know, taken out of the text by the shape of their names and places.

A macro's name is of capitals: one between `class` and a name exports it, one on a line alone opens or declares
something, one after a parameter list or a field is an attribute.
"""

from __future__ import annotations

import re

from codeassist_indexer.languages.forms.conditionals import level_conditionals
from codeassist_indexer.languages.forms.mend import Mend, Mends

_NAME = rb"[A-Z_][A-Z0-9_]{2,}\b"
_IN_BRACKETS = rb"\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\)"
_MACRO = rb"(?:%s(?:[ \t]*%s)?)" % (_NAME, _IN_BRACKETS)
_SPECIFIERS = rb"(?:(?:static|inline|extern|virtual|constexpr|explicit|friend)\s+)*"

# `class API Widget : public Base {`, `struct alignas(8) API S final {`. A grammar takes it for a function's type.
EXPORTED = Mend(
    re.compile(
        rb"\b(?:class|struct|union|enum(?:[ \t]+class)?)\s+(?P<gone>%s(?:\s+%s)*)\s+"
        rb"(?=[A-Za-z_]\w*(?:::\w+|<[^<>;{}]*>)*\s*(?:final\s*)?(?:\{|:[^:]))" % (_MACRO, _MACRO)
    )
)
_DECLARED_AHEAD = Mend(re.compile(rb"^[ \t]*class\s+(?P<gone>%s)\s+(?=[A-Za-z_]\w*\s*;)" % _MACRO, re.MULTILINE))

# `FMT_BEGIN_NAMESPACE`, `Q_OBJECT`, `DISALLOW_COPY(Widget)` on a line alone, without a semicolon.
_ALONE = Mend(
    re.compile(rb"^[ \t]*(?P<gone>%s)[ \t]*(?://[^\n]*)?\r?\n(?!\s*[{(;,.)\]+\-*/|&=<>?}])" % _MACRO, re.MULTILINE)
)
_ALONE_AT_END = Mend(re.compile(rb"^(?P<gone>%s)[ \t]*(?://[^\n]*)?\r?\n?\Z" % _MACRO, re.MULTILINE))

# `void lock() const EXCLUSIVE(mu) {`, `int n GUARDED_BY(mu);`, `void f() ATTRIBUTE = 0;`
_AFTER_HEAD = Mend(
    re.compile(
        rb"\)\s*(?:(?:const|noexcept|override|final)\s*)*(?P<gone>%s(?:\s+%s)*)"
        rb"(?=\s*(?:[{;]|=\s*(?:0|default|delete)\b|(?:const|override|final|noexcept)\b|:[^:]))" % (_MACRO, _MACRO)
    )
)
_AFTER_FIELD = Mend(
    re.compile(
        rb"(?<!\breturn)(?<!\bthrow)(?<!\belse)(?<!\bcase)(?<!\bgoto)(?<=[\w\]>])[ \t\n]+"
        rb"(?P<gone>%s[ \t]*%s)(?=\s*[;={])" % (_NAME, _IN_BRACKETS)
    )
)

# `API void f();`, `static FORCE_INLINE Widget *make(int n) {`, `API extern int count;`
_BEFORE = Mend(
    re.compile(
        rb"^[ \t]*(?:template\s*<[^<>;{}]*>\s*)?%s(?P<gone>%s)[ \t\n]+"
        rb"(?=%s(?:const\s+|unsigned\s+|signed\s+|struct\s+|enum\s+|typename\s+)*[A-Za-z_][\w:]*"
        rb"(?:<[^;{}()]*>)?(?:\s+const\b)?[\s*&]+[~A-Za-z_][\w:~]*\s*[(;=\[])" % (_SPECIFIERS, _MACRO, _SPECIFIERS),
        re.MULTILINE,
    )
)

MENDS = Mends(
    always=(EXPORTED,),
    errors=(level_conditionals, _DECLARED_AHEAD, _AFTER_HEAD, _AFTER_FIELD, _ALONE, _ALONE_AT_END, _BEFORE),
)
