"""Where code is code: strings, comments and open brackets at the end of a text that only grows at its end.

Knows no grammar: one regular expression a language. What stands inside of a string is no code, in templates as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOSERS = {")": "(", "]": "[", "}": "{"}
# A checkpoint stays so far behind the end: `""` may still become `"""`, `/` a comment.
_UNSETTLED_CHARS = 3
_BRACKETS = r"(?P<bracket>[()\[\]{}])"


def _line_string(quote: str) -> str:
    kind = "double" if quote == chr(34) else "single"
    return rf"{quote}(?:[^{quote}\\\n]|\\[\s\S])*(?:{quote}|(?=\n)|(?P<open_{kind}>\Z))"


_PYTHON = re.compile(
    r'(?:"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:"""|(?P<open_long>\Z))'
    r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*(?:'''|(?P<open_long2>\Z))"
    rf"|{_line_string(chr(34))}|{_line_string(chr(39))}"
    r"|\#[^\n]*(?:(?=\n)|(?P<open_comment>\Z)))"
    rf"|{_BRACKETS}"
)
_BRACE_COMMENTS = r"//[^\n]*(?:(?=\n)|(?P<open_comment>\Z))|/\*(?:[^*]|\*(?!/))*(?:\*/|(?P<open_block>\Z))"
_JAVA = re.compile(
    rf"(?:{_BRACE_COMMENTS}"
    r'|"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:"""|(?P<open_long>\Z))'
    rf"|{_line_string(chr(34))}|{_line_string(chr(39))})|{_BRACKETS}"
)
_CSHARP = re.compile(
    rf"(?:{_BRACE_COMMENTS}"
    r'|(?:@\$?|\$@)"(?:[^"]|"")*(?:"|(?P<open_verbatim>\Z))'
    r'|\$*"""(?:[^"]|"(?!""))*(?:"""|(?P<open_long>\Z))'
    rf"|\$?{_line_string(chr(34))}|{_line_string(chr(39))}"
    r"|^[ \t]*\#[^\n]*(?:(?=\n)|(?P<open_directive>\Z)))"
    rf"|{_BRACKETS}",
    re.MULTILINE,
)
# A slash begins a regular expression where no value can stand before it.
_SCRIPT = re.compile(
    rf"(?:{_BRACE_COMMENTS}"
    r"|`(?:[^`\\]|\\[\s\S])*(?:`|(?P<open_long>\Z))"
    rf"|{_line_string(chr(34))}|{_line_string(chr(39))}"
    r"|(?<=[=(,:\[!&|?{};\n])[ \t]*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+(?:/[a-z]*|(?P<open_regex>\Z)))"
    rf"|{_BRACKETS}"
)
_PATTERNS = {
    "python": _PYTHON, "java": _JAVA, "csharp": _CSHARP, "typescript": _SCRIPT, "tsx": _SCRIPT, "javascript": _SCRIPT,
}  # fmt: skip


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


START = LexState()
"""Where nothing has been read."""


def lex_end(language: str, text: str, start: LexState = START) -> TextEnd:
    """Read `text` from a state that an earlier, shorter form of it settled."""
    brackets = list(start.brackets)
    settled: LexState | None = None
    before = start.offset
    unsettled_from = len(text) - _UNSETTLED_CHARS
    is_code = True
    for match in _PATTERNS[language].finditer(text, start.offset):
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

    return _PATTERNS[language].sub(emptied, text)


def open_braces(text: str, end: TextEnd) -> int:
    """How many braces are open at the end of `text`."""
    return sum(1 for offset in end.brackets if text[offset] == "{")


def unopened_braces(language: str, text: str) -> int:
    """How many closing braces of `text`, the rest of a file, close what was opened before it."""
    depth = lowest = 0
    for match in _PATTERNS[language].finditer(text):
        if match.lastgroup == "bracket":
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            lowest = min(lowest, depth)
    return -lowest
