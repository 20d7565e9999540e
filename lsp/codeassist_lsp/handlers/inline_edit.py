"""`textDocument/copilotInlineEdit`, and our `codeassist/nextEdits` for all files: the next edit of what was edited."""

from __future__ import annotations

from typing import Any

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.edits.edit_items import answer_items, question_of
from codeassist_lsp.edits.next_edits import EditAnswer, NextEditRequests
from codeassist_lsp.transport.server import Server

INLINE_EDIT = "textDocument/copilotInlineEdit"
NEXT_EDITS = "codeassist/nextEdits"
_NO_DOCUMENT = EditAnswer((), "the document is not open, or another version of it is")


class InlineEditHandler:
    """Handles questions for the next edit."""

    def __init__(self, server: Server, documents: DocumentSessions, asking: NextEditRequests) -> None:
        self._documents = documents
        self._asking = asking
        server.feature(INLINE_EDIT)(self._here)
        server.feature(NEXT_EDITS)(self._everywhere)

    async def _here(self, params: Any) -> dict[str, Any]:
        question = question_of(params, self._documents)
        answer = await self._asking.here(question) if question is not None else _NO_DOCUMENT
        return answer_items(answer, self._documents.encoding)

    async def _everywhere(self, params: Any) -> dict[str, Any]:
        question = question_of(params, self._documents)
        answer = await self._asking.everywhere(question) if question is not None else _NO_DOCUMENT
        return answer_items(answer, self._documents.encoding)
