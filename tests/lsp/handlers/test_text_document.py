"""What a client opens and edits is noted for retrieval; in process, with an imagined workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lsprotocol import types

from codeassist_indexer.retrieval.sources.retrieval_context import RecentPlace
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.shared_document import SharedDocuments
from codeassist_lsp.handlers.notebook_document import NotebookDocumentHandler
from codeassist_lsp.handlers.text_document import TextDocumentHandler
from tests.lsp.imagined import Scope


class Handlers:
    """In the place of the server and the client: keeps the handlers."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def feature(self, name: str) -> Any:
        return lambda handler: self.by_name.setdefault(name, handler)

    def show_silent(self, reason_by_uri: Any) -> None:
        assert reason_by_uri == {}


def test_opening_and_editing_are_noted(tmp_path: Path) -> None:
    place = Scope(tmp_path)
    fake, shared = cast(Any, Handlers()), SharedDocuments(lambda uri: None)
    documents = DocumentSessions(lambda uri, language_id: cast(Any, place), shared)
    TextDocumentHandler(fake, fake, documents)
    text = "".join(f"line {n}\n" for n in range(100))
    opened = types.TextDocumentItem(uri="file:///a.txt", language_id="text", version=1, text=text)
    fake.by_name[types.TEXT_DOCUMENT_DID_OPEN](types.DidOpenTextDocumentParams(text_document=opened))
    assert list(place.recent) == [RecentPlace("src/a.txt", 1, 31)]

    at = types.Range(types.Position(80, 0), types.Position(82, 0))
    changes = [types.TextDocumentContentChangePartial(range=at, text="new\nlines\nof\ntext\n")]
    version = types.VersionedTextDocumentIdentifier(uri="file:///a.txt", version=2)
    fake.by_name[types.TEXT_DOCUMENT_DID_CHANGE](types.DidChangeTextDocumentParams(version, changes))
    assert list(place.recent) == [RecentPlace("src/a.txt", 81, 86), RecentPlace("src/a.txt", 1, 31)]
    session = documents.get("file:///a.txt")
    assert session is not None
    [edit] = session.history
    assert (edit.start_line, edit.old, edit.new) == (80, "line 80\nline 81\n", "new\nlines\nof\ntext\n")


def test_what_happens_in_cells_is_not_noted(tmp_path: Path) -> None:
    place = Scope(tmp_path)
    fake, shared = cast(Any, Handlers()), SharedDocuments(lambda uri: None)
    documents = DocumentSessions(lambda uri, language_id: cast(Any, place), shared)
    NotebookDocumentHandler(fake, TextDocumentHandler(fake, fake, documents), documents)
    uris = [f"cell:{number}" for number in range(30)]
    cells = [types.NotebookCell(types.NotebookCellKind.Code, uri) for uri in uris]
    texts = [types.TextDocumentItem(uri, "python", 1, "x = 1\n") for uri in uris]
    notebook = types.NotebookDocument("file:///a.ipynb", "jupyter-notebook", 1, cells)
    fake.by_name[types.NOTEBOOK_DOCUMENT_DID_OPEN](types.DidOpenNotebookDocumentParams(notebook, texts))
    at = types.Range(types.Position(0, 0), types.Position(0, 1))
    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(version=2, uri=uris[3]),
        [types.TextDocumentContentChangePartial(range=at, text="y\n")],
    )
    event = types.NotebookDocumentChangeEvent(cells=types.NotebookDocumentCellChanges(text_content=[content]))
    identifier = types.VersionedNotebookDocumentIdentifier(2, notebook.uri)
    fake.by_name[types.NOTEBOOK_DOCUMENT_DID_CHANGE](types.DidChangeNotebookDocumentParams(identifier, event))
    session = documents.get(uris[3])
    assert session is not None and session.now.document.text == "y\n = 1\n"
    assert list(place.recent) == [] and len(shared) == 1
