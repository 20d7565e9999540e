"""A text as it stood at one version, the edits that lead to the next, and where its lines begin.

Offsets and columns count code points. UTF-16 and UTF-8 columns are the editor's side's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field

import numpy as np
import numpy.typing as npt

from codeassist.errors import RequestError

_LINE_END = re.compile(r"\r\n|\r|\n")  # those of the language server protocol; others are ordinary characters
_FIRST_STEP = 64


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Put `text` in the place of the characters from `start_char` up to, not including, `end_char`.

    An insertion has an empty range. What is suggested is a list of these, as what a client changes is.
    """

    start_char: int
    end_char: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit did: the old text's characters in [start_char, end_char) became `num_new_chars` others."""

    start_char: int
    end_char: int
    num_new_chars: int

    @property
    def new_end_char(self) -> int:
        """Where, in the new text, the changed span ends."""
        return self.start_char + self.num_new_chars


@dataclass(frozen=True, slots=True)
class Position:
    """A place between characters: line and column from 0, in code points."""

    line: int
    char_col: int


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a text. Never changes: an edit gives the next one. A string copy an edit is what it costs."""

    path: str
    text: str
    version: int = 0
    _known_starts: InitVar[npt.NDArray[np.int64] | None] = None
    # (num_lines,) int64: the offset of each line's first character. Carried from version to version.
    _line_starts: npt.NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self, _known_starts: npt.NDArray[np.int64] | None) -> None:
        starts = _starts_of_lines(self.text) if _known_starts is None else _known_starts
        object.__setattr__(self, "_line_starts", starts)

    def apply(self, edit: TextEdit, version: int | None = None) -> tuple[Document, Change]:
        """The next document and what changed. `version`: that of the result, one more than this one's by default.

        Raises RequestError for a range outside of the text and for a version lower than this document's.
        """
        start, end = edit.start_char, edit.end_char
        if not 0 <= start <= end <= len(self.text):
            raise RequestError(
                f"{self.path}: an edit of the characters {start} to {end} does not fit version {self.version}, "
                f"which has {len(self.text)}; open the document again"
            )
        version = self.version + 1 if version is None else self._checked(version)
        text = "".join((self.text[:start], edit.text, self.text[end:]))
        change = Change(start, end, len(edit.text))
        return Document(self.path, text, version, _moved_starts(self._line_starts, text, change)), change

    def apply_all(self, edits: Iterable[TextEdit], version: int | None = None) -> tuple[Document, tuple[Change, ...]]:
        """As `apply`, for edits in order: each counts in the text that the one before it left."""
        version = self.version + 1 if version is None else self._checked(version)
        document = self
        changes: list[Change] = []
        for edit in edits:
            document, change = document.apply(edit, version)
            changes.append(change)
        if not changes:
            document = Document(self.path, self.text, version, self._line_starts)
        return document, tuple(changes)

    def with_text(self, text: str, version: int | None = None) -> tuple[Document, Change]:
        """The next document when its whole text is given; the change is only what lies between the equal ends."""
        change = change_between(self.text, text)
        new_text = text[change.start_char : change.new_end_char]
        return self.apply(TextEdit(change.start_char, change.end_char, new_text), version)

    @property
    def num_lines(self) -> int:
        """A text that ends in a line end has one more line, an empty one."""
        return len(self._line_starts)

    def line_range(self, line: int) -> range:
        """The offsets of a line's characters, without its end. Raises RequestError for a line that is not there."""
        if not 0 <= line < self.num_lines:
            raise RequestError(
                f"{self.path}: there is no line {line} (from 0) in version {self.version}, "
                f"which has {self.num_lines}; open the document again"
            )
        start = int(self._line_starts[line])
        if line + 1 == self.num_lines:
            return range(start, len(self.text))
        next_start = int(self._line_starts[line + 1])
        is_crlf = self.text.startswith("\r\n", next_start - 2) and next_start - 2 >= start
        return range(start, next_start - (2 if is_crlf else 1))

    def offset_at(self, position: Position) -> int:
        """The offset of a place. Raises RequestError for one after its line's last character."""
        chars = self.line_range(position.line)
        if not 0 <= position.char_col <= len(chars):
            raise RequestError(
                f"{self.path}: there is no column {position.char_col} (from 0) in line {position.line} of version "
                f"{self.version}, which has {len(chars)} characters; open the document again"
            )
        return chars.start + position.char_col

    def position_at(self, char: int) -> Position:
        """The place of an offset; between `\\r` and `\\n` it is one column after the line's last character.

        Raises RequestError for an offset outside of the text.
        """
        if not 0 <= char <= len(self.text):
            raise RequestError(
                f"{self.path}: there is no character {char} in version {self.version}, which has {len(self.text)}; "
                "open the document again"
            )
        line = int(np.searchsorted(self._line_starts, char, side="right")) - 1
        return Position(line, char - int(self._line_starts[line]))

    def _checked(self, version: int) -> int:
        if version < self.version:
            raise RequestError(
                f"{self.path}: version {version} came after version {self.version}; open the document again"
            )
        return version


def _starts_of_lines(text: str) -> npt.NDArray[np.int64]:
    return np.array([0, *(match.end() for match in _LINE_END.finditer(text))], dtype=np.int64)


def _moved_starts(starts: npt.NDArray[np.int64], text: str, change: Change) -> npt.NDArray[np.int64]:
    """The starts of the new text's lines from those of the old one's; `starts` is left as it is.

    Whether a line begins at an offset is decided by the characters on both of its sides: only the offsets from
    `change.start_char` to `change.new_end_char`, both included, are looked at again.
    """
    first, last = change.start_char, change.new_end_char
    before = max(first - 1, 0)
    found = [before + match.end() for match in _LINE_END.finditer(text[before : last + 1])]
    head = starts[: max(int(np.searchsorted(starts, first)), 1)]
    tail = starts[int(np.searchsorted(starts, change.end_char, side="right")) :]
    return np.concatenate(
        (
            head,
            np.array([start for start in found if max(first, 1) <= start <= last], dtype=np.int64),
            tail + (last - change.end_char),
        )
    )


def change_between(old: str, new: str) -> Change:
    """Return one change that leads from one text to another: all between what their ends have in common."""
    head = _same_head(old, new)
    tail = _same_tail(old, new, min(len(old), len(new)) - head)
    return Change(head, len(old) - tail, len(new) - tail - head)


def _same_head(a: str, b: str) -> int:
    """How many first characters are equal. Compares halves: a loop over characters takes a second for 20 MB."""
    low, high = 0, min(len(a), len(b))
    step = _FIRST_STEP
    while low < high and a[low : low + step] == b[low : low + step]:
        low += step
        step *= 2
    low, high = min(low, high), min(low + step, high)
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same_tail(a: str, b: str, limit: int) -> int:
    """How many last characters are equal, at most `limit`."""

    def same(start: int, end: int) -> bool:
        return a[len(a) - end : len(a) - start] == b[len(b) - end : len(b) - start]

    low, step = 0, _FIRST_STEP
    while low < limit and same(low, min(low + step, limit)):
        low += step
        step *= 2
    low, high = min(low, limit), min(low + step, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle - 1
    return low
