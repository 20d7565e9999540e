"""An answer directly before the code that the cursor's line goes on with: a statement of its own ends its line. Pure.

A step of fitting: `with_line_end`. Knows no grammar: whether an answer is a statement or the beginning of what follows
(`async ` before `def`) is told by the characters that would meet, and by the brackets and quotes that it leaves open.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import PurePosixPath

from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.lexing.scan import LINE_COMMENT, scan
from codeassist_indexer.fitting.line_units import is_word
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.fitting.repeated_marks import MARKUP
from codeassist_indexer.fitting.repetition import is_light
from codeassist_indexer.fitting.statement_words import STATEMENT_WORDS
from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import BracedBlocks, IndentedBlocks

_UNIT = "    "
_FRAGMENT = re.compile(r"[\w.$@:>\\-]+")
_BEGINS_LINE = re.compile(r"[-*+.] |\./|//|/\*|#|--|<!--|\"\"\"|\'\'\'|;;|@|\\\w|\{\Z")
_KEY = re.compile(r"[\w.-]+(?::(?:\s|\Z)|=)")
_GOES_ON = re.compile(r"[<+\-*/%^~!?\"\'`\[]")
_TIGHT = re.compile(r"[.=:,;)\]}?|&]")
_OPEN_END = re.compile(r"(?:(?:\A|[\s(\[,=!:])[@$#<&-]|</|::|->|\w[=.-]|\A\S*\w/)\Z|\A[^\w\s)\]{}>]{1,2}\Z")
_OPERATORS = frozenset("?:|&+,")
_QUOTES = frozenset("\"'`")
_OPERATOR_WORDS = frozenset(("and", "or", "AND", "OR"))
_NEARBY_CHARS = 4_000
_LEAST_BLANK_ENDS = 2
_PROSE = re.compile(r"[\w'-]+,?(?: [\w'-]+,?){2,}\.|[\w'-]+(?:,? [\w'-]+){4,}")
_LABEL = re.compile(r"(?:case\b.*|default|public|private|protected|signals)\s*:")
_DIRECTIVE = re.compile(r"#\s*(?:if|el|endif|define|include)")
_ENDS_STATEMENT = (";", "}", ",", "*/", "-->", "\\")
_LONG_LITERALS = ("*/", '"""', "'''", "-->")
_COMMENT_CHARS = "/-#*;"
_MODIFIERS = STATEMENT_WORDS | {"async", "await", "not", "new", "abstract", "pub", "unsafe", "readonly", "inline"}


def with_line_end(fitted: Fitted, place: FitContext) -> Fitted:
    """The answer with the line end that its last statement needs before what the cursor's line goes on with.

    As it is where it goes on in that, or has the line end already; empty where it can do neither.
    """
    rest = place.rest[fitted.num_replaced :]
    if place.line.strip() or not rest.strip() or not fitted.text.strip():
        return fitted
    is_closer = is_light(rest) and rest.strip() != ";;" and rest[0] != "<" and not _is_end_of_text(rest, place)
    above, has_line_end, last = fitted.text.rpartition("\n")
    if last.strip():
        if is_closer and last.rstrip()[-1] == "{" and rest[0] == "}":
            return replace(fitted, text=f"{fitted.text}\n{place.line}")
        if is_closer or _goes_on_in(last, rest, place):
            return fitted
        if _opens_block(last, rest, place) or last.split()[-1] in _MODIFIERS:
            return Fitted("")
        return replace(fitted, text=f"{fitted.text.rstrip()}\n{place.line}")
    if not has_line_end or last:
        return fitted
    if is_closer or not _opens_block(above, rest, place) or _is_at_margin(above, rest, place):
        return replace(fitted, text=fitted.text + place.line)
    if not above.rstrip().endswith("{") or place.num_closers_behind > len(place.before.opened):
        unit = place.style.unit if place.style is not None else _UNIT
        return replace(fitted, text=fitted.text + place.line + unit)
    return Fitted("")


def _is_end_of_text(rest: str, place: FitContext) -> bool:
    """Whether the line goes on with the end of a text that began on another one."""
    return place.before.literal not in (None, LINE_COMMENT) and rest.startswith(str(place.before.literal))


