"""An open document's text as it stood at one moment, what a client's edits make of it, and the protocol's units.

Whatever a client sends leads to a text: what does not fit is applied as the protocol says, and known as a misfit.
Columns and line ends of the protocol become the code points and "\\n" that all other packages count in here, and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from codeassist.document import Document, TextEdit

PositionEncoding = Literal["utf-8", "utf-16", "utf-32"]
ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the protocol's terms: line from 0, column in the client's encoding."""

    line: int
    units: int


@dataclass(frozen=True, slots=True)
class TextChange:
    """One entry of didChange: what stands from `start` up to `end` becomes `text`; None: the whole text does."""

    text: str
    span: tuple[Point, Point] | None


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document as it stood at one moment; an edit makes the next one.

    `opening` tells one didOpen of a document from the next: versions start again there.
    """

    uri: str
    language_id: str
    document: Document
    opening: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What a notification's changes come to: the document after them, and the edits that led there, in order.

    Each edit counts in the text that the one before it left, the first in `start`; a whole text is no edit. `misfits`
    say what did not fit the text as it was known here: the client may see another one.
    """

    after: OpenDocument
    start: Document
    edits: tuple[TextEdit, ...] = ()
    misfits: tuple[str, ...] = ()


def apply_changes(
    now: OpenDocument, version: int, changes: Sequence[TextChange], encoding: PositionEncoding
) -> Applied:
    """Apply a client's changes in their order, which is that of its messages: their versions may go back.

    A line after the last one is the text's end, as in the protocol, a range that ends before it begins its reverse.
    """
    todo = list(changes)
    whole = next((i for i in reversed(range(len(todo))) if todo[i].span is None), None)
    start = now.document
    misfits: list[str] = []
    if whole is not None:  # what came before it does not matter any more, nor which version it was for
        start = Document(now.uri, todo[whole].text, version)
        todo = todo[whole + 1 :]
    document, _ = start.apply_all((), max(version, start.version))
    edits: list[TextEdit] = []
    for change in todo:
        assert change.span is not None
        misfits.extend(_misfits(document, *change.span))
        from_char, to_char = sorted(offset_at(document, point.line, point.units, encoding) for point in change.span)
        edits.append(TextEdit(from_char, to_char, change.text))
        document, _ = document.apply(edits[-1], document.version)
    return Applied(replace(now, document=document), start, tuple(edits), tuple(misfits))


def _misfits(document: Document, start: Point, end: Point) -> list[str]:
    if (end.line, end.units) < (start.line, start.units):
        return ["a range ended before it began"]
    if end.line > document.num_lines:
        return [f"line {end.line + 1} was named of {document.num_lines}"]
    return []


@dataclass(frozen=True, slots=True)
class Selected:
    """The entry that the client's list of completions has selected: `text` would replace [start_char, end_char)."""

    start_char: int
    end_char: int
    text: str


@dataclass(frozen=True, slots=True)
class CursorContext:
    """Where a cursor stands: the text before and after it, line ends "\\n".

    What is suggested there goes in the place of the document's [start_char, end_char), after `repeated`. `language`:
    what the text around it is in, where that is not the document's; without `has_names` the line is no code.
    """

    prefix: str
    suffix: str
    start_char: int
    end_char: int
    repeated: str = ""
    language: str | None = None
    has_names: bool = True


def choose_encoding(offered: Sequence[str] | None) -> PositionEncoding:
    """The first encoding that the client offers and we know; UTF-16, which every client must know, where none is."""
    for wanted in offered or ():
        for encoding in ENCODINGS:
            if wanted == encoding:
                return encoding
    return "utf-16"


def char_col(line: str, units: int, encoding: PositionEncoding) -> int:
    """The code point column of a column in `encoding`; within a character its start, after the line its end."""
    if units <= 0:
        return 0
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    ends = np.cumsum(_widths(line[:units], encoding))  # no character is narrower than one unit
    return int(np.searchsorted(ends, units, side="right"))


def unit_col(line: str, char: int, encoding: PositionEncoding) -> int:
    """The column in `encoding` of a code point column."""
    if encoding == "utf-32" or line.isascii():
        return char
    return int(_widths(line[:char], encoding).sum())


def offset_at(document: Document, line: int, units: int, encoding: PositionEncoding) -> int:
    """The offset of a protocol position. A column after its line is the line's end, a line after the last one the
    text's: so clients write "up to the end"."""
    if line >= document.num_lines:
        return len(document.text)
    chars = document.line_range(line)
    return chars.start + char_col(document.text[chars.start : chars.stop], units, encoding)


def position_at(document: Document, offset: int, encoding: PositionEncoding) -> tuple[int, int]:
    """The line and the column in `encoding` of an offset."""
    place = document.position_at(offset)
    start = offset - place.char_col
    return place.line, unit_col(document.text[start:offset], place.char_col, encoding)


def cursor_context_at(document: Document, cursor_char: int, selected: Selected | None) -> CursorContext:
    """Where a cursor stands. With a selected entry it is where accepting the entry leads to."""
    text = document.text
    start, end, repeated = cursor_char, cursor_char, ""
    if selected is not None and selected.start_char <= cursor_char <= selected.end_char:
        start, end, repeated = selected.start_char, selected.end_char, selected.text
    prefix, suffix = with_newlines(text[:start] + repeated), with_newlines(text[end:])
    return CursorContext(well_formed(prefix), well_formed(suffix), start, end, repeated)


def utf16_length(text: str) -> int:
    """How many UTF-16 units a text has."""
    return len(text) if text.isascii() else int(_widths(text, "utf-16").sum())


def first_utf16_units(text: str, units: int) -> str:
    """The text's first `units` UTF-16 units; half a character is left out."""
    return text[: char_col(text, units, "utf-16")]


def well_formed(text: str) -> str:
    """The text with lone surrogates, which JSON can carry and no tokenizer reads, replaced; their number is kept."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def with_newlines(text: str) -> str:
    """The text with "\\n" for "\\r\\n": what models have mostly seen."""
    return text.replace("\r\n", "\n")


def line_end_of(document: Document) -> Literal["\n", "\r\n"]:
    """What ends the document's first line."""
    if document.num_lines > 1 and document.text.startswith("\r\n", document.line_range(0).stop):
        return "\r\n"
    return "\n"


def _widths(text: str, encoding: PositionEncoding) -> npt.NDArray[np.int64]:
    """Each character's units. (len(text),) int64"""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if encoding == "utf-16":
        return 1 + (codes > 0xFFFF).astype(np.int64)
    return 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
