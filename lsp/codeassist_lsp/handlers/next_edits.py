"""`codeassist/nextEdits`: the next edits in all files of a repository."""

from __future__ import annotations

from typing import Any

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.edits.edit_items import NO_DOCUMENT, answer_items, question_of
from codeassist_lsp.edits.next_edits import NextEditRequests
from codeassist_lsp.transport.own_messages import EditsResult
from codeassist_lsp.transport.server import Server

NEXT_EDITS = "codeassist/nextEdits"


class NextEditsHandler:
    """Handles questions for the next edits everywhere."""

    def __init__(self, server: Server, documents: DocumentSessions, asking: NextEditRequests) -> None:
        self._documents = documents
        self._asking = asking
        server.feature(NEXT_EDITS)(self._next_edits)

    async def _next_edits(self, params: Any) -> EditsResult:
        question = question_of(params, self._documents)
        answer = await self._asking.everywhere(question) if question is not None else NO_DOCUMENT
        return answer_items(answer, self._documents.encoding)
