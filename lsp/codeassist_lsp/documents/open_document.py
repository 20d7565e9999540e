"""One open document's text as it stood at one moment, and what a client's edits make of it.

What does not fit is logged and marks the document out of step, until the client sends a whole text again; nothing here
raises for what a client sends.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codeassist.document import Document, Edit
from codeassist.errors import RequestError
from codeassist_lsp.documents.convert import PositionEncoding, offset_at

log = logging.getLogger(__name__)


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
    is_in_step: bool = True


@dataclass(frozen=True, slots=True)
class Applied:
    """What a notification's changes come to: the document after them, and the edits that led there, in order.

    Each edit counts in the text that the one before it left, the first in `start`; a whole text is no edit.
    """

    after: OpenDocument
    start: Document
    edits: tuple[Edit, ...] = ()


def apply_changes(
    now: OpenDocument, version: int, changes: Sequence[TextChange], encoding: PositionEncoding
) -> Applied:
    """Apply a client's changes, all or none; where they do not fit, the result is out of step and the text stays."""
    todo = list(changes)
    whole = next((i for i in reversed(range(len(todo))) if todo[i].span is None), None)
    if whole is not None:  # what came before it does not matter any more, nor whether we were in step
        healed = Document(now.uri, todo[whole].text, version)
        if not now.is_in_step:
            log.info("%s is in step again", now.uri)
        now = replace(now, document=healed, is_in_step=True)
        todo = todo[whole + 1 :]
    start = now.document
    if not now.is_in_step:
        return Applied(now, start)
    try:
        document, edits = _applied(start, todo, version, encoding)
    except RequestError as error:
        log.warning("out of step with the client: %s", error)
        return Applied(replace(now, is_in_step=False), start)
    return Applied(replace(now, document=document), start, edits)


def _applied(
    document: Document, changes: Sequence[TextChange], version: int, encoding: PositionEncoding
) -> tuple[Document, tuple[Edit, ...]]:
    document, _ = document.apply_all((), version)  # a version that goes backwards is refused before any edit
    edits: list[Edit] = []
    for change in changes:
        assert change.span is not None
        start, end = (offset_at(document, point.line, point.units, encoding) for point in change.span)
        edits.append(Edit(start, end, change.text))
        document, _ = document.apply(edits[-1], version)
    return document, tuple(edits)
