"""A client's edits: documents kept in step, unsaved text handed to the index, all freed when they close."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsprotocol import types

from codeassist.document import Document
from codeassist_lsp.completion.client import Client
from codeassist_lsp.completion.client_requests import MOST_CHARS
from codeassist_lsp.completion.document_session import DocumentSession, DocumentSessions
from codeassist_lsp.completion.notebook import Notebook
from codeassist_lsp.documents.open_document import Point, TextChange, well_formed
from codeassist_lsp.documents.uri import file_of
from codeassist_lsp.transport.server import Server
from codeassist_lsp.workspace.workspace import DocumentScope

_OPENED_LINES = 30  # of a document that was opened; where the cursor stands in it nobody says


OnEdit = Callable[[DocumentSession, Document, Sequence[TextChange]], None]
"""Hears of a document that was edited, with its text before and the changes."""


class TextDocumentHandler:
    """Handles the notifications about documents. `edited` hears of each edit."""

    def __init__(
        self,
        server: Server,
        client: Client,
        documents: DocumentSessions,
        edited: OnEdit = lambda session, before, changes: None,
    ) -> None:
        self._client = client
        self._edited = edited
        self._documents = documents
        self._has_told_misfit = False  # a client that writes its edits so does it all the time
        server.feature(types.TEXT_DOCUMENT_DID_OPEN)(self._did_open)
        server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(self.did_change)
        server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(self._did_close)
        server.feature(types.TEXT_DOCUMENT_DID_SAVE)(self._did_save)

    def folders_changed(self) -> None:
        """Look up again which repository each document belongs to."""
        for session in self._documents:
            session.forget_scope()
            _index(session)
        self.show_silent()

    def show_silent(self) -> None:
        """Show in which open documents nothing comes by itself: settings may have changed."""
        reasons = {session.now.uri: _why_silent(session) for session in self._documents}
        self._client.show_silent({uri: reason for uri, reason in reasons.items() if reason is not None})

    def close_all(self) -> None:
        """Close every document: the client is gone."""
        for session in self._documents:
            self._documents.close(session.now.uri)

    def open(self, given: types.TextDocumentItem, notebook: Notebook | None = None) -> DocumentScope:
        """Take a document from the client, or a cell of a notebook; return what it belongs to."""
        session = self._documents.open(given.uri, str(given.language_id), given.version, given.text, notebook)
        scope = session.scope
        if len(given.text) > MOST_CHARS:
            self._client.say(
                f"{scope.path} has more than {MOST_CHARS:,} characters: nothing is completed in it", "info"
            )
        _index(session)
        return scope

    def _did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        scope = self.open(params.text_document)
        self.show_silent()
        if scope.workspace is not None:
            scope.workspace.recent.note(scope.path, 1, 1 + _OPENED_LINES)

    def told_of_unopened(self, uri: str) -> None:
        """Show that an edit came to nothing."""
        self._client.say(f"{uri} was edited, but is not open here: open it again to have completions in it")

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply a client's edits of a document, or of a notebook's cell."""
        changes = [_change(each) for each in params.content_changes]
        uri = params.text_document.uri
        before = self._documents.get(uri)
        document = before.now.document if before is not None else None
        session = self._documents.change(uri, params.text_document.version, changes)
        if session is None or document is None:
            self.told_of_unopened(uri)
            return
        if session.misfit is not None and not self._has_told_misfit:
            self._has_told_misfit = True
            self._client.say(
                f"{session.scope.path}: an edit did not fit the text that was sent before ({session.misfit}); it was "
                "applied as the protocol says. If suggestions go wrong in a file, close it and open it again"
            )
        _index(session)
        _note_edits(session, changes)
        self._edited(session, document, changes)

    def _did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._documents.close(params.text_document.uri)
        self.show_silent()

    def _did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        file = file_of(params.text_document.uri)
        session = self._documents.get(params.text_document.uri)
        if file is not None and session is not None and session.scope.workspace is not None:
            session.scope.workspace.files_changed([file])
        self.show_silent()


def _why_silent(session: DocumentSession) -> str | None:
    editor = session.scope.settings_in_force().editor
    if editor.mode != "automatic":
        return None  # so it is everywhere
    return session.why_none(editor) or session.why_on_demand_only(editor)


def _note_edits(session: DocumentSession, changes: list[TextChange]) -> None:
    scope = session.scope
    if scope.workspace is None or session.notebook is not None:  # a cell's lines are none of its file's
        return
    for change in changes:
        if change.span is not None:
            first, last = sorted(min(point.line, session.now.document.num_lines) for point in change.span)
            scope.workspace.recent.note_edit(scope.path, first + 1, last - first, change.text.count("\n"))


def _index(session: DocumentSession) -> None:
    text = session.now.document.text
    if len(text) <= MOST_CHARS:
        session.text_changed(well_formed(text))


def _change(change: types.TextDocumentContentChangeEvent) -> TextChange:
    if isinstance(change, types.TextDocumentContentChangePartial):
        start, end = change.range.start, change.range.end
        return TextChange(change.text, (Point(start.line, start.character), Point(end.line, end.character)))
    return TextChange(change.text, None)
