"""What a client tells about its suggestions, and the commands that it can execute.

Arguments come from outside: what is no known id is logged and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from codeassist.document import Document
from codeassist_lsp.completion.acceptance import accepted_by
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.suggestion_log import ACCEPT, ShownSuggestion, SuggestionLog
from codeassist_lsp.documents.open_document import TextChange
from codeassist_lsp.edits.next_edits import NextEditRequests
from codeassist_lsp.handlers.explain import explain, nothing_to_explain
from codeassist_lsp.handlers.feedback import Feedback
from codeassist_lsp.sharing.server_client import STOP
from codeassist_lsp.transport.server import Server
from codeassist_lsp.workspace.workspaces import Workspaces

log = logging.getLogger(__name__)

DID_SHOW = "textDocument/didShowCompletion"
DID_ACCEPT_PART = "textDocument/didPartiallyAcceptCompletion"


class Commands:
    """Handles `workspace/executeCommand` and the two notifications about suggestions."""

    def __init__(
        self,
        server: Server,
        backend: Backend,
        suggestion_log: SuggestionLog,
        workspaces: Workspaces,
        next_edits: NextEditRequests,
    ) -> None:
        self._backend = backend
        self._feedback = Feedback(backend.feedback.put)
        self._suggestion_log = suggestion_log
        self._workspaces = workspaces
        self._next_edits = next_edits
        server.command(ACCEPT)(self._accept)
        server.command("codeassist.explain")(self._explain)
        server.command("codeassist.status")(self._status)
        server.command("codeassist.reindex")(self._reindex)
        server.feature(STOP)(self._stop)
        server.feature(DID_SHOW)(self._did_show)
        server.feature(DID_ACCEPT_PART)(self._did_accept_part)

    def edited(self, session: DocumentSession, before: Document, changes: Sequence[TextChange]) -> None:
        """Count a suggestion that an edit takes: not every client executes the item's command. Twice counts once."""
        shown = accepted_by(self._suggestion_log.of(session), before, session.now.document, changes)
        if shown is not None:
            self._accepted(shown)

    def _accept(self, *arguments: Any) -> None:
        shown = self._find(arguments[0] if arguments else None)
        if shown is not None:
            self._accepted(shown)

    def _accepted(self, shown: ShownSuggestion) -> None:
        shown.session.history.note_accepted(shown.at_cursor.text)
        self._feedback.accepted(shown)

    def _explain(self, *arguments: Any) -> dict[str, Any]:
        """Explain the suggestion whose id is given, or the client's last one; with `{"any_client": true}` the last one
        that any client was given in a document that is still open."""
        if not arguments:
            shown = next(iter(self._suggestion_log.last), None)
        elif isinstance(arguments[0], dict):
            shown = self._backend.last_shown if arguments[0].get("any_client") is True else None
            if shown is not None and shown.session.is_closed:
                shown = self._backend.last_shown = None
        else:
            shown = self._find(arguments[0])
        return nothing_to_explain() if shown is None else explain(shown)

    async def _status(self, *arguments: Any) -> dict[str, Any]:
        """Say what goes on; with `{"recent": true}` each of the last requests too."""
        options = arguments[0] if arguments and isinstance(arguments[0], dict) else {}
        found = await self._backend.status(with_recent=options.get("recent") is True)
        index = [
            {
                "root": str(each.root),
                "indexed": (coverage := each.coverage()).num_indexed,
                "total": coverage.num_total,
                "building": coverage.is_building,
                "problems": list(coverage.problems),
            }
            for each in self._backend.indexes.all()
        ]
        return {**found, "index": index, "next_edits": self._next_edits.status()}

    def _reindex(self, *arguments: Any) -> dict[str, Any]:
        """Build the index of each open repository anew, in the background."""
        workspaces = self._workspaces.all()
        for workspace in workspaces:
            workspace.reindex()
        return {"roots": [str(workspace.root) for workspace in workspaces]}

    def _stop(self, params: Any) -> dict[str, bool]:
        """End a server that several windows share; one that an editor has to itself ends with its editor."""
        sharing = self._backend.sharing
        if sharing is not None:
            log.info("told to end")
            sharing.end()
        return {"ends": sharing is not None}

    def _did_show(self, message: Any) -> None:
        shown = self._named(message)
        if shown is not None:
            self._feedback.shown(shown)

    def _did_accept_part(self, message: Any) -> None:
        shown = self._named(message)
        if shown is None:
            return
        num_units = message.get("acceptedLength")
        if isinstance(num_units, int) and not isinstance(num_units, bool):
            self._feedback.accepted_part(shown, num_units)
        else:
            log.warning("a notification about an accepted part does not say how long it is")

    def _named(self, params: Any) -> ShownSuggestion | None:
        """The suggestion that a notification's `item` is."""
        try:
            return self._find(params["item"]["command"]["arguments"][0])
        except (KeyError, IndexError, TypeError):
            log.warning("a notification about a suggestion does not say which")
            return None

    def _find(self, offer_id: object) -> ShownSuggestion | None:
        shown = self._suggestion_log.get(offer_id)
        if shown is None:
            log.info("a suggestion that is not known (any more) was named")
        return shown
