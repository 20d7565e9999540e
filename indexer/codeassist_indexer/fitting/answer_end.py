"""The end of an answer: where it is cut, and what of the rest of the cursor's line it takes the place of. Pure.

A step of fitting: `with_end`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codeassist_indexer.fitting.brackets import CLOSER_OF, LINE_COMMENT, Closer, Opener, scan
from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.nearby_text import FAR_CHARS
from codeassist_indexer.fitting.place import SCANNED_CHARS, FitContext
from codeassist_indexer.fitting.repetition import (
    cut_repeated_lines,
    is_light,
    line_again,
    repeated_closers,
    repeated_in_prose,
    repeated_rest,
)

_MOST_CANDIDATES = 8
_MOST_BRACKETS = 32  # the innermost, compared with those after the cursor


def with_end(text: str, place: FitContext, may_replace: bool) -> Fitted:
    """The answer up to where the file goes on, and how many closers after the cursor it has written itself."""
    text = cut_repeated_lines(text, place.prefix, place.suffix)
    if place.line.strip() and not is_light(place.rest):  # there is room for one line before the code after the cursor
        text = text.partition("\n")[0]
    fitted = _best(place, text, may_replace) if text.strip() else Fitted("")
    return Fitted(_tidied(fitted.text, place.rest[fitted.num_replaced :]), fitted.num_replaced)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A cut of an answer. `num_off_balance` counts the brackets that are then too many or missing at the cursor."""

    text: str
    num_replaced: int
    num_off_balance: int
    repeats: bool


def _best(place: FitContext, text: str, may_replace: bool) -> Fitted:
    """Of all cuts the one with the fewest syntax errors, then the fewest brackets out of balance, then the longest."""

    def rank(each: _Candidate) -> tuple[int, bool, int, int]:
        there = each.text + place.rest[each.num_replaced :]
        return each.num_off_balance, each.repeats, -len("".join(there.split())), each.num_replaced

    candidates = sorted(_candidates(place, text, may_replace), key=rank)[:_MOST_CANDIDATES]
    best = candidates[0]
    if len(candidates) > 1 and place.language is not None:
        best = candidates[_first_that_parses(place, place.language, candidates)]
    return Fitted(best.text, best.num_replaced)


def _first_that_parses(place: FitContext, language: str, candidates: list[_Candidate]) -> int:
    """The first of the candidates with which the text has no syntax error.

    The first of all where none is, or when the time is up: in code that is broken elsewhere too, and in a part of a
    file, errors mislead more than brackets do.
    """
    counter = place.counter(language)
    for number, each in enumerate(candidates):
        # An answer that ends in the middle is no worse for that; but what it opens may be closed after the cursor.
        for text in dict.fromkeys((_closed(each.text, place), each.text)):
            num = counter.count(text, each.num_replaced)
            if num is None:
                return 0
            if num == 0:
                return number
    return 0


def _closed(text: str, place: FitContext) -> str:
    """The text with what it opens closed."""
    own = scan(text, place.language, place.before.literal)
    closing = "".join(CLOSER_OF[each.mark] for each in reversed(own.opened))
    if own.literal is not None and place.before.literal != own.literal:
        closing = own.literal + closing
    return text + closing


def _candidates(place: FitContext, text: str, may_replace: bool) -> Iterator[_Candidate]:
    """The whole answer, and its cuts at what may stand there already."""
    own = scan(text, place.language, place.before.literal)
    in_prose = _stays_in_literal(place, text.partition("\n")[0])
    again = line_again(text, place.rest) if place.is_before_code else repeated_rest(text, place.rest, in_prose)
    if again is None and place.before.literal is not None:
        again = repeated_in_prose(text, place.line, place.rest)
    cuts = {len(text): again is not None}
    if again is not None:
        cuts[again] = False
    for closer in own.closers:
        if again is None or closer.char_offset < again:
            cuts[closer.char_offset] = False
    if not place.rest.strip():
        for offset in repeated_closers(text, place.suffix):
            cuts.setdefault(offset, False)
    for cut, repeats in cuts.items():
        yield _Candidate(text[:cut], 0, _num_off_balance(place, text[:cut], 0), repeats)
    covered = _covered(text, place.rest, own.closers) if may_replace and is_light(place.rest) else None
    if covered:
        num_replaced = len(place.rest.rstrip())
        num_closers = sum(closer.char_offset < num_replaced for closer in place.behind)
        for cut, repeats in cuts.items():
            if cut >= covered:
                num_off = _num_off_balance(place, text[:cut], num_closers)
                yield _Candidate(text[:cut], num_replaced, num_off, repeats)


