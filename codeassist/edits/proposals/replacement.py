"""What a change replaced, token by token, and where the same replacement fits again.

A token is a name, a number, or one character that is neither; spaces between tokens are kept in what is put in, and do
not count when a place is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from codeassist.edits.change import LineChange

TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]")
NAME = re.compile(r"[^\W\d]\w*")

MOST_TOKENS = 600
"""Changes with more tokens on one side are not taken apart: they are new text, not a replacement."""
_MOST_OLD, _MOST_NEW, _NUM_AROUND = 16, 24, 4


@dataclass(frozen=True, slots=True)
class Replacement:
    """`old` tokens became `new` ones, written `text`; either may be empty, both are not.

    `before` and `after` are up to four tokens that stood to the left and to the right in the same line and stayed.
    `gap_before` and `gap_after`: whether white space stood between what was put in and its neighbours.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    gap_before: bool = False
    gap_after: bool = False

    @property
    def is_rename(self) -> bool:
        """Whether one name became another one."""
        return len(self.old) == len(self.new) == 1 and NAME.fullmatch(self.old[0] + self.new[0]) is not None


@dataclass(frozen=True, slots=True)
class Fit:
    """A replacement fits at [start_char, end_char) of a line; `num_around` of the tokens around it are the same."""

    start_char: int
    end_char: int
    num_around: int


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int
    start: int
    end: int


_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def _keeps_balance(replacement: Replacement) -> bool:
    """Whether as many brackets are open behind the new tokens as behind the old ones; else it fits nowhere alone."""
    old, new = (sum(_BRACKETS.get(token, 0) for token in side) for side in (replacement.old, replacement.new))
    return old == new


def replacements_of(change: LineChange) -> tuple[Replacement, ...]:
    """Return what a change replaced inside of lines, in the order of the text; whole new or removed lines are none."""
    old, new = _tokens(change.old), _tokens(change.new)
    if not old or not new or max(len(old), len(new)) > MOST_TOKENS:
        return ()
    matcher = SequenceMatcher(None, [token.text for token in old], [token.text for token in new], autojunk=False)
    found = [
        made
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal" and (made := _replacement(change, old, new, (i1, i2), (j1, j2))) is not None
    ]
    return tuple(dict.fromkeys(filter(_keeps_balance, found)))


def _replacement(
    change: LineChange, old: Sequence[_Token], new: Sequence[_Token], was: tuple[int, int], became: tuple[int, int]
) -> Replacement | None:
    (i1, i2), (j1, j2) = was, became
    gone, came = old[i1:i2], new[j1:j2]
    if len(gone) > _MOST_OLD or len(came) > _MOST_NEW:
        return None
    # What stayed is the same on both sides: the neighbours are read where something stands, on the old side if it can.
    if gone:
        if gone[0].line != gone[-1].line:
            return None
        before, after = _around(old, i1, i2, gone[0].line)
    else:
        if came[0].line != came[-1].line:
            return None
        before, after = _around(new, j1, j2, came[0].line)
    if not came:
        return Replacement(_texts(gone), (), "", before, after)
    if came[0].line != came[-1].line:
        return None
    line = change.new[came[0].line]
    start, end = came[0].start, came[-1].end
    gap_before, gap_after = line[start - 1 : start].isspace(), line[end : end + 1].isspace()
    return Replacement(_texts(gone), _texts(came), line[start:end], before, after, gap_before, gap_after)


def _around(tokens: Sequence[_Token], start: int, end: int, line: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before = [token.text for token in tokens[max(0, start - _NUM_AROUND) : start] if token.line == line]
    after = [token.text for token in tokens[end : end + _NUM_AROUND] if token.line == line]
    return tuple(before), tuple(after)


def fits(replacement: Replacement, line: str) -> Iterator[Fit]:
    """Yield where a replacement fits into a line, from left to right; not where its new text stands already.

    What only puts something in needs two neighbours that are the same, one of them to its left if it had one there: an
    argument follows another one, and any list ends with a bracket.
    """
    tokens = list(TOKEN.finditer(line))
    texts = [token[0] for token in tokens]
    size = len(replacement.old)
    for at in range(len(texts) - size + 1):
        if tuple(texts[at : at + size]) != replacement.old:
            continue
        left = _num_same(texts[:at][::-1], replacement.before[::-1])
        right = _num_same(texts[at + size :], replacement.after)
        has_neighbours = left + right >= 2 and (left > 0 or not replacement.before)
        if not size and (not has_neighbours or _stands_there(replacement, texts, at)):
            continue
        if size and _is_inside_new(replacement, texts, at):
            continue
        if size:
            yield Fit(tokens[at].start(), tokens[at + size - 1].end(), left + right)
        else:
            after_left = tokens[at - 1].end() if at else (tokens[at].start() if tokens else 0)
            yield Fit(after_left, after_left, left + right)


def applied(replacement: Replacement, line: str, fit: Fit) -> str:
    """Return the line with the replacement made at one place; spaces around it are kept as they are."""
    head, tail = line[: fit.start_char], line[fit.end_char :]
    if not replacement.old:
        return head + _spaced(replacement, head, tail)
    if not replacement.new:
        closes = not tail.lstrip() or tail.lstrip()[0] in ")]},;:"
        return head.rstrip() + tail if closes and head.strip() else head + tail.lstrip()
    return head + replacement.text + tail


def _spaced(replacement: Replacement, head: str, tail: str) -> str:
    lead = " " if replacement.gap_before and head and not head[-1].isspace() else ""
    if replacement.gap_after and tail and not tail[0].isspace():
        return lead + replacement.text + " " + tail
    return lead + replacement.text + (tail if replacement.gap_after or not lead else tail.lstrip(" "))


def _stands_there(replacement: Replacement, texts: Sequence[str], at: int) -> bool:
    size = len(replacement.new)
    return tuple(texts[at : at + size]) == replacement.new or tuple(texts[max(0, at - size) : at]) == replacement.new


def _is_inside_new(replacement: Replacement, texts: Sequence[str], at: int) -> bool:
    """Whether the old tokens stand here only as a part of the new ones: `a` of `a or b` where a became `a or b`."""
    size, new = len(replacement.old), replacement.new
    return any(
        new[shift : shift + size] == replacement.old and tuple(texts[at - shift : at - shift + len(new)]) == new
        for shift in range(min(at, len(new) - size) + 1)
    )


def _num_same(one: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        number += 1
    return number


def _tokens(lines: Sequence[str]) -> list[_Token]:
    return [
        _Token(found[0], number, found.start(), found.end())
        for number, line in enumerate(lines)
        for found in TOKEN.finditer(line)
    ]


def _texts(tokens: Sequence[_Token]) -> tuple[str, ...]:
    return tuple(token.text for token in tokens)
