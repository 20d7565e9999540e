"""Edits as a client was given them, by the id that it names them with; and where one belongs in a text.

The oldest are forgotten. What was turned down is remembered with the text that it was for, so that it is known again
once lines moved.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

from codeassist.document import Document, TextEdit
from codeassist.edits.change import LineChange
from codeassist.edits.proposal import Proposal
from codeassist.request import Completion
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.completion.suggestions import Suggestion, next_number
from codeassist_lsp.documents.open_document import line_end_of, with_newlines
from codeassist_lsp.edits.snapshot import Placed

_MOST = 256
_MOST_DISMISSED = 64


@dataclass(frozen=True, slots=True)
class ShownEdit:
    """An edit of the text of `document`.

    `version` None: the file is not open, and its text that on disk. `proposal` is as it was made, `placed` where it
    belongs now.
    """

    id: str
    uri: str
    version: int | None
    document: Document
    span: TextEdit
    placed: Placed
    proposal: Proposal
    kind: str
    model: str
    took_ms: float
    number: int = field(default_factory=next_number)

    @property
    def change(self) -> LineChange:
        """The change of whole lines."""
        return self.placed.change

    def as_suggestion(self, session: DocumentSession) -> ShownSuggestion:
        """The edit as what is counted of suggestions; `session` is of its document, which is open by now."""
        text = with_newlines(self.span.text)
        edits = (replace(self.span, text=text),)
        return ShownSuggestion(
            id=self.id,
            session=session,
            document=replace(session.now, document=self.document),
            edits=edits,
            num_repeated=0,
            suggestion=Suggestion(edits, Completion(text, text, "eos", self.model), self.number),
            kind=self.kind,
            stage_ms={"total": self.took_ms},
        )


@dataclass(slots=True)
class EditLog:
    """What one client was given last, and what it turned down."""

    _by_id: OrderedDict[str, ShownEdit] = field(default_factory=OrderedDict[str, ShownEdit])
    _dismissed: deque[Placed] = field(default_factory=lambda: deque(maxlen=_MOST_DISMISSED))

    def add(self, shown: ShownEdit) -> None:
        """Remember what a client is given."""
        self._by_id[shown.id] = shown
        while len(self._by_id) > _MOST:
            self._by_id.popitem(last=False)

    def get(self, shown_id: object) -> ShownEdit | None:
        """The edit with this id; None if it was never shown or is forgotten."""
        return self._by_id.get(shown_id) if isinstance(shown_id, str) else None

    def dismiss(self, shown: ShownEdit) -> None:
        """Take note that the client's user does not want this edit."""
        self._dismissed.append(shown.placed)

    @property
    def dismissed(self) -> tuple[Placed, ...]:
        """What was turned down, the oldest first."""
        return tuple(self._dismissed)


def span_of(document: Document, change: LineChange) -> TextEdit:
    """Where a change of whole lines goes, in characters; line ends are the document's.

    The last line's end is no part of what is replaced unless a line goes or comes: so a client can draw it in place.
    """
    line_end = line_end_of(document)
    text = line_end.join(change.new)
    first, after = change.start_line, change.start_line + len(change.old)
    if change.old and change.new:
        return TextEdit(_start(document, first), _end(document, after - 1), text)
    if change.new:  # lines come
        if first < document.num_lines:
            return TextEdit(_start(document, first), _start(document, first), text + line_end)
        end = len(document.text)
        return TextEdit(end, end, line_end + text)
    if after < document.num_lines:  # lines go
        return TextEdit(_start(document, first), _start(document, after), "")
    return TextEdit(_end(document, first - 1) if first else 0, len(document.text), "")


def _start(document: Document, line: int) -> int:
    return document.line_range(line).start


def _end(document: Document, line: int) -> int:
    return document.line_range(line).stop
