"""A client's edits: documents kept in step, unsaved text handed to the index, caches dropped when they close.

Knows no completion. What does not fit is logged by `Documents`.
"""

from __future__ import annotations

from lsprotocol import types

from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.client import Client
from codeassist_lsp.completion.client_requests import MOST_CHARS
from codeassist_lsp.documents.convert import well_formed
from codeassist_lsp.documents.cursor_context import file_of
from codeassist_lsp.documents.documents import Documents, OpenDocument, Point, TextChange
from codeassist_lsp.transport.server import Server
from codeassist_lsp.workspace.document_scope import DocumentScopes

_OPENED_LINES = 30  # of a document that was opened; where the cursor stands in it nobody says


class TextDocumentHandler:
    """Handles the notifications about documents."""

    def __init__(
        self, server: Server, client: Client, backend: Backend, documents: Documents, document_scopes: DocumentScopes
    ) -> None:
        self._client = client
        self._backend = backend
        self._documents = documents
        self._document_scopes = document_scopes
        server.feature(types.TEXT_DOCUMENT_DID_OPEN)(self._did_open)
        server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(self._did_change)
        server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(self._did_close)
        server.feature(types.TEXT_DOCUMENT_DID_SAVE)(self._did_save)

    def folders_changed(self) -> None:
        """Look up again which repository each document belongs to."""
        self._document_scopes.forget()
        for entry in self._documents:
            self._index(entry)

    def close_all(self) -> None:
        """Close every document: the client is gone."""
        for entry in self._documents:
            self._documents.close(entry.uri)
            self._backend.closed(entry.uri)

    def _did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        given = params.text_document
        if self._documents.get(given.uri) is None:
            self._backend.opened(given.uri)
        entry = self._documents.open(given.uri, str(given.language_id), given.version, given.text)
        if len(given.text) > MOST_CHARS:
            name = self._document_scopes.of(entry.uri, entry.language_id).path
            self._client.say(f"{name} has more than {MOST_CHARS:,} characters: nothing is completed in it", "info")
        self._index(entry)
        document_scope = self._document_scopes.of(entry.uri, entry.language_id)
        if document_scope.workspace is not None:
            document_scope.workspace.recent.note(document_scope.path, 1, 1 + _OPENED_LINES)

    def _did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        changes = [_change(each) for each in params.content_changes]
        entry = self._documents.change(params.text_document.uri, params.text_document.version, changes)
        if entry is not None:
            self._index(entry)
            self._note_edits(entry, changes)

    def _did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        if self._documents.close(params.text_document.uri) is not None:
            self._document_scopes.closed(params.text_document.uri)
            self._backend.closed(params.text_document.uri)

    def _did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        file = file_of(params.text_document.uri)
        entry = self._documents.get(params.text_document.uri)
        if file is not None and entry is not None:
            workspace = self._document_scopes.of(entry.uri, entry.language_id).workspace
            if workspace is not None:
                workspace.files_changed([file])

    def _note_edits(self, entry: OpenDocument, changes: list[TextChange]) -> None:
        document_scope = self._document_scopes.of(entry.uri, entry.language_id)
        if document_scope.workspace is None:
            return
        for change in changes:
            if change.span is not None:
                start, end = change.span
                num_removed, num_added = end.line - start.line, change.text.count("\n")
                document_scope.workspace.recent.note_edit(document_scope.path, start.line + 1, num_removed, num_added)

    def _index(self, entry: OpenDocument) -> None:
        text = entry.document.text
        if entry.is_in_step and len(text) <= MOST_CHARS:
            self._document_scopes.text_changed(entry.uri, entry.language_id, well_formed(text))


def _change(change: types.TextDocumentContentChangeEvent) -> TextChange:
    if isinstance(change, types.TextDocumentContentChangePartial):
        start, end = change.range.start, change.range.end
        return TextChange(change.text, (Point(start.line, start.character), Point(end.line, end.character)))
    return TextChange(change.text, None)
