"""What a client tells about next edits: shown, gone to, taken, turned down.

Arguments come from outside: what is no known id is logged and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.edits.edit_items import ACCEPT_EDIT
from codeassist_lsp.edits.shown_edit import EditLog, ShownEdit
from codeassist_lsp.handlers.feedback import Feedback
from codeassist_lsp.transport.server import Server

log = logging.getLogger(__name__)

DISMISS_EDIT = "codeassist.dismissEdit"
DID_SHOW_EDIT = "textDocument/didShowInlineEdit"
DID_JUMP = "codeassist/didJumpToEdit"


class EditFeedback:
    """Handles the notifications and the two commands about next edits. Counts as `feedback` does."""

    def __init__(self, server: Server, documents: DocumentSessions, edit_log: EditLog, feedback: Feedback) -> None:
        self._documents = documents
        self._log = edit_log
        self._feedback = feedback
        server.command(ACCEPT_EDIT)(self._accept)
        server.command(DISMISS_EDIT)(self._dismiss)
        server.feature(DID_SHOW_EDIT)(self._did_show)
        server.feature(DID_JUMP)(self._did_jump)

    def _accept(self, *arguments: Any) -> None:
        shown = self._find(arguments[0] if arguments else None)
        if shown is None:
            return
        session = self._documents.get(shown.uri)
        if session is not None:
            session.history.note_accepted(shown.span.text)
        self._count(shown, self._feedback.accepted)

    def _dismiss(self, *arguments: Any) -> None:
        shown = self._find(arguments[0] if arguments else None)
        if shown is not None:
            self._log.dismiss(shown)

    def _did_show(self, message: Any) -> None:
        self._count(self._named(message), self._feedback.shown)

    def _did_jump(self, message: Any) -> None:
        self._count(self._named(message), self._feedback.jumped)

    def _count(self, shown: ShownEdit | None, count: Callable[[ShownSuggestion], None]) -> None:
        session = None if shown is None else self._documents.get(shown.uri)
        if shown is not None and session is not None:  # one in a file that is not open counts once it is
            count(shown.as_suggestion(session))

    def _named(self, params: Any) -> ShownEdit | None:
        """The edit that a notification's `item` is."""
        try:
            return self._find(params["item"]["command"]["arguments"][0])
        except (KeyError, IndexError, TypeError):
            log.warning("a notification about a next edit does not say which")
            return None

    def _find(self, edit_id: object) -> ShownEdit | None:
        shown = self._log.get(edit_id)
        if shown is None:
            log.info("a next edit that is not known (any more) was named")
        return shown
