"""A model's answer, trimmed to what fits at the cursor: nothing that stands there already, nothing that breaks it.

Knows no model and no editor. Pure, but for a bound on the time that looking at syntax trees may take: past it, counting
brackets decides. White space at line starts may change; of all else, only the end is ever cut. What does not depend on
the answer can be found out before there is one: `FitContext`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codeassist_indexer.fitting.brackets import CLOSER_OF, LINE_COMMENT, Closer, Opener, Scan, scan
from codeassist_indexer.fitting.completion_extent import lines_wanted
from codeassist_indexer.fitting.fewest_errors import ErrorCounter
from codeassist_indexer.fitting.indentation import Style, fit_indentation, leading, style_of, width
from codeassist_indexer.fitting.nearby_text import FAR_CHARS, near_before, near_behind
from codeassist_indexer.fitting.repetition import (
    cut_repeated_lines,
    is_light,
    repeated_closers,
    repeated_in_prose,
    repeated_rest,
)
from codeassist_indexer.fitting.special_token_leaks import cut_leaks
from codeassist_indexer.languages.registry import language_of

__all__ = ["FitContext", "Fitted", "fit", "fit_at", "lines_wanted", "place_of", "trim"]

PARSE_LIMIT_S = 0.005
_SCANNED_CHARS = 8_000
_LOOKED_AT_CHARS = 2 * FAR_CHARS
_MOST_CANDIDATES = 8
_MOST_ROUNDS = 8
_MOST_BRACKETS = 32  # the innermost, compared with those after the cursor
_LONG_LITERALS = ("*/", '"""', "'''", "`")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text to insert, and how many characters after the cursor, on its line, it takes the place of."""

    text: str
    num_replaced: int = 0


def trim(text: str, prefix: str, suffix: str, path: str) -> str:
    """The part of an answer that can be inserted at the cursor as it is; empty where none is worth it."""
    return _settled(place_of(prefix, suffix, path), text, may_replace=False).text


def fit(text: str, prefix: str, suffix: str, path: str) -> Fitted:
    """As `trim`, for an editor that can also replace the closers after the cursor.

    At `if foo(│)` the answer `x):` is cut to `x` by `trim`; here it stays whole, and replaces the one bracket. What is
    replaced always stands in the text, in the same order, so that an editor can show it in place.
    """
    return fit_at(place_of(prefix, suffix, path), text)


def fit_at(place: FitContext, text: str) -> Fitted:
    """As `fit`, at a place that was looked at before. Not from two threads at once."""
    return _settled(place, text, may_replace=True)


@dataclass(slots=True)
class FitContext:
    """The text around a cursor, and what it takes to trim answers there. `place_of` makes it.

    `line` is the cursor's line up to it, `rest` what it goes on with. `before` is the scan of what stands before the
    cursor, `behind` are the closers after it that close nothing there. `has_crlf`: so do its lines end.
    What parsing costs is counted for each answer as a whole.
    """

    prefix: str
    suffix: str
    line: str
    rest: str
    language: str | None
    before: Scan
    behind: tuple[Closer, ...]
    style: Style | None
    has_crlf: bool
    _counter: ErrorCounter | None = None

    def prepare(self) -> None:
        """Look at the syntax of what stands here without an answer: with one, less is left to do."""
        if self.language is not None:
            self.counter(self.language).prepare()

    def restart_clock(self) -> None:
        """Let parsing for another answer take its time."""
        if self._counter is not None:
            self._counter.restart_clock()

    def counter(self, language: str) -> ErrorCounter:
        """What counts the syntax errors here; made when it is first needed."""
        if self._counter is None:
            self._counter = ErrorCounter(language, self.prefix, self.suffix, PARSE_LIMIT_S)
        return self._counter


def _settled(place: FitContext, text: str, may_replace: bool) -> Fitted:
    if not text.strip():
        return Fitted("")
    fitted = Fitted(_with_newlines(text))
    place.restart_clock()
    for _ in range(_MOST_ROUNDS):  # what a cut uncovers may be cut too
        again = _trimmed(place, fitted.text, may_replace)
        if again == fitted:
            break
        fitted = again
    return Fitted(fitted.text.replace("\n", "\r\n"), fitted.num_replaced) if place.has_crlf else fitted


def place_of(prefix: str, suffix: str, path: str) -> FitContext:
    """Look at the text around a cursor, whatever will be said there."""
    language = language_of(path, prefix)
    prefix, suffix = prefix[-_LOOKED_AT_CHARS:], suffix[:_LOOKED_AT_CHARS]
    has_crlf = "\r\n" in prefix[-_SCANNED_CHARS:] + suffix[:_SCANNED_CHARS]
    prefix, suffix = _with_newlines(prefix), _with_newlines(suffix)
    before = scan(near_before(prefix, _SCANNED_CHARS, language), language)
    near = near_behind(suffix, _SCANNED_CHARS, language)
    behind = scan(near, language, before.literal)
    if behind.closers and behind.closers[0].mark in _LONG_LITERALS and _belongs_to_another(behind.closers[0], near):
        behind = scan(near, language)  # the string or comment at the cursor is not closed yet
    line, rest = prefix[prefix.rfind("\n") + 1 :], suffix.partition("\n")[0]
    closers = tuple(_on_line(each, line) if each.char_offset < len(rest) else each for each in behind.closers)
    return FitContext(prefix, suffix, line, rest, language, before, closers, style_of(prefix, suffix), has_crlf)


def _on_line(closer: Closer, line: str) -> Closer:
    """A closer on the cursor's own line, as that line is indented."""
    return replace(closer, indent=width(leading(line)) + closer.indent, leads=closer.leads and not line.strip())


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _trimmed(place: FitContext, text: str, may_replace: bool) -> Fitted:
    """One round over an answer."""
    text = cut_leaks(text, place.prefix, place.suffix)
    if place.before.literal is None or place.before.literal == LINE_COMMENT:
        text = fit_indentation(text, place.prefix, place.style, place.before)
    elif place.line and not place.line.strip():  # a text's lines stand where they like, but not twice as deep
        text = text.removeprefix(place.line)
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
    again = repeated_rest(text, place.rest, in_prose)
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
    is_whole = len(place.suffix) <= _SCANNED_CHARS  # else more closers may stand farther below
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


def _belongs_to_another(closer: Closer, suffix: str) -> bool:
    """Whether what could end the comment or string at the cursor ends one that begins after it."""
    if closer.mark == "*/":
        return "/*" in suffix[: closer.char_offset]
    return suffix.count(closer.mark) % 2 == 0


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
