"""A client's notebooks: their cells are documents of their own, each of which sees the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lsprotocol import types

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.notebook import Cell, Notebook
from codeassist_lsp.handlers.text_document import TextDocumentHandler
from codeassist_lsp.transport.server import Server

log = logging.getLogger(__name__)


class NotebookDocumentHandler:
    """Handles the notifications about notebooks."""

    def __init__(self, server: Server, editing: TextDocumentHandler, documents: DocumentSessions) -> None:
        self._editing = editing
        self._documents = documents
        self._notebooks: dict[str, Notebook] = {}
        server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)(self._did_open)
        server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)(self._did_change)
        server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)(self._did_save)
        server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)(self._did_close)

    def _did_open(self, params: types.DidOpenNotebookDocumentParams) -> None:
        given = params.notebook_document
        former = self._notebooks.get(given.uri)
        if former is not None:
            log.info("%s was opened again", given.uri)
            self._close_cells([cell.uri for cell in former.cells])
        notebook = Notebook(given.uri, _cells(given.cells), self._documents.get)
        self._notebooks[given.uri] = notebook
        self._open_cells(params.cell_text_documents, notebook)

    def _did_change(self, params: types.DidChangeNotebookDocumentParams) -> None:
        notebook = self._notebooks.get(params.notebook_document.uri)
        if notebook is None:
            self._editing.told_of_unopened(params.notebook_document.uri)
            return
        changed = params.change.cells
        if changed is None:
            return
        if changed.structure is not None:
            array = changed.structure.array
            removed = notebook.splice(array.start, array.delete_count, _cells(array.cells or ()))
            self._open_cells(changed.structure.did_open or (), notebook)
            closed = {each.uri for each in changed.structure.did_close or ()} | {cell.uri for cell in removed}
            self._close_cells(closed - {cell.uri for cell in notebook.cells})
        notebook.change_kinds(_cells(changed.data or ()))
        for each in changed.text_content or ():
            self._editing.did_change(types.DidChangeTextDocumentParams(each.document, each.changes))

    def _did_save(self, params: types.DidSaveNotebookDocumentParams) -> None:
        self._editing.show_silent()

    def _did_close(self, params: types.DidCloseNotebookDocumentParams) -> None:
        notebook = self._notebooks.pop(params.notebook_document.uri, None)
        if notebook is None:
            log.warning("%s was closed, but is not open", params.notebook_document.uri)
            return
        self._close_cells([cell.uri for cell in notebook.cells])

    def _open_cells(self, given: Sequence[types.TextDocumentItem], notebook: Notebook) -> None:
        for each in given:
            self._editing.open(each, notebook)
        self._editing.show_silent()

    def _close_cells(self, uris: Sequence[str] | set[str]) -> None:
        for uri in sorted(uris):
            if self._documents.get(uri) is not None:
                self._documents.close(uri)
        self._editing.show_silent()


def _cells(given: Sequence[types.NotebookCell]) -> list[Cell]:
    return [Cell(each.document, each.kind == types.NotebookCellKind.Code) for each in given]
