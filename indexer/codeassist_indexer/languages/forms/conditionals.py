"""Conditional compilation that cuts through syntax, levelled: one branch stays, so that what is around it parses.

Grammars read `#if` where whole statements or members stand in it, and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from codeassist_indexer.languages.forms.mend import blanked

_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(?P<word>if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b")
_NO_CODE = re.compile(
    rb"//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|^[ \t]*#[^\n]*",
    re.MULTILINE,
)
# What continues something, or waits for more. A label ends with a colon.
_CONTINUES = re.compile(rb"\A(?:[,.?=)\]%^|/]|&&|:(?!:)|<<|>>|(?:else|catch|finally)\b)")
_GOES_ON = re.compile(rb"(?:[\w)\],(+\-*/=?&|<>^%]|(?<!\w):)\Z")
_UNFINISHED = re.compile(rb"(?:[\w),(+\-*/=?&|<>^%]|(?<!\w):)\Z")
_CONTEXT_LINES = 20
_PAIRS = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))


@dataclass(slots=True)
class _Conditional:
    """The lines of an open `#if` and of its branches' directives, each line's first and the one after its last."""

    directives: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def level_conditionals(source: bytes) -> bytes:
    """Return the text, as long as before: of what cuts through syntax the first branch with code stays, all else goes.

    What holds whole statements or members stays as it is, with its directives.
    """
    if b"#" not in source:
        return source
    lines = source.splitlines(keepends=True)
    open_ones: list[_Conditional] = []
    number = 0
    while number < len(lines):
        match = _DIRECTIVE.match(lines[number])
        first = number
        while lines[number].rstrip(b"\r\n").endswith(b"\\") and number + 1 < len(lines):
            number += 1
        number += 1
        if match is None:
            continue
        if match["word"].startswith(b"if"):
            open_ones.append(_Conditional())
        if not open_ones:
            continue
        open_ones[-1].directives.append((first, number))
        if match["word"] == b"endif":
            _level(lines, open_ones.pop().directives)
    return b"".join(lines)


def _level(lines: list[bytes], directives: list[tuple[int, int]]) -> None:
    branches = [(above[1], below[0]) for above, below in pairwise(directives)]
    codes = [_code(lines, first, last) for first, last in branches]
    before = _code(lines, max(0, directives[0][0] - _CONTEXT_LINES), directives[0][0])
    behind = _code(lines, directives[-1][1], directives[-1][1] + _CONTEXT_LINES)
    is_within = _UNFINISHED.search(before) is not None or _CONTINUES.search(behind) is not None
    if not is_within and not any(_is_cut(code) for code in codes):
        return
    kept = next((index for index, code in enumerate(codes) if code), 0)
    gone = [*directives, *(branch for index, branch in enumerate(branches) if index != kept)]
    for first, last in gone:
        for number in range(first, last):
            lines[number] = blanked(lines[number])


def _code(lines: list[bytes], first: int, last: int) -> bytes:
    return _NO_CODE.sub(b"", b"".join(lines[first:last])).strip()


def _is_cut(code: bytes) -> bool:
    """Whether a branch's code (without comments and strings) is no whole statements or members."""
    if not code:
        return False
    if any(code.count(opening) != code.count(closing) for opening, closing in _PAIRS):
        return True
    return _CONTINUES.search(code) is not None or _GOES_ON.search(code) is not None
