"""Which brackets and literals stand open at the end of a piece of code, and which closers in it close nothing there.

Knows no grammar: it reads broken code and pieces of code as well as whole files, and is wrong where only a grammar
tells, as in regular expressions of JavaScript. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from codeassist_indexer.languages.registry import literals_of
from codeassist_indexer.languages.spec import ANY_LITERALS, Literals

PAIRS = {")": "(", "]": "[", "}": "{"}
CLOSER_OF = {opener: closer for closer, opener in PAIRS.items()}
LINE_COMMENT = "\n"
"""What closes a comment that runs to the end of its line."""

_TAB_WIDTH = 4
_MOST_OPEN = 100  # the innermost brackets: more are no code, and would take long
# A character, so that the apostrophe of a Rust lifetime or of a digit group in C++ opens nothing.
_CHARACTER = re.compile(r"'(?:\\[^'\n]{1,8}|\\'|[^'\\\n])'")
_ONE_LINE = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\.)*", re.DOTALL) for quote in "\"'"}


@dataclass(frozen=True, slots=True)
class Opener:
    """A bracket, or what will close a literal or comment.

    `indent` is how wide what it is part of is indented: its own line, or the one where a bracket opened that closes
    on its line, as that of a function whose parameters stand on many.
    """

    mark: str
    indent: int


@dataclass(frozen=True, slots=True)
class Closer:
    """A closing bracket, or the end of the literal that the text began in. `leads` says whether it leads its line."""

    mark: str
    char_offset: int
    indent: int
    leads: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """`opened`: what stands open at the end, innermost last. `closers`: those without an opener in the text.

    `literal` is what closes the literal or comment that the text ends in; None in code.
    """

    opened: tuple[Opener, ...]
    closers: tuple[Closer, ...]
    literal: str | None


def scan(text: str, language: str | None, literal: str | None = None) -> Scan:
    """Read a piece of code that begins inside `literal`."""
    literals = literals_of(language)
    marks = _marks(literals)
    opened: list[_Open] = []
    closers: list[Closer] = []
    closed: _Closed | None = None
    at = 0
    if literal is not None:
        end = _end_of_literal(text, 0, literal)
        if end is None:
            return Scan((), (), literal)
        if literal != LINE_COMMENT and text.startswith(literal, end - len(literal)):
            closers.append(_closer(text, end - len(literal), literal))
        at = end
    ends_in: str | None = None
    while (found := marks.search(text, at)) is not None:
        mark, at = found[0], found.end()
        if mark in CLOSER_OF:
            is_behind = closed is not None and text.find("\n", closed.char_offset, at) < 0
            opened.append(_Open(mark, found.start(), closed if is_behind else None))
        elif mark in PAIRS:
            if opened and opened[-1].mark == PAIRS[mark]:
                closed = _Closed(found.start(), opened.pop())
            elif not any(each.mark == PAIRS[mark] for each in opened[-_MOST_OPEN:]):
                if len(closers) < _MOST_OPEN:
                    closers.append(_closer(text, found.start(), mark))
            else:  # what stands between was never closed: code that is being written
                while (opener := opened.pop()).mark != PAIRS[mark]:
                    pass
                closed = _Closed(found.start(), opener)
        elif (delimiter := _literal_of(mark, text, found.start(), literals)) is not None:
            end = _end_of_literal(text, at, delimiter)
            if end is None:
                ends_in = delimiter
                break
            if delimiter in _ONE_LINE and text[end - 1] == "\n":
                continue  # a quote that nothing closes on its line is none, as in a comment's "don't"
            at = end
        elif mark == "'" and (character := _CHARACTER.match(text, found.start())) is not None:
            at = character.end()
    innermost = opened[-_MOST_OPEN:]
    return Scan(tuple(Opener(each.mark, _indent_of(text, each)) for each in innermost), tuple(closers), ends_in)


class _Open(NamedTuple):
    """A bracket that stands open, and the one before it on its line that closes, if there is one."""

    mark: str
    char_offset: int
    behind: _Closed | None


class _Closed(NamedTuple):
    char_offset: int
    opener: _Open


def _indent_of(text: str, opener: _Open) -> int:
    """The indentation of what a bracket is part of."""
    indent = _indent_at(text, opener.char_offset)
    while opener.behind is not None:
        opener = opener.behind.opener
        indent = min(indent, _indent_at(text, opener.char_offset))
    return indent


@cache
def _marks(literals: Literals) -> re.Pattern[str]:
    """What finds brackets and all that may open a literal; of two that begin alike, the longer one."""
    block = literals.block_comment[:1] if literals.block_comment is not None else ()
    marks = [*literals.long_quotes, *literals.line_comments, *block, '"', "'", *"`()[]{}"]
    return re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)))


def _literal_of(mark: str, text: str, char_offset: int, literals: Literals) -> str | None:
    """What closes the literal that `mark` opens, or None where it opens none."""
    if mark in literals.line_comments:
        if literals.comments_begin_words and not text[max(0, char_offset - 1) : char_offset].isspace() and char_offset:
            return None
        # "://" is an address in a language that is not known
        is_address = literals is ANY_LITERALS and mark == "//" and text[max(0, char_offset - 1) : char_offset] == ":"
        return None if is_address else LINE_COMMENT
    if literals.block_comment is not None and mark == literals.block_comment[0]:
        return literals.block_comment[1]
    if mark == "`":
        return mark if literals.backticks else None
    if mark == "'":
        return mark if literals.single_quoted else None
    return mark


def _end_of_literal(text: str, start: int, delimiter: str) -> int | None:
    """The offset after the literal's end; for one of a single line also where its line ends. None: beyond the text."""
    if delimiter in _ONE_LINE:
        content = _ONE_LINE[delimiter].match(text, start)
        assert content is not None, "it matches the empty text"
        end = content.end()
        return None if text[end:] in ("", "\\") else end + 1
    at = text.find(delimiter, start)
    while at > 0 and delimiter[0] in "\"'`" and _is_escaped(text, at, start):
        at = text.find(delimiter, at + 1)
    return None if at < 0 else at + len(delimiter)


def _is_escaped(text: str, char_offset: int, start: int) -> bool:
    before = text[start:char_offset]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _closer(text: str, char_offset: int, mark: str) -> Closer:
    line = text[text.rfind("\n", 0, char_offset) + 1 : char_offset]
    return Closer(mark, char_offset, _indent_at(text, char_offset), not line.strip())


def _indent_at(text: str, char_offset: int) -> int:
    start = text.rfind("\n", 0, char_offset) + 1
    line = text[start:char_offset].expandtabs(_TAB_WIDTH)
    return len(line) - len(line.lstrip())
