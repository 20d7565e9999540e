"""Where an answer ends, watched as its tokens arrive: its lines, its block, or where it is too unlikely to be right.

A block's end is seen by indentation and closing brackets. An answer that will be wrong costs its reader more than none
("Size up the situation"): it is given up as soon as it looks unlikely, which saves its remaining passes too.
"""

from __future__ import annotations

import codecs
import math
import re
from typing import Literal

_TAB_WIDTH = 4
_CLOSING = re.compile(r"[)\]}]+[;,]?")
_DIRECTIVE = re.compile(r"#(if|ifdef|ifndef|else|elif|endif|define|undef|pragma|include|region|endregion|error)\b")
# Right answers begin with unlikely tokens, names that were hard to guess, and make up for them: of 40 right ones, two
# had fallen below 0.5 on the way to 0.8. So an answer is given up when as many certain tokens could not save it.
_CERTAIN_TOKENS = 8


class LineStop:
    """Collects an answer's bytes and says when it has its lines.

    Blank lines at the start do not count: at the end of a line, "the next line" begins with a newline.
    `max_lines` None never stops.
    """

    reason: Literal["max_lines"] = "max_lines"

    def __init__(self, max_lines: int | None) -> None:
        self.max_lines = max_lines
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token_bytes: bytes) -> bool:
        """Take the next token's bytes; return whether the answer may go on."""
        self.text += self._decoder.decode(token_bytes)
        return not self.reached

    @property
    def reached(self) -> bool:
        """Whether the answer has all its lines."""
        return _end_of_lines(self.text, self.max_lines) is not None

    def cut(self) -> str:
        """The answer up to its last line, without the line end behind it, nor half a character at its end."""
        end = _end_of_lines(self.text, self.max_lines)
        return self.text.rstrip("\ufffd") if end is None else self.text[:end].removesuffix("\r")


class BlockStop:
    """Collects an answer's bytes and says when the block that it writes has ended, at `max_lines` at the latest.

    Behind code (`if x:`, `foo(() => {`) the block is what is indented deeper than that line. On an empty line below
    such a line it is what is indented as its first line; on an empty line elsewhere it is one paragraph of that: it
    ends at a blank line too, unless what follows is indented deeper. A closing bracket that ends it belongs to it.
    """

    def __init__(self, prefix: str, max_lines: int | None) -> None:
        self.max_lines = max_lines
        self.text = ""
        self._end: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        above, _, self._line = prefix.replace("\r\n", "\n").rpartition("\n")
        self._above = above.rstrip().rpartition("\n")[2]

    def feed(self, token_bytes: bytes) -> bool:
        """Take the next token's bytes; return whether the answer may go on."""
        self.text += self._decoder.decode(token_bytes)
        self._end = self._end_of_block()
        return not self.reached

    @property
    def reached(self) -> bool:
        """Whether the answer has its block, or all its lines."""
        return self._end is not None or _end_of_lines(self.text, self.max_lines) is not None

    @property
    def reason(self) -> Literal["max_lines", "block_end"]:
        """Which of the two it was, once reached."""
        return "block_end" if self._end is not None else "max_lines"

    def cut(self) -> str:
        """The answer up to the end of its block or its last line, nor half a character at its end."""
        end = _end_of_lines(self.text, self.max_lines) if self._end is None else self._end
        return self.text.rstrip("\ufffd") if end is None else self.text[:end].rstrip()

    def _end_of_block(self) -> int | None:
        """The offset in the answer where its block ends, as far as what has arrived says."""
        behind_code = bool(self._line.strip())
        header = _indent(self._line if behind_code else self._above)
        floor: int | None = None  # the indentation of the block's first line
        is_paragraph = False
        after_blank = False
        start = 0
        for number, line in enumerate(self.text.split("\n")):
            end, start = start, start + len(line) + 1
            is_whole = start <= len(self.text)
            whole = self._line + line if number == 0 else line
            content = whole.strip()
            if number == 0 and behind_code:
                continue
            if not content:
                after_blank = number > 0
                continue
            indent = _indent(whole)
            closing = _CLOSING.match(content)
            if floor is None:
                if content[0] == "{" and not is_whole:
                    return None
                if behind_code and indent <= header and content != "{" and not closing:
                    return end
                if content == "{":  # a bracket on a line of its own: its block is deeper
                    floor = indent + 1
                    continue
                is_paragraph = not behind_code and not self._opens_body(indent)
                floor = indent
            elif content[0] == "#" and (not is_whole or _DIRECTIVE.match(content)):
                continue
            elif is_paragraph and after_blank and indent <= floor and not closing:
                return end
            after_blank = False
            if closing and (indent < floor or (behind_code and indent <= header)):
                behind = end + line.index(closing[0]) + closing.end()
                return behind if is_whole or behind < len(self.text) else None
            if indent < floor:
                return end
        return None

    def _opens_body(self, first_indent: int) -> bool:
        """Whether a body begins at the cursor's empty line: below a less indented line, or below a docstring."""
        above = self._above.strip()
        return bool(above) and (_indent(self._above) < first_indent or above.endswith(('"""', "'''")))


class Confidence:
    """The geometric mean of the answer's token probabilities, and a threshold below which it is not worth showing.

    An answer is given up before its end once eight certain tokens more would not lift it over the threshold.
    `minimum` 0 never gives up. `codeassist eval confidence` shows what a threshold keeps and costs on a run.
    """

    def __init__(self, minimum: float) -> None:
        self._least_logprob = math.log(minimum) if minimum > 0 else -math.inf
        self._sum = 0.0
        self._num_tokens = 0

    def feed(self, logprob: float) -> bool:
        """Take the next token's log-probability; return whether the answer may still be worth showing."""
        self._sum += logprob
        self._num_tokens += 1
        return self._sum / (self._num_tokens + _CERTAIN_TOKENS) >= self._least_logprob

    @property
    def is_enough(self) -> bool:
        """Whether the answer as it stands is worth showing."""
        return self._num_tokens == 0 or self._sum / self._num_tokens >= self._least_logprob

    @property
    def value(self) -> float | None:
        """The geometric mean probability of the tokens so far: between 0 and 1; None before the first."""
        return math.exp(self._sum / self._num_tokens) if self._num_tokens else None


def with_line_end(text: str, raw_text: str) -> str:
    """An answer, with the line end that the model wrote after it, if it did: then its last line is whole."""
    is_ended = raw_text.startswith(text) and raw_text.removeprefix(text).lstrip(" \t\r").startswith("\n")
    return f"{text}\n" if is_ended else text


def _indent(line: str) -> int:
    """The width of a line's indentation."""
    return len(line.expandtabs(_TAB_WIDTH)) - len(line.expandtabs(_TAB_WIDTH).lstrip())


def _end_of_lines(text: str, max_lines: int | None) -> int | None:
    """The offset of the newline that ends the last allowed line, or None while there is room."""
    if max_lines is None:
        return None
    at = len(text) - len(text.lstrip())
    for _ in range(max_lines):
        at = text.find("\n", at)
        if at < 0:
            return None
        at += 1
    return at - 1
