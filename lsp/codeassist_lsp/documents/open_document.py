"""One open document's text as it stood at one moment, and what a client's edits make of it.

Whatever a client sends leads to a text: what does not fit is applied as the protocol says, and known as a misfit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codeassist.document import Document, Edit
from codeassist_lsp.documents.convert import PositionEncoding, offset_at


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
    edits: tuple[Edit, ...] = ()
    misfits: tuple[str, ...] = ()


def apply_changes(
    now: OpenDocument, version: int, changes: Sequence[TextChange], encoding: PositionEncoding
) -> Applied:
    """Apply a client's changes in their order, which is that of its messages whatever their versions are.

    A line after the last one is the text's end, as in the protocol, a range that ends before it begins its reverse.
    """
    todo = list(changes)
    whole = next((i for i in reversed(range(len(todo))) if todo[i].span is None), None)
    start = now.document
    misfits: list[str] = []
    if whole is not None:  # what came before it does not matter any more, nor which version it was for
        start = Document(now.uri, todo[whole].text, version)
        todo = todo[whole + 1 :]
    elif version < start.version:
        misfits.append(f"version {version} came after version {start.version}")
    document, _ = start.apply_all((), max(version, start.version))
    edits: list[Edit] = []
    for change in todo:
        assert change.span is not None
        misfits.extend(_misfits(document, *change.span))
        from_char, to_char = sorted(offset_at(document, point.line, point.units, encoding) for point in change.span)
        edits.append(Edit(from_char, to_char, change.text))
        document, _ = document.apply(edits[-1], document.version)
    return Applied(replace(now, document=document), start, tuple(edits), tuple(misfits))


def _misfits(document: Document, start: Point, end: Point) -> list[str]:
    if (end.line, end.units) < (start.line, start.units):
        return ["a range ended before it began"]
    if end.line > document.num_lines:
        return [f"line {end.line + 1} was named of {document.num_lines}"]
    return []
