"""Where an answer ends: its lines, watched as its bytes arrive. Pure.

Knows no tokens beyond their bytes.
"""

from __future__ import annotations

import codecs


class LineStop:
    """Collects an answer's bytes and says when it has its lines.

    Blank lines at the start do not count: at the end of a line, "the next line" begins with a newline.
    `max_lines` None never stops.
    """

    def __init__(self, max_lines: int | None) -> None:
        self.max_lines = max_lines
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token_bytes: bytes) -> bool:
        """Take the next token's bytes; return whether the answer may go on."""
        self.text += self._decoder.decode(token_bytes)
        return self.max_lines is None or self._newline_that_ends() is None

    @property
    def reached(self) -> bool:
        """Whether the answer has all its lines."""
        return self._newline_that_ends() is not None

    def cut(self) -> str:
        """The answer up to its last line, without the line end behind it, nor half a character at its end."""
        end = self._newline_that_ends()
        return self.text.rstrip("\ufffd") if end is None else self.text[:end].removesuffix("\r")

    def _newline_that_ends(self) -> int | None:
        if self.max_lines is None:
            return None
        at = len(self.text) - len(self.text.lstrip())
        for _ in range(self.max_lines):
            at = self.text.find("\n", at)
            if at < 0:
                return None
            at += 1
        return at - 1
