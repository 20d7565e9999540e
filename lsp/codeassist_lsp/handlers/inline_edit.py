"""`textDocument/copilotInlineEdit`: the next edit in a document."""

from __future__ import annotations

from typing import Any

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.edits.edit_items import NO_DOCUMENT, answer_items, question_of
from codeassist_lsp.edits.next_edits import NextEditRequests
from codeassist_lsp.transport.own_messages import EditsResult
from codeassist_lsp.transport.server import Server

INLINE_EDIT = "textDocument/copilotInlineEdit"


class InlineEditHandler:
    """Handles questions for the next edit here."""

    def __init__(self, server: Server, documents: DocumentSessions, asking: NextEditRequests) -> None:
        self._documents = documents
        self._asking = asking
        server.feature(INLINE_EDIT)(self._inline_edit)

    async def _inline_edit(self, params: Any) -> EditsResult:
        question = question_of(params, self._documents)
        answer = await self._asking.here(question) if question is not None else NO_DOCUMENT
        return answer_items(answer, self._documents.encoding)
