"""The end of an answer: where it is cut, and what of the rest of the cursor's line it takes the place of. Pure.

A step of fitting: `with_end`. What decides is what stands open then: each closer after the cursor closes what the
answer left open of the text before it, or is one that the answer has written itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.lexing.frame import Frame
from codeassist_indexer.fitting.lexing.imbalance import HARD, SOFT, imbalance, is_other_sentence
from codeassist_indexer.fitting.lexing.modes import LINE_END
from codeassist_indexer.fitting.lexing.reader import Reader
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.fitting.repetition import (
    cut_repeated_lines,
    is_light,
    line_again,
    repeated_closers,
    repeated_rest,
)
from codeassist_indexer.languages.lexicons.formats import ANY

_MOST_CUTS = 12
_MOST_REST = 1_000
_LONGEST_MARK = 3
_NEAR_FRAMES = 6
_CLOSING = re.compile(r"\s*(?:\"\"\"|'''|</[\w.:-]*>|\*/|--\]=*\]|-->|[%?]>|\S)")
_SEPARATORS = ";,:"
_QUOTES = ("'", '"', "`")
_CUT = 1  # an answer is cut where that mends something
_LEFT_OPEN = 3  # a string that begins in the line, and that nothing in the answer ends


def with_end(text: str, place: FitContext, may_replace: bool) -> Fitted:
    """The answer up to where the file goes on, and how many closers after the cursor it has written itself."""
    text = cut_repeated_lines(text, place.prefix, place.suffix)
    if place.line.strip() and not is_light(place.rest):  # there is room for one line before the code after the cursor
        text = text.partition("\n")[0]
    fitted = _best(place, text, may_replace) if text.strip() else Fitted("")
    return Fitted(_tidied(fitted.text, place.rest[fitted.num_replaced :]), fitted.num_replaced)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A cut of an answer, and what it replaces. `cost`: how badly the brackets then fit each other.

    `is_shown`: what it replaces stands in it, in the same order, so that an editor can show it in place. `repeats`: it
    says again what the line goes on with.
    """

    text: str
    num_replaced: int
    cost: int
    is_shown: bool
    repeats: bool
    num_chars: int


def _best(place: FitContext, text: str, may_replace: bool) -> Fitted:
    """Of all cuts the one whose brackets fit best, then the longest."""

    def rank(each: _Candidate) -> tuple[int, bool, int, bool, int, int]:
        length = len(each.text.rstrip()) - each.num_replaced
        return each.cost, each.repeats, -each.num_chars, not each.is_shown, -length, each.num_replaced

    best = min(_candidates(place, text, may_replace), key=rank)
    return Fitted(best.text, best.num_replaced)


def _candidates(place: FitContext, text: str, may_replace: bool) -> Iterator[_Candidate]:
    """The whole answer and its cuts at what may stand there already, each in place of none or more of the closers."""
    state = place.state
    line = place.line[len(place.line) - state.num_line :]
    again = line_again(text, place.rest) if place.is_before_code else repeated_rest(text, place.rest)
    cuts = {len(text): again is not None}
    if again is not None:
        cuts[again] = False
    whole = Reader(state.stack)
    whole.read(line + text, len(line))
    closing = [each.char_offset - len(line) for each in whole.closers if not (each.is_stray and each.is_soft)]
    for offset in closing[:_MOST_CUTS]:
        if again is None or offset < again:
            cuts[offset] = False
    if not place.rest.strip():
        for offset in repeated_closers(text, place.suffix):
            cuts.setdefault(offset, False)
    costs = _Costs(place, line)
    ends = [0, *_closing_ends(place.rest)] if may_replace and is_light(place.rest) else [0]
    num_marks = [_num_closers(place.rest[:end], f"{_SEPARATORS}>") for end in ends]
    reader = Reader(state.line_stack)
    start = 0
    for cut in sorted(cuts):
        if start <= len(line) + _LONGEST_MARK:  # what is cut there may be one thing with what follows
            reader, start = Reader(state.line_stack), 0
        reader.read(line + text, start, len(line) + cut)
        start = len(line) + cut
        num_closed = len(state.stack) - costs.num_given(reader)
        for end, num in zip(ends, num_marks, strict=True):
            is_shown = _is_within(place.rest[:end], text[:cut])
            if num > num_closed and cut < len(text):
                continue  # a cut leaves to the rest of the line what it closes
            if end and not place.line.strip():
                continue  # a line of closers alone stays
            if num > costs.num_closed_by_rest and not is_shown and state.stack[0].mode.lexicon is ANY:
                continue  # in a language that is not known it may close what was not seen to open
            rest = place.rest[end:_MOST_REST].rstrip()
            is_doubled = bool(rest) and rest[0] in _SEPARATORS and text[:cut].rstrip().endswith(rest[0])
            num_chars = len("".join((text[:cut] + rest).split()))
            is_cut = cut < len(text)
            cost = costs.of(line + text[:cut], rest, reader, is_cut) + _CUT * (is_cut and cut != again)
            yield _Candidate(text[:cut], end, cost, is_shown, cuts[cut] or is_doubled, num_chars)


