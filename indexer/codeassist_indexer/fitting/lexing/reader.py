"""Reads a text and keeps what stands open in it. It reads broken code and pieces of code too.

What brackets of a language's strings and comments are, and what in them is code again, its lexicon says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from codeassist_indexer.fitting.lexing.frame import CLOSER_OF, Closed, Closer, Frame
from codeassist_indexer.fitting.lexing.modes import (
    LINE_END,
    LiteralRule,
    Mode,
    base_mode,
    code_mode,
    literal_mode,
    tag_mode,
    text_mode,
)
from codeassist_indexer.languages.forms.lexicon import Hole, Lexicon, Region

MOST_OPEN = 200  # the innermost: more are no code, and would take long
_REGION_ENDS = ("?>", "%>", "%}")
_TAG_NAME = re.compile(r"[A-Za-z][\w.:-]*")
_END_NAME = re.compile(r"</([\w.:-]*)")
_VALUE_BEHIND = "(,=:[!&|?{;+-*%~^<>"
_VALUE_WORDS = re.compile(
    r"\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|yield|await|default|when|if|unless|and|or|not|while)\Z"
)


class Reader:
    """Reads texts one after the other; `stack` is what stands open now, the innermost last, its first what a file is.

    `closers` closed what had been open before the first text, or nothing at all. `num_errors` counts strings that their
    line did not end, and what was never closed though what encloses it was; `num_soft_errors` those of mere text.
    `num_closed` counts all that was closed, but for strings that were read whole.
    """

    def __init__(self, stack: Iterable[Frame]) -> None:
        self.stack = list(stack)
        self.closers: list[Closer] = []
        self.num_errors = 0
        self.num_soft_errors = 0
        self.num_closed = 0
        self._floor = len(self.stack)
        self._closed: Closed | None = None

    @property
    def num_kept(self) -> int:
        """How many of the frames that were open at first still are."""
        return self._floor

    def copy(self) -> Reader:
        """Another reader that goes on from here."""
        other = Reader(self.stack)
        other.closers = list(self.closers)
        other.num_errors, other.num_soft_errors = self.num_errors, self.num_soft_errors
        other.num_closed, other._floor, other._closed = self.num_closed, self._floor, self._closed
        return other

    def read(self, text: str, start: int = 0, stop: int | None = None) -> None:
        """Read the text between two offsets."""
        stop = len(text) if stop is None else stop
        at = start
        stack = self.stack
        while at < stop:
            mode = stack[-1].mode
            found = mode.pattern.match(text, at, stop)
            if found is None:
                break
            group = found.lastindex
            assert group is not None, "each alternative is a group"
            rule = mode.rules[group]
            mark_at, at = found.start(group), found.end()
            if rule == "skip":
                continue
            if rule == "bracket":
                at = self._bracket(text, mark_at, at)
            elif isinstance(rule, LiteralRule):
                at = self._literal(text, mark_at, at, stop, rule, found, group)
            elif isinstance(rule, Hole):
                self.stack.append(Frame(rule.closes, code_mode(_code_of(mode)), mark_at))
            elif isinstance(rule, Region):
                self.stack.append(Frame(rule.closes, code_mode(rule.lexicon), mark_at))
            elif rule == "tag":
                at = self._tag(text, mark_at, at, mode)
            elif rule == "end tag":
                self._end_tag(text, mark_at, mode)
            elif rule in ("tag end", "empty tag end"):
                self._tag_end(mode, mark_at, is_empty=rule == "empty tag end")
            elif rule == "broken tag":
                self._drop(self._below_soft())
                self.num_errors += 1
                at = mark_at
            elif rule == "end":
                self._end(mark_at, at, mode)
            elif rule == "line end":
                self._line_end(mode)
            elif rule == "soft bracket":
                self._soft_bracket(text[mark_at], mark_at, mode)
            elif rule == "soft quote":
                self._soft_quote(text, mark_at, mode)
            elif rule == "nested":
                self.stack.append(Frame(mode.closes, mode, mark_at))
            elif rule == "region end":
                self._region_end(text[mark_at:at], mark_at)

    def end_line(self) -> None:
        """What ends with its line, ends."""
        while len(self.stack) > 1:
            top = self.stack[-1]
            is_short = top.mode.kind == "literal" and top.mode.literal is not None and not top.mode.literal.is_long
            if not (top.is_soft or is_short):
                break
            self.num_errors += is_short and not top.is_soft and top.mark != LINE_END
            self._drop(len(self.stack) - 1)

    def _drop(self, num: int) -> None:
        del self.stack[num:]
        self._floor = min(self._floor, num)

    def _close(self, num: int, mark_at: int) -> None:
        frame = self.stack[num]
        if frame.is_soft:
            self.num_soft_errors += len(self.stack) - num - 1
        else:
            for each in self.stack[num + 1 :]:
                self.num_errors += not (each.is_soft or each.is_optional)
        if num < self._floor:
            self.closers.append(Closer(frame.mark, mark_at, frame.is_soft))
        self._closed = Closed(mark_at, frame)
        self.num_closed += 1
        self._drop(num)

    def _stray(self, mark: str, mark_at: int, *, is_soft: bool = False) -> None:
        self.closers.append(Closer(mark, mark_at, is_soft, is_stray=True))

    def _bracket(self, text: str, mark_at: int, at: int) -> int:
        mark = text[mark_at]
        stack = self.stack
        if mark in CLOSER_OF:
            closed = self._closed
            is_behind = closed is not None and text.find("\n", closed.char_offset, mark_at) < 0
            top = stack[-1]
            stack.append(Frame(CLOSER_OF[mark], top.mode, mark_at, True, behind=closed if is_behind else None))
            return at
        num = len(stack) - 1
        while num > 0 and stack[num].is_bracket and stack[num].mark != mark and num > len(stack) - MOST_OPEN:
            num -= 1
        frame = stack[num]
        if num > 0 and text.startswith(frame.mark, mark_at):
            self._close(num, mark_at)
            return max(at, mark_at + len(frame.mark))
        is_case = mark == ")" and frame.mode.lexicon.has_case_patterns and _is_case_pattern(text, mark_at)
        is_in_region = num >= self._floor and frame.mark in _REGION_ENDS  # what it closes began in another region
        if not is_case and not is_in_region:
            self._stray(mark, mark_at)
        return at

    def _literal(
        self, text: str, mark_at: int, at: int, stop: int, rule: LiteralRule, found: re.Match[str], group: int
    ) -> int:
        literal = rule.literal
        if rule.needs_value_place and not _is_value_place(text, mark_at):
            return at
        if rule.body is not None:
            body = rule.body.match(text, at, stop)
            assert body is not None, "it matches the empty text"
            end = body.end()
            if end < stop and text.startswith(literal.closes, end):
                return end + len(literal.closes)
            if end < stop and text[end] == "\n" and not literal.is_long:
                self.num_errors += 1
                return at  # a quote that nothing closes on its line is none, as in a comment's "don't"
        closes = literal.closes
        if "\\1" in closes:
            closes = closes.replace("\\1", found[group + 1] or "")
        name = self.stack[-1].mode.lexicon.name
        frame = Frame(closes, literal_mode(name, literal, closes), mark_at)
        if literal.is_here_document:  # it begins with the next line: first what is left of this one
            line_end = text.find("\n", at, stop)
            line_end = stop if line_end < 0 else line_end
            self.read(text, at, line_end)
            at = line_end
        self.stack.append(frame)
        return at

    def _end(self, mark_at: int, at: int, mode: Mode) -> None:
        num = self._below_soft()
        if num > 0:
            is_here = mode.literal is not None and mode.literal.is_here_document
            self._close(num, at - len(mode.closes) if is_here else mark_at)

    def _below_soft(self) -> int:
        """The number of the innermost frame that is no bracket or quote of a mere text."""
        num = len(self.stack) - 1
        while self.stack[num].is_soft:
            num -= 1
        return num

    def _line_end(self, mode: Mode) -> None:
        self._drop(self._below_soft() + 1)
        if mode.literal is not None and not mode.literal.is_long and len(self.stack) > 1:
            self._drop(len(self.stack) - 1)
            self.num_errors += 1

    def _innermost_soft(self, mark: str) -> int | None:
        num = len(self.stack) - 1
        while self.stack[num].is_soft and self.stack[num].mark != mark:
            num -= 1
        return num if self.stack[num].is_soft else None

    def _soft_bracket(self, mark: str, mark_at: int, mode: Mode) -> None:
        if mark in CLOSER_OF:
            self.stack.append(Frame(CLOSER_OF[mark], mode, mark_at, False, True))
        elif (num := self._innermost_soft(mark)) is not None:
            self._close(num, mark_at)
        else:
            self._stray(mark, mark_at, is_soft=True)
            markup = mode.lexicon.markup
            if mode.kind != "literal" and mark == "}" and markup is not None and markup.hole is not None:
                self.num_errors += 1

    def _soft_quote(self, text: str, mark_at: int, mode: Mode) -> None:
        mark = text[mark_at]
        before, behind = text[mark_at - 1 : mark_at], text[mark_at + 1 : mark_at + 2]
        is_apostrophe = mark == "'" and before.isalnum() and behind.isalnum()
        if is_apostrophe:
            return
        if (num := self._innermost_soft(mark)) is not None:
            self._close(num, mark_at)
        elif mark == "`" or not before.isalnum():
            self.stack.append(Frame(mark, mode, mark_at, False, True))

    def _tag(self, text: str, mark_at: int, at: int, mode: Mode) -> int:
        if mode.kind == "code" and not _is_value_place(text, mark_at):
            return at
        name = _TAG_NAME.match(text, at)
        lexicon = mode.lexicon.name
        self.stack.append(Frame(f"<{name[0] if name is not None else ''}", tag_mode(lexicon), mark_at))
        return at if name is None else name.end()

    def _tag_end(self, mode: Mode, mark_at: int, *, is_empty: bool) -> None:
        num = self._below_soft()
        if num == 0:
            return
        frame = self.stack[num]
        self._close(num, mark_at)
        markup = mode.lexicon.markup
        name = frame.mark[1:]
        if is_empty or markup is None or name.lower() in markup.void:
            return
        inner = text_mode(mode.lexicon.name)
        for element, raw in markup.raw:
            if element == name:
                inner = code_mode(raw)
        is_optional = name.lower() in markup.optional
        mark = _end_tag(name, markup.ignores_case)
        began = Closed(mark_at, frame)
        self.stack.append(Frame(mark, inner, mark_at, is_optional=is_optional, behind=began))

    def _end_tag(self, text: str, mark_at: int, mode: Mode) -> None:
        named = _END_NAME.match(text, mark_at)
        assert named is not None, "the rule matches an end tag"
        num = len(self.stack) - 1
        exact, lower = _end_tag(named[1], False), _end_tag(named[1], True)
        while num > 0 and self.stack[num].mark not in (exact, lower):
            num -= 1
        if num > 0:
            self._close(num, mark_at)
        else:
            self._stray(_end_tag(named[1], _ignores_case(mode)), mark_at)

    def _region_end(self, mark: str, mark_at: int) -> None:
        num = len(self.stack) - 1
        while num > 0 and self.stack[num].mark != mark:
            num -= 1
        if num > 0:
            self._drop(num + 1)  # what it leaves open another region closes
            self._close(num, mark_at)


def opening(lexicon: Lexicon) -> Frame:
    """What a file of the lexicon begins in."""
    return Frame("", base_mode(lexicon), 0)


def _code_of(mode: Mode) -> str:
    """The lexicon of the code in a hole."""
    markup = mode.lexicon.markup
    return markup.hole if markup is not None and markup.hole is not None else mode.lexicon.name


def _end_tag(name: str, ignores_case: bool) -> str:
    return f"</{name.lower() if ignores_case else name}>"


def _ignores_case(mode: Mode) -> bool:
    return mode.lexicon.markup is not None and mode.lexicon.markup.ignores_case


def _is_value_place(text: str, char_offset: int) -> bool:
    """Whether a value may begin here, so that "/" and "<" are no operators."""
    line = text[max(0, char_offset - 80) : char_offset]
    before = line.rstrip()
    if not before or before[-1] in _VALUE_BEHIND:
        return not before.endswith(("++", "--"))
    if before[-1] in "})" or len(before) == len(line):
        return "\n" in line[len(before) :] and before[-1] in "};"
    return _VALUE_WORDS.search(before) is not None


def _is_case_pattern(text: str, char_offset: int) -> bool:
    line = text[text.rfind("\n", 0, char_offset) + 1 : char_offset]
    return bool(line.strip()) and "(" not in line