def _goes_on_in(last: str, rest: str, place: FitContext) -> bool:
    """Whether the answer's last line is the beginning of what follows, and no line of its own."""
    if (last[-1].isspace() and not _has_blank_ends(place)) or rest[0].isspace():
        return True
    said = last.strip()
    if said.endswith(_ENDS_STATEMENT) or _LABEL.fullmatch(said) or not said.strip(")]}"):
        return False
    own = scan(last, place.language, place.before.literal)
    if own.literal == LINE_COMMENT or place.before.literal is not None or _PROSE.search(said):
        is_mark = said[0] == rest[0] and said in _COMMENT_CHARS and rest[1:2] not in ("", " ", "/")
        is_sentence = rest[0] in ",.:)?!" and is_word(said[-1]) and re.match(r"\.[\w.]|:\w+:", rest) is None
        return is_mark or is_sentence or (said, rest[0]) == ("*", "/")
    if own.literal in _LONG_LITERALS:
        return False
    if own.opened and own.opened[-1].mark in "([" and not _is_closed_below(said, rest, place):
        return True
    if own.literal in _QUOTES and _is_quote_open(str(own.literal), rest):
        return True
    if (
        _BEGINS_LINE.match(rest)
        or (said[-1] in ":=/" and _KEY.match(rest))
        or (said[0] in _OPERATORS and rest[0] in _OPERATORS)
    ):
        return False
    if _OPEN_END.search(said) or (said[-1] == ":" and is_word(rest[0]) and _FRAGMENT.fullmatch(said) is not None):
        return True
    if rest[0] == "." and place.suffix.partition("\n")[2].lstrip(" \t").startswith("."):
        return False  # a chain of calls, each on a line
    if is_word(rest[0]) or (said[0] == rest[0] and rest[0] not in "\"'`"):  # as items, tags and chained calls do
        return False
    if rest[0] == "<" and "<" not in said and PurePosixPath(place.path).suffix.lower() in MARKUP:
        return False
    if said[0] == "<" and said[-1] == ">":
        return f"</{said[1:].partition(' ')[0].rstrip('>')}>" in rest
    if said.split()[-1] in _OPERATOR_WORDS and " " in said:
        return False
    if rest[0] == "(" or (rest[0] == "/" and rest[1:2].isalnum()):
        return is_word(said[-1])
    if _GOES_ON.match(rest):
        return _FRAGMENT.fullmatch(said) is not None
    is_attribute = rest[0] == ":" and rest[1:2].isalpha() and said[-1] in "\"'"
    return _TIGHT.match(rest) is not None and not is_attribute


def _has_blank_ends(place: FitContext) -> bool:
    """Whether lines of the file end in blanks anyway, so that one says nothing."""
    lines = (place.prefix[-_NEARBY_CHARS:] + place.suffix[:_NEARBY_CHARS]).split("\n")
    return sum(line[-1:] == " " and bool(line.strip()) for line in lines) >= _LEAST_BLANK_ENDS


def _is_closed_below(said: str, rest: str, place: FitContext) -> bool:
    """Whether the bracket that ends an answer is closed on a later line, so that what follows stands below it."""
    both = scan(said + rest, place.language, place.before.literal)
    return said[-1] in "([" and len(both.opened) >= len(scan(said, place.language, place.before.literal).opened)


def _is_quote_open(quote: str, rest: str) -> bool:
    """Whether a quote that the answer leaves open is closed in what follows."""
    return len(_quote_at_word_end(quote).findall(rest)) % 2 == 1


@cache
def _quote_at_word_end(quote: str) -> re.Pattern[str]:
    """Finds a quote, but no apostrophe within a word."""
    return re.compile(rf"(?<!\\){quote}(?!(?<=\w{quote})\w)")


def _is_at_margin(line: str, rest: str, place: FitContext) -> bool:
    """Whether what follows a line that opens a block is no deeper all the same: in a namespace, or a directive."""
    blocks = blocks_of(place.language)
    if not isinstance(blocks, BracedBlocks) or blocks.unindented is None:
        return False
    header = blocks.unindented.match(line.rpartition("\n")[2])
    is_namespace = header is not None and header["opens"] is not None
    return place.num_closers_behind > len(place.before.opened) and (is_namespace or _DIRECTIVE.match(rest) is not None)


def _opens_block(line: str, rest: str, place: FitContext) -> bool:
    """Whether a line opens a block that what follows it would have to stand in, deeper than it does."""
    header = line.rstrip().rpartition("\n")[2]
    if scan(header, place.language).literal == LINE_COMMENT:
        return False
    blocks = blocks_of(place.language)
    if isinstance(blocks, IndentedBlocks):  # a list's items may stand as its key does
        return blocks.header.match(header) is not None and not rest.startswith("- ")
    return header.endswith("{")