class _Costs:
    """How badly brackets fit each other on the cursor's line and below it, with one or the other answer."""

    def __init__(self, place: FitContext, line: str) -> None:
        self._place = place
        self._line = line
        self._known: dict[tuple[int, tuple[tuple[str, bool], ...], tuple[str, ...]], int] = {}
        now = Reader(place.state.stack)
        now.read(line + place.rest[:_MOST_REST], len(line))
        self.num_closed_by_rest = now.num_closed
        self._num_kept_now = now.num_kept
        self._num_deep_now = max(0, len(place.state.line_stack) - now.num_kept)  # opened on earlier lines
        self._num_brackets_now = _num_brackets(now.stack[: now.num_kept])
        is_tag = any(each.mode.kind == "tag" for each in place.state.stack[-_NEAR_FRAMES:])
        self._separators = _SEPARATORS if is_tag else f"{_SEPARATORS}>"

    def num_given(self, reader: Reader) -> int:
        """How many of the frames that are open now were opened before the cursor."""
        num = reader.num_kept
        while num < len(reader.stack) and reader.stack[num].char_offset < len(self._line):
            num += 1
        return num

    def of(self, text: str, rest: str, before: Reader, is_cut: bool) -> int:
        """The cost of a line that is `text`, which has been read, and `rest`; `is_cut`: the answer went on."""
        reader, state = before.copy(), self._place.state
        is_mere_text = reader.stack[-1].mode.kind in ("literal", "text")
        before_rest = reader.num_closed, self.num_given(reader), _num_strays(reader), reader.num_kept
        num_errors, num_own = reader.num_errors, len(reader.stack) - before_rest[1]
        reader.read(text + rest, len(text))
        num_given = self.num_given(reader)
        num_closed = reader.num_closed - before_rest[0]
        num_useless = num_foreign = 0
        num_strays = _num_strays(reader)
        if is_light(rest):
            num_useless, num_strays = max(0, _num_closers(rest, self._separators) - num_closed), before_rest[2]
            num_foreign = max(0, num_closed - (before_rest[1] - num_given))
        num_unfinished = min(reader.num_errors - num_errors, num_own)  # it ends in the middle, and the line goes on
        softs = [each.mark for each in reader.stack[:num_given] if each.is_soft]
        comment = next((each for each in reader.stack[1:] if each.mark == LINE_END and not each.is_soft), None)
        reader.end_line()
        num_given = min(num_given, len(reader.stack))
        own = reader.stack[num_given:]
        is_open = any(not each.is_bracket and each.mode.kind != "text" for each in own)
        left = reader.stack[self._num_kept_now : num_given]  # what the rest of the line closes as it is now
        begun = reader.stack[len(state.line_stack) : num_given] if is_cut else []  # on this line; the answer closes it
        is_open_quote = any(not each.is_bracket and each.mark in _QUOTES for each in (*left, *own, *begun))
        key = num_given, tuple((each.mark, each.char_offset < len(text)) for each in own), tuple(softs)
        if key not in self._known:
            self._known[key] = imbalance(state, reader.stack, num_given, len(text))
        closed = state.read_below(reader.stack).soft if comment is None else state.comment_below(comment)
        num_deep = before_rest[3] - reader.num_kept
        num_changed = int(_num_brackets(reader.stack[:num_given]) > self._num_brackets_now)
        num_changed += 2 * (num_deep > self._num_deep_now) + is_other_sentence(softs, closed)
        return (
            self._known[key]
            + (num_strays + reader.num_errors - num_unfinished) * HARD
            + num_useless * (2 * SOFT if is_mere_text else HARD)
            + (reader.num_soft_errors + num_foreign + num_changed + num_unfinished) * SOFT
            + (_LEFT_OPEN * (1 + is_cut) if is_open_quote else is_open * SOFT)
        )


def _closing_ends(rest: str) -> Iterator[int]:
    """The offsets behind each closer of the rest of the line."""
    for found in _CLOSING.finditer(rest.rstrip()):
        yield found.end()


def _num_closers(rest: str, separators: str) -> int:
    """How many of the marks of a line's rest close something."""
    return sum(found[0].strip() not in separators for found in _CLOSING.finditer(rest))


def _num_brackets(frames: Sequence[Frame]) -> int:
    return sum(each.is_bracket for each in frames)


def _num_strays(reader: Reader) -> int:
    return sum(each.is_stray and not each.is_soft for each in reader.closers)


def _is_within(part: str, text: str) -> bool:
    """Whether the characters of `part` stand in the text, in their order."""
    at = 0
    for char in part:
        if char.isspace():
            continue
        at = text.find(char, at) + 1
        if at == 0:
            return False
    return True


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
