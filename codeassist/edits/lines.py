"""Lines of a text, and texts with some of their lines changed, whatever ends the lines.

Line ends are those of the language server protocol: "\\n", "\\r\\n", "\\r". A text's first line end is the one that new
lines get; a last line without one stays so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeassist.edits.change import LineChange
from codeassist.errors import RequestError

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def with_line_feeds(text: str) -> str:
    """The text with "\\n" at every line's end, without a byte order mark: what requests hold. Lines keep their
    numbers."""
    return _LINE_END.sub("\n", text.removeprefix("\ufeff"))


def lines_of(text: str) -> tuple[str, ...]:
    """A text's lines without their ends. What follows the last end is a line where it is not empty."""
    return tuple(with_line_feeds(text).removesuffix("\n").split("\n")) if text else ()


def fits(change: LineChange, lines: Sequence[str]) -> bool:
    """Whether the old lines stand where the change says."""
    old = _without_end_line(change, len(lines)).old
    end = change.start_line + len(old)
    return change.start_line >= 0 and end <= len(lines) and tuple(lines[change.start_line : end]) == old


def with_changes(text: str, changes: Sequence[LineChange]) -> str:
    """The text with changes of it made, none of which may touch another's lines; all count in the text as it is.

    Raises RequestError where the old lines are not there.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = _LINE.findall(text.removeprefix(mark))
    lines = lines_of(text)
    found = _LINE_END.search(text)
    line_end = found[0] if found is not None else "\n"
    is_ended = not pieces or pieces[-1].endswith(("\n", "\r"))
    for change in sorted(changes, key=lambda each: (each.start_line, len(each.old)), reverse=True):
        if not fits(change, lines):
            raise RequestError(
                f"{change.path}: line {change.start_line + 1} is not what it was when the edit was found; ask again"
            )
        change = _without_end_line(change, len(lines))
        end = change.start_line + len(change.old)
        if change.start_line == len(pieces) and pieces and not is_ended:
            pieces[-1] += line_end
        made = [line + _end_of(pieces, change.start_line + at, line_end) for at, line in enumerate(change.new)]
        pieces[change.start_line : end] = made
    if pieces and not is_ended:
        pieces[-1] = pieces[-1].removesuffix("\n").removesuffix("\r")
    return mark + "".join(pieces)


def _end_of(pieces: Sequence[str], line: int, line_end: str) -> str:
    """What ends the line that stood there; what ends the first one where none did."""
    found = _LINE_END.search(pieces[line]) if line < len(pieces) else None
    return found[0] if found is not None else line_end


def _without_end_line(change: LineChange, num_lines: int) -> LineChange:
    """The change without the empty line after a text's last line end, which editors count and `lines_of` does not."""
    if change.old[-1:] != ("",) or change.start_line + len(change.old) != num_lines + 1:
        return change
    new = change.new[:-1] if change.new[-1:] == ("",) else change.new
    return LineChange(change.path, change.start_line, change.old[:-1], new, change.is_accepted)
