"""An open notebook: which cells it has, in their order. Their texts are their sessions'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeassist_indexer.languages.client_ids import language_of_id
from codeassist_lsp.documents.notebook_text import MARKDOWN, CellText, in_notebook
from codeassist_lsp.documents.open_document import CursorContext

if TYPE_CHECKING:
    from codeassist_lsp.completion.document_session import DocumentSession


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the URI of its document, and whether it is code (else it is text to be read)."""

    uri: str
    is_code: bool


class Notebook:
    """One notebook of a client, from its didOpen to its didClose. Used on the event loop only.

    `find` returns a cell's session. A cell without one (the client does not send its text) counts as empty.
    """

    def __init__(self, uri: str, cells: Sequence[Cell], find: Callable[[str], DocumentSession | None]) -> None:
        self.uri = uri
        self.cells = list(cells)
        self._find = find

    def splice(self, start: int, num_removed: int, cells: Sequence[Cell]) -> list[Cell]:
        """Put cells in the place of others; return these. What is out of range is taken as its end."""
        start = min(max(start, 0), len(self.cells))
        end = min(start + max(num_removed, 0), len(self.cells))
        removed = self.cells[start:end]
        self.cells[start:end] = cells
        return removed

    def change_kinds(self, cells: Iterable[Cell]) -> None:
        """Take what cells are by now; those that are not here are left out."""
        by_uri = {cell.uri: cell for cell in cells}
        self.cells = [by_uri.get(cell.uri, cell) for cell in self.cells]

    def around(self, uri: str, own: CursorContext) -> CursorContext:
        """Return a cursor's place in a cell with the other cells around it; a cell that is not here stays alone."""
        number = next((n for n, cell in enumerate(self.cells) if cell.uri == uri), None)
        return own if number is None else in_notebook(own, [self._text_of(cell) for cell in self.cells], number)

    def _text_of(self, cell: Cell) -> CellText:
        session = self._find(cell.uri)
        if session is None:
            return CellText("", cell.is_code, None)
        language = language_of_id(session.now.language_id) if cell.is_code else MARKDOWN
        return CellText(session.now.document.text, cell.is_code, language)
