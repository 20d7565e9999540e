"""FILE:LINE:COL on the command line, and the place in a text that it names.

LINE and COL count from 1, COL in Unicode characters; the column after a line's last character is allowed, a line's end
is "\n", "\r\n" or "\r".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codeassist.errors import RequestError

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Position:
    """A cursor, as written."""

    file: str
    line: int
    column: int


def parse_position(written: str) -> Position:
    """Split FILE:LINE:COL from the right, so that FILE may hold colons (`C:\\src\\a.py:3:1`)."""
    parts = written.rsplit(":", 2)
    if len(parts) != 3 or not parts[0] or not all(part.isdecimal() and part.isascii() for part in parts[1:]):
        raise RequestError(f"{written}: not a cursor; write FILE:LINE:COL, for example src/app.py:12:9")
    line, column = int(parts[1]), int(parts[2])
    if line < 1 or column < 1:
        raise RequestError(f"{written}: LINE and COL count from 1")
    return Position(parts[0], line, column)


def split_at(text: str, position: Position) -> tuple[str, str]:
    """Return the text before and after the cursor. Raises RequestError for a place that the text does not have."""
    start = 0
    ends = _LINE_END.finditer(text)
    for line in range(1, position.line):
        end = next(ends, None)
        if end is None:
            raise RequestError(f"{position.file}: there is no line {position.line}; the file ends at line {line}")
        start = end.end()
    end = next(ends, None)
    width = (end.start() if end is not None else len(text)) - start
    if position.column > width + 1:
        raise RequestError(
            f"{position.file}: line {position.line} has no column {position.column}; its end is column {width + 1}"
        )
    offset = start + position.column - 1
    return text[:offset], text[offset:]
