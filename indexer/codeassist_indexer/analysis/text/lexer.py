"""Where code is code: strings, comments and open brackets at the end of a text that only grows at its end.

One regular expression a language (`Analysis.code`). What stands inside of a string, of a template too, is no code.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from codeassist_indexer.languages.registry import analysis_of

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {")": "(", "]": "[", "}": "{"}
# A checkpoint stays so far after the end: `""` may still become `"""`, `/` a comment.
_UNSETTLED_CHARS = 3


@dataclass(frozen=True, slots=True)
class LexState:
    """What is settled of a text: all before `offset`, which is in no string or comment. `brackets`: of open ones."""

    offset: int = 0
    brackets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TextEnd:
    """The end of a text: whether it is in a string or comment, the offsets of open brackets, and what is settled."""

    is_code: bool
    brackets: tuple[int, ...]
    settled: LexState


def _code(language: str) -> re.Pattern[str]:
    rules = analysis_of(language)
    assert rules is not None, "of other languages no text is read"
    return rules.code


START = LexState()
"""Where nothing has been read."""


def lex_end(language: str, text: str, start: LexState = START) -> TextEnd:
    """Read `text` from a state that an earlier, shorter form of it settled."""
    brackets = list(start.brackets)
    settled: LexState | None = None
    before = start.offset
    unsettled_from = len(text) - _UNSETTLED_CHARS
    is_code = True
    for match in _code(language).finditer(text, start.offset):
        kind = match.lastgroup
        if settled is None and (match.end() > unsettled_from or (kind is not None and kind != "bracket")):
            settled = LexState(before, tuple(brackets))
        if kind == "bracket":
            _turn(text, match.start(), brackets)
        elif kind is not None:
            is_code = False
        before = match.end()
    return TextEnd(is_code, tuple(brackets), settled or LexState(before, tuple(brackets)))


def _turn(text: str, offset: int, brackets: list[int]) -> None:
    """Open a bracket or close the one that fits; a closer that fits none but an outer one closes those within."""
    opener = _CLOSERS.get(text[offset])
    if opener is None:
        brackets.append(offset)
        return
    for index in range(len(brackets) - 1, -1, -1):
        if text[brackets[index]] == opener:
            del brackets[index:]
            return


def code_only(language: str, text: str) -> str:
    """The text with nothing in its strings and comments; offsets are not kept."""

    def emptied(match: re.Match[str]) -> str:
        return match[0] if match.lastgroup == "bracket" else '""' if match[0][-1:] in "\"'`" else " "

    return _code(language).sub(emptied, text)


def open_braces(text: str, end: TextEnd) -> int:
    """How many braces are open at the end of `text`."""
    return sum(1 for offset in end.brackets if text[offset] == "{")


def unopened(language: str, text: str) -> str:
    """The closing brackets of `text`, the rest of a file, that close what was opened before it, in their order."""
    opened: list[str] = []
    num_open: Counter[str] = Counter()
    closers: list[str] = []
    for match in _code(language).finditer(text):
        if match.lastgroup != "bracket":
            continue
        opener = _CLOSERS.get(match[0])
        if opener is None:
            opened.append(match[0])
            num_open[match[0]] += 1
        elif num_open[opener]:
            while (last := opened.pop()) != opener:  # what stands open within it was never closed
                num_open[last] -= 1
            num_open[opener] -= 1
        else:
            closers.append(match[0])
    return "".join(closers)


def closed_between(opened: str, closers: str) -> str:
    """The round and square brackets that stood closed between a text and its rest, to judge by what both leave.

    `opened`: the brackets that are open at the text's end; `closers`: what `unopened` says of the rest.
    """
    stack = list(opened)
    num_opened_between = closers.count("}") - stack.count("{")
    rest = closers
    for _ in range(max(0, num_opened_between)):
        rest = rest.replace("}", "", 1)
    between = ""
    for closer in rest:
        while stack and stack[-1] != _CLOSERS[closer] and stack[-1] != "{":
            between += _OPENERS[stack.pop()]
        if stack and stack[-1] == _CLOSERS[closer]:
            stack.pop()
    return between
