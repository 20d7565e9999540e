"""The documents that one client has open, kept in step with it by its edits.

Knows no connection, no model and no index. What does not fit is logged and marks the document out of step, until the
client sends a whole text again; nothing here raises for what a client sends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

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


@dataclass(slots=True)
class Documents:
    """What is open, by URI. Mutated by the client's notifications only, in the order in which they came."""

    encoding: PositionEncoding = "utf-16"
    _open: dict[str, OpenDocument] = field(default_factory=dict[str, OpenDocument])
    _num_openings: int = 0

    def __iter__(self) -> Iterator[OpenDocument]:
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, uri: str) -> OpenDocument | None:
        """The document as it stands now, or None."""
        return self._open.get(uri)

    def open(self, uri: str, language_id: str, version: int, text: str) -> OpenDocument:
        """Take a text from the client. A document that was open already begins anew."""
        if uri in self._open:
            log.info("%s was opened again", uri)
        self._num_openings += 1
        made = OpenDocument(uri, language_id, Document(uri, text, version), self._num_openings)
        self._open[uri] = made
        return made

    def change(self, uri: str, version: int, changes: Iterable[TextChange]) -> OpenDocument | None:
        """Apply a client's edits, all or none; return the document as it stands then, None if it is not open."""
        entry = self._open.get(uri)
        if entry is None:
            log.warning("an edit of %s was left out: it is not open", uri)
            return None
        todo = list(changes)
        whole = next((i for i in reversed(range(len(todo))) if todo[i].span is None), None)
        if whole is not None:  # what came before it does not matter any more, nor whether we were in step
            healed = Document(uri, todo[whole].text, version)
            if not entry.is_in_step:
                log.info("%s is in step again", uri)
            entry = replace(entry, document=healed, is_in_step=True)
            todo = todo[whole + 1 :]
        if entry.is_in_step:
            try:
                entry = replace(entry, document=self._applied(entry.document, todo, version))
            except RequestError as error:
                log.warning("out of step with the client: %s", error)
                entry = replace(entry, is_in_step=False)
        self._open[uri] = entry
        return entry

    def close(self, uri: str) -> OpenDocument | None:
        """Forget a document; return it as it stood, None if it was not open."""
        entry = self._open.pop(uri, None)
        if entry is None:
            log.warning("%s was closed, but is not open", uri)
        return entry

    def _applied(self, document: Document, changes: list[TextChange], version: int) -> Document:
        document, _ = document.apply_all((), version)  # a version that goes backwards is refused before any edit
        for change in changes:
            assert change.span is not None
            start, end = (offset_at(document, point.line, point.units, self.encoding) for point in change.span)
            document, _ = document.apply(Edit(start, end, change.text), version)
        return document
