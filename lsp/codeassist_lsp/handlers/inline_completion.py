"""A client's requests for completions: from the protocol's params to a `ClientRequest`, from its answer to items."""

from __future__ import annotations

import logging

from lsprotocol import types

from codeassist_lsp.completion.client_requests import ClientRequest, ClientRequests, Kind
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.suggestion_log import inline_item, list_item
from codeassist_lsp.documents.open_document import OpenDocument, Selected, offset_at
from codeassist_lsp.edits.ghost_edits import GhostEdits
from codeassist_lsp.transport.server import Server
from codeassist_lsp.workspace.configuration import Configuration

log = logging.getLogger(__name__)

_INLINE, _LIST = types.TEXT_DOCUMENT_INLINE_COMPLETION, types.TEXT_DOCUMENT_COMPLETION
_TRIGGERS = (".", "(")
_SCHEMES = ("file", "untitled", "vscode-notebook-cell")


class InlineCompletionHandler:
    """Handles the requests for completions."""

    def __init__(
        self,
        server: Server,
        documents: DocumentSessions,
        completing: ClientRequests,
        ghost_edits: GhostEdits,
        configuration: Configuration,
    ) -> None:
        self._server = server
        self._documents = documents
        self._completing = completing
        self._ghost_edits = ghost_edits
        self._configuration = configuration
        # Without options pygls would answer, but not advertise: no client would ever ask.
        server.feature(_INLINE, types.InlineCompletionOptions())(self._inline_completion)

    def offer_list(self) -> types.Registration | None:
        """Answer `textDocument/completion` from now on; return what to register with a client that is set up already.

        None: it is answered already.
        """
        if _LIST in self._server.protocol.fm.features:
            return None
        options = types.CompletionOptions(trigger_characters=list(_TRIGGERS))
        self._server.feature(_LIST, options)(self._list_completion)
        return types.Registration(
            id=f"codeassist-{_LIST}",
            method=_LIST,
            register_options=types.CompletionRegistrationOptions(
                document_selector=[types.TextDocumentFilterScheme(scheme=each) for each in _SCHEMES],
                trigger_characters=list(_TRIGGERS),
            ),
        )

    async def _inline_completion(self, params: types.InlineCompletionParams) -> types.InlineCompletionList:
        is_invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        info = params.context.selected_completion_info
        ask = self._ask(_INLINE, params, "invoked" if is_invoked else "automatic", info)
        found = await self._completing.complete(ask) if ask is not None else []
        if ask is not None:
            self._ghost_edits.look_ahead(ask)
        return types.InlineCompletionList([inline_item(shown, self._documents.encoding) for shown in found])

    async def _list_completion(self, params: types.CompletionParams) -> types.CompletionList:
        is_on = self._configuration.settings(None).editor.completion_items
        ask = self._ask(_LIST, params, "automatic") if is_on else None
        found = await self._completing.complete(ask) if ask is not None else []
        items = [list_item(shown, self._documents.encoding, self._shows_markdown()) for shown in found]
        return types.CompletionList(is_incomplete=True, items=items)

    def _shows_markdown(self) -> bool:
        documents = self._server.client_capabilities.text_document
        able = documents.completion.completion_item if documents is not None and documents.completion else None
        return able is not None and types.MarkupKind.Markdown in (able.documentation_format or ())

    def _ask(
        self,
        method: str,
        params: types.InlineCompletionParams | types.CompletionParams,
        kind: Kind,
        info: types.SelectedCompletionInfo | None = None,
    ) -> ClientRequest | None:
        uri = params.text_document.uri
        session = self._documents.get(uri)
        if session is None:
            log.warning("no completion in %s: it is not open", uri)
            return None
        now = session.now
        cursor = self._offset(now, params.position)
        selected = None
        if info is not None:
            start, end = self._offset(now, info.range.start), self._offset(now, info.range.end)
            selected = Selected(start, end, info.text)
        return ClientRequest((method, uri), session, now, cursor, kind, selected, self._server.protocol.read_s)

    def _offset(self, entry: OpenDocument, position: types.Position) -> int:
        return offset_at(entry.document, position.line, position.character, self._documents.encoding)
