"""What a client opens and edits is noted for retrieval; in process, with an imagined workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lsprotocol import types

from codeassist_indexer.retrieval.query.recent_places import RecentPlace
from codeassist_lsp.documents.documents import Documents
from codeassist_lsp.handlers.text_document import TextDocumentHandler
from tests.lsp.imagined import CursorContext


class Handlers:
    """In the place of server, client, backend and homes: keeps the handlers, gives every document one home."""

    def __init__(self, place: CursorContext) -> None:
        self.place = place
        self.by_name: dict[str, Any] = {}

    def feature(self, name: str) -> Any:
        return lambda handler: self.by_name.setdefault(name, handler)

    def of(self, uri: str, language_id: str) -> CursorContext:
        return self.place

    def text_changed(self, uri: str, language_id: str, text: str) -> None:
        pass

    def opened(self, uri: str) -> None:
        pass


def test_opening_and_editing_are_noted(tmp_path: Path) -> None:
    place = CursorContext(tmp_path)
    fake = cast(Any, Handlers(place))
    TextDocumentHandler(fake, fake, fake, Documents(), fake)
    text = "".join(f"line {n}\n" for n in range(100))
    opened = types.TextDocumentItem(uri="file:///a.txt", language_id="text", version=1, text=text)
    fake.by_name[types.TEXT_DOCUMENT_DID_OPEN](types.DidOpenTextDocumentParams(text_document=opened))
    assert list(place.recent) == [RecentPlace("src/a.txt", 1, 31)]

    at = types.Range(types.Position(80, 0), types.Position(82, 0))
    changes = [types.TextDocumentContentChangePartial(range=at, text="new\nlines\nof\ntext\n")]
    version = types.VersionedTextDocumentIdentifier(uri="file:///a.txt", version=2)
    fake.by_name[types.TEXT_DOCUMENT_DID_CHANGE](types.DidChangeTextDocumentParams(version, changes))
    assert list(place.recent) == [RecentPlace("src/a.txt", 81, 86), RecentPlace("src/a.txt", 1, 31)]
