"""Completions for programs without an editor: asked once, answered as a process of their own would.

Text and settings come with the request. While one is worked on, its client is told
so twice a second: a server that hangs is silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from codeassist.completion.completion_json import rounded, to_document
from codeassist.errors import Cancelled, CodeAssistError, ModelError
from codeassist.request import Completion, NoRetriever, Retriever
from codeassist.settings import Settings
from codeassist_indexer.repository import open_retriever
from codeassist_indexer.repository_index import bring_libraries_up_to_date, bring_up_to_date, open_store
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.handlers.cli_request import METHOD, CliRequest, from_params, why_not
from codeassist_lsp.sharing.server_client import ALIVE
from codeassist_lsp.transport.server import Server
from codeassist_lsp.usage.request_log import RequestTrace

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer
    from codeassist.completion.document_state import DocumentState

log = logging.getLogger(__name__)

_ALIVE_S = 0.5
_BUILD_S = 2.0


@dataclass(frozen=True, slots=True)
class _Context:
    retriever: Retriever
    notices: tuple[str, ...] = ()


class CliCompletions:
    """Handles the requests of one client; those that are not answered when it leaves are cancelled."""

    def __init__(self, server: Server, backend: Backend) -> None:
        self._server = server
        self._backend = backend
        self._under_way: set[asyncio.Task[Any]] = set()
        server.feature(METHOD)(self._complete)

    def cancel_all(self) -> None:
        """Cancel whatever is not answered."""
        for task in tuple(self._under_way):
            task.cancel()

    async def _complete(self, params: Any) -> dict[str, Any]:
        """Return what `codeassist complete --json` prints, but for the place; or `{"refused": why}`."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            return await self._answer(from_params(params))
        except Cancelled:
            raise asyncio.CancelledError from None
        except CodeAssistError as error:
            log.info("a program's request was refused: %s", error)
            return {"refused": str(error)}
        finally:
            self._under_way.discard(task)

    async def _answer(self, asked: CliRequest) -> dict[str, Any]:
        inference = self._backend.inference
        served, model = inference.served, inference.state.name
        if served is None or model is None:
            return {"refused": inference.state.problem or "its model is still being loaded"}
        reason = why_not(asked, served, model)
        if reason is not None:
            return {"refused": reason}
        work = _Work(asked, asked.settings(served), self._backend)
        telling = asyncio.create_task(self._tell(work))
        try:
            return await work.run()
        finally:
            telling.cancel()

    async def _tell(self, work: _Work) -> None:
        while True:
            self._server.protocol.notify(ALIVE, {"stage": work.stage})
            await asyncio.sleep(_ALIVE_S)


class _Work:
    """One request under way; `stage` says how far it is."""

    def __init__(self, asked: CliRequest, settings: Settings, backend: Backend) -> None:
        self.stage = "index"
        self._asked = asked
        self._settings = settings
        self._backend = backend
        self._trace = RequestTrace("script")

    async def run(self) -> dict[str, Any]:
        began = perf_counter()
        context = await asyncio.to_thread(self._open_context)
        index_ms = (perf_counter() - began) * 1e3
        self.stage = "queue"
        queue_ms, completion = await self._backend.works.run(object(), lambda stopped: self._submit(context, stopped))
        document = to_document(completion)
        self._trace.model_said(completion, queue_ms)
        self._trace.outcome = "answered" if completion.text else "empty"
        self._trace.end()
        self._backend.requests.add(self._trace)
        return {
            **document,
            "notices": [*context.notices, *document["notices"]],
            "startup_ms": rounded({"index": index_ms, "queue": queue_ms}),
        }

    def _open_context(self) -> _Context:
        """Bring the index up to date as the command line would; what is wrong costs context only."""
        root, settings = self._asked.root, self._settings
        if root is None or settings.context.mode == "none":
            return _Context(NoRetriever())
        try:
            index = self._backend.indexes.find(root, settings)
            if index is None:
                store = open_store(root, settings)
                notices = bring_up_to_date(store, root, settings).notices
                bring_libraries_up_to_date(store, root, settings)
                return _Context(open_retriever(store, settings, deadline_ms=None), notices)
            is_whole = index.catch_up(_BUILD_S)
            notices = () if is_whole else ("less context from other files: the index is still being built",)
            return _Context(
                open_retriever(
                    index.store, settings, deadline_ms=None, search=index.search, libraries=index.libraries.stores
                ),
                notices,
            )
        except (CodeAssistError, OSError) as error:
            return _Context(NoRetriever(), (f"no context from other files: {error}",))

    def _submit(self, context: _Context, stopped: Callable[[], bool]) -> Future[tuple[float, Completion]]:
        submitted = perf_counter()

        def job(session: Completer) -> tuple[float, Completion]:
            queue_ms = (perf_counter() - submitted) * 1e3
            self.stage = "running"
            return queue_ms, _complete(session, self._asked, self._backend.script, context.retriever, stopped)

        return self._backend.inference.submit(job)


def _complete(
    session: Completer, asked: CliRequest, document: DocumentState, retriever: Retriever, stopped: Callable[[], bool]
) -> Completion:
    """Complete as a fresh session would. On the inference thread."""
    if session.engine is None:
        raise ModelError("it has no model of its own")
    try:
        return session.complete(asked.request, retriever, stopped, document)
    except CodeAssistError:
        raise
    except BaseException:  # what the cache holds now cannot be trusted
        document.close()
        raise