def _stays_in_literal(place: FitContext, first: str) -> bool:
    """Whether the answer's first line is all text of the string or comment that the cursor stands in."""
    if place.before.literal is None:
        return False
    own = scan(first, place.language, place.before.literal)
    return own.literal is not None and not own.closers


def _covered(text: str, rest: str, closers: tuple[Closer, ...]) -> int | None:
    """The offset after the last character of `rest` in the text, where the text writes them all itself; else None."""
    at = 0
    for mark in rest.split():
        for char in mark:
            ends = [closer.char_offset for closer in closers if closer.mark[-1] == char and closer.char_offset >= at]
            if ends:
                at = ends[0] + 1
            elif at and text[at:].lstrip(" ").startswith(char):
                at = text.index(char, at) + 1
            else:
                return None
    return at


def _num_off_balance(place: FitContext, text: str, num_replaced: int) -> int:
    """How many brackets are missing or too many with `text` at the cursor, in place of so many closers after it.

    What the text opens may be closed after it, or not yet be closed at all.
    """
    own = scan(text, place.language, place.before.literal)
    opened = [*place.before.opened]
    if place.before.literal not in (None, LINE_COMMENT):
        opened.append(Opener(str(place.before.literal), 0))
    num_kept = len(own.closers) - num_replaced
    if own.closers and own.closers[0].mark == place.before.literal == own.literal:  # it leaves a string for another
        num_kept -= 1
    num_open = min(len(own.opened), len(place.behind))
    return min(abs(num_kept - _num_missing(place, opened, place.behind[skipped:])) for skipped in {0, num_open})


def _num_missing(place: FitContext, opened: list[Opener], behind: tuple[Closer, ...]) -> int:
    """How many of the brackets open at the cursor nothing behind it closes, from the innermost on.

    As many as leave the others the likest to the closers after: of the same kind, and indented alike if they lead
    their lines.
    """
    if not behind:  # a long block may end far below
        far = len(place.suffix) > FAR_CHARS
        return next((n for n, each in enumerate(reversed(opened)) if each.mark == "{" and far), len(opened))
    is_whole = len(place.suffix) <= SCANNED_CHARS  # else more closers may stand farther below
    opened, behind = opened[-_MOST_BRACKETS:], behind[:_MOST_BRACKETS]
    return min(range(len(opened) + 1), key=lambda num: _unlikeness(opened[: len(opened) - num], behind, is_whole))


def _unlikeness(opened: list[Opener], behind: tuple[Closer, ...], is_whole: bool) -> int:
    """How badly these brackets and these closers fit together; 0: each closes one."""
    bad = 2 * max(len(behind) - len(opened), len(opened) - len(behind) if is_whole else 0)
    for opener, closer in zip(reversed(opened), behind, strict=False):
        if CLOSER_OF.get(opener.mark, opener.mark) != closer.mark:
            bad += 3
        elif closer.leads and closer.indent != opener.indent:
            bad += 1
    return bad


def _tidied(text: str, rest: str) -> str:
    """The answer without white space at line ends; what the rest of the line needs before it stays."""
    *lines, last = text.split("\n")
    lines = [each.rstrip() for each in lines]
    if not rest.strip():
        return "\n".join([*lines, last]).rstrip()
    if last.strip() and (rest[0] in " \t" or rest[0] in ")];,.:"):
        last = last.rstrip()
    tidied = "\n".join([*lines, last])
    return tidied if tidied.strip() else ""
