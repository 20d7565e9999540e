"""Next edits as plain ghost text, for clients that ask for inline completions and draw no next edits.

Such a client is answered from what is known: once a completion is answered and nobody asks for more, the document's
next edits are looked for, and kept. An edit that only puts text in, at the cursor or after it on its line, is then the
first inline completion there. So no completion waits for one, and what was typed along it since leaves its rest.
A client that has ever asked for a next edit draws them itself, and is given none this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codeassist.document import Document, TextEdit
from codeassist.request import Completion
from codeassist_lsp.completion.client_requests import ClientRequest
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.suggestion_log import ShownSuggestion, SuggestionLog, rest_of, typed_since
from codeassist_lsp.completion.suggestions import Suggestion
from codeassist_lsp.documents.open_document import OpenDocument, with_newlines
from codeassist_lsp.edits.next_edits import EditQuestion, NextEditRequests, why_no_edit
from codeassist_lsp.edits.shown_edit import ShownEdit

KIND = "next edit as ghost text"
_ANSWER_S = 0.05  # until an answer has surely left for the client
_Opened = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Known:
    """Edits of one document as it was, while the client's other documents stood as `others` says."""

    document: OpenDocument
    edits: tuple[ShownEdit, ...]
    others: frozenset[_Opened]


class GhostEdits:
    """The next edits that one client is shown as inline completions. Used on the event loop only."""

    def __init__(self, requests: NextEditRequests, documents: DocumentSessions, shown: SuggestionLog) -> None:
        self._requests = requests
        self._documents = documents
        self._log = shown
        self._known: _Known | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    def at(self, ask: ClientRequest) -> ShownSuggestion | None:
        """Return the next edit that can be drawn where a completion is asked for, None without one; stop looking for
        others: a completion must not wait behind that."""
        self.cancel()
        known, now = self._known, ask.document
        if known is None or not known.edits or self._why_none(ask) is not None or _is_typed_along(self._log.last, now):
            return None
        if (known.document.uri, known.document.opening) != (now.uri, now.opening) or known.others != self._others(now):
            return None
        for shown in known.edits:
            drawn = ghost_text(shown.document, shown.span, now.document.text, ask.cursor_char)
            if drawn is not None and _is_to_be_seen(drawn[0].text, ask):
                return _suggestion(ask, shown, *drawn)
        return None

    def look_ahead(self, ask: ClientRequest) -> None:
        """Look for the next edits of the document whose completion was answered, unless they are known."""
        self.cancel()
        if not self._requests.is_asked_by_client:
            self._timer = asyncio.get_running_loop().call_later(_ANSWER_S, self._begin, ask)

    def cancel(self) -> None:
        """Look for nothing any more."""
        for running in (self._timer, self._looking):
            if running is not None:
                running.cancel()
        self._timer = self._looking = None

    def _begin(self, ask: ClientRequest) -> None:
        self._timer = None
        now, known = ask.session.now, self._known
        others = self._others(now)
        is_known = known is not None and known.document.document is now.document and known.others == others
        if now.document is ask.document.document and not is_known and self._why_none(ask) is None:
            self._looking = asyncio.get_running_loop().create_task(self._look(ask, others))

    async def _look(self, ask: ClientRequest, others: frozenset[_Opened]) -> None:
        answer = await self._requests.ahead(self._question(ask))
        self._known = _Known(ask.document, answer.edits, others)

    def _why_none(self, ask: ClientRequest) -> str | None:
        """Why there is no edit for who asks for a completion: what rules one of the two out rules this out."""
        if self._requests.is_asked_by_client:
            return "the client draws next edits"
        if ask.session.notebook is not None or ask.selected is not None:
            return "the completion's text is not the document's"
        settings = ask.session.scope.settings_in_force()
        if settings.editor.mode == "off":
            return "completions are switched off (editor.mode)"
        if (reason := ask.session.why_none(settings.editor)) is not None:
            return reason
        if ask.kind == "automatic" and (reason := ask.session.why_on_demand_only(settings.editor)) is not None:
            return reason
        return why_no_edit(self._question(ask), settings)

    def _question(self, ask: ClientRequest) -> EditQuestion:
        line = ask.document.document.text.count("\n", 0, ask.cursor_char)
        return EditQuestion(ask.session, ask.document, line, ask.kind)

    def _others(self, own: OpenDocument) -> frozenset[_Opened]:
        now = (each.now for each in self._documents)
        return frozenset((each.uri, each.opening, each.document.version) for each in now if each.uri != own.uri)


def ghost_text(before: Document, edit: TextEdit, now: str, cursor_char: int) -> tuple[TextEdit, int] | None:
    """How an edit of a document is drawn at a cursor in the text as it is now: a `TextEdit` that begins at the cursor
    and only puts text in, and how many characters its text begins with that stand there already.

    None where the edit takes anything away, belongs above the cursor's place or on another line, or where anything was
    changed since but what was typed at its place, along it, up to the cursor.
    """
    text = before.text
    num_new = len(edit.text) - (edit.end_char - edit.start_char)
    num_typed = len(now) - len(text)
    if not 0 <= num_typed < num_new:
        return None
    after = text[: edit.start_char] + edit.text + text[edit.end_char :]
    first, last = _places(text, after, edit, num_new)
    place = cursor_char - num_typed
    if first > last or place < 0 or now != text[:place] + after[place:cursor_char] + text[place:]:
        return None
    if first <= place <= last:
        return TextEdit(cursor_char, cursor_char, after[cursor_char : place + num_new]), 0
    if num_typed or place > last or "\n" in text[place:first]:
        return None
    return TextEdit(place, first, after[place : first + num_new]), first - place


def _places(text: str, after: str, edit: TextEdit, num_new: int) -> tuple[int, int]:
    """The first and the last place at which putting text in makes `after`; the last before the first: there is none."""
    last = edit.start_char
    while last < len(text) and text[last] == after[last]:
        last += 1
    first = edit.end_char
    while first > 0 and text[first - 1] == after[first - 1 + num_new]:
        first -= 1
    return first, last


def _is_typed_along(last: Sequence[ShownSuggestion], now: OpenDocument) -> bool:
    """Whether a completion that is on the screen is being typed, and is not to become another thing meanwhile."""
    for shown in last:
        edit = shown.at_cursor
        if shown.kind == KIND or shown.document.opening != now.opening:
            continue
        typed = typed_since(shown.document.document, edit.start_char, now.document)
        if typed and rest_of(edit.text, typed):
            return True
    return False


def _is_to_be_seen(text: str, ask: ClientRequest) -> bool:
    settings = ask.session.scope.settings_in_force()
    return not text.isspace() and (settings.editor.multiline != "never" or "\n" not in text)


def _suggestion(ask: ClientRequest, shown: ShownEdit, edit: TextEdit, num_repeated: int) -> ShownSuggestion:
    drawn = (replace(edit, text=with_newlines(edit.text)),)
    completion = Completion(drawn[0].text, drawn[0].text, "eos", shown.model)
    return ShownSuggestion(
        id=SuggestionLog.new_id(),
        session=ask.session,
        document=ask.document,
        edits=drawn,
        num_repeated=num_repeated,
        suggestion=Suggestion(
            drawn,
            completion.after(f"a next edit: {shown.proposal.site.reason} ({shown.proposal.source})"),
            shown.number,
        ),
        kind=KIND,
        stage_ms={"total": shown.took_ms},
    )
