"""One client: what it has open, how it is set up, what it is told, and how long it stays.

Handlers answer its messages; what all clients share is the `Backend`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codeassist.settings import Override
from codeassist_lsp.completion.backend import Backend, Editor
from codeassist_lsp.completion.client import Client, Status, status_of
from codeassist_lsp.completion.client_requests import ClientRequests
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.suggestion_log import SuggestionLog
from codeassist_lsp.edits import pipelines
from codeassist_lsp.edits.ghost_edits import GhostEdits
from codeassist_lsp.edits.next_edits import NextEditRequests
from codeassist_lsp.edits.shown_edit import EditLog
from codeassist_lsp.handlers.cli_completion import CliCompletions
from codeassist_lsp.handlers.commands import Commands
from codeassist_lsp.handlers.edit_feedback import EditFeedback
from codeassist_lsp.handlers.feedback import Feedback
from codeassist_lsp.handlers.inline_completion import InlineCompletionHandler
from codeassist_lsp.handlers.inline_edit import InlineEditHandler
from codeassist_lsp.handlers.next_edits import NextEditsHandler
from codeassist_lsp.handlers.notebook_document import NotebookDocumentHandler
from codeassist_lsp.handlers.text_document import TextDocumentHandler
from codeassist_lsp.serving.client_setup import ClientSetup
from codeassist_lsp.sharing.server_client import PROGRAM_NAME
from codeassist_lsp.transport.framing import Chunk
from codeassist_lsp.transport.server import Server
from codeassist_lsp.workspace.background_index import Coverage
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.workspaces import Workspaces

if TYPE_CHECKING:
    from pygls.io_ import Writer

log = logging.getLogger(__name__)

_CLOSE_S = 0.5


class Connection:
    """A client from its first byte to its last. Made and used on the backend's event loop."""

    def __init__(self, backend: Backend, writer: Writer, overrides: tuple[Override, ...] = ()) -> None:
        self._loop = asyncio.get_running_loop()
        self._backend = backend
        self._gone: asyncio.Future[int] = self._loop.create_future()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_ready = False
        self._early_reports: list[str] = []
        self._early_coverage: dict[Path, Coverage] = {}
        self._index_problems: dict[Path, tuple[str, ...]] = {}
        self._server = Server(writer, self._end)
        self._client = Client(self._server)
        self._configuration = Configuration(self._report_setting, overrides)
        self._workspaces = Workspaces(self._configuration, self._report_coverage, backend.indexes)
        documents, suggestion_log = DocumentSessions(self._workspaces.scope_of, backend.documents), SuggestionLog()
        edit_log = EditLog()
        self._next_edits = NextEditRequests(backend, documents, edit_log, pipelines.open_pipeline)
        self._ghost_edits = GhostEdits(self._next_edits, documents, suggestion_log)
        self._completing = ClientRequests(
            backend, suggestion_log, self._completion_failed, self._show_model, self._ghost_edits.at
        )
        commands = Commands(self._server, backend, suggestion_log, self._workspaces, self._next_edits)
        self._editing = TextDocumentHandler(self._server, self._client, documents, commands.edited)
        NotebookDocumentHandler(self._server, self._editing, documents)
        asking = InlineCompletionHandler(
            self._server, documents, self._completing, self._ghost_edits, self._configuration
        )
        InlineEditHandler(self._server, documents, self._next_edits)
        NextEditsHandler(self._server, documents, self._next_edits)
        EditFeedback(self._server, documents, edit_log, Feedback(backend.feedback.put))
        self._scripts = CliCompletions(self._server, backend)
        ClientSetup(
            self._server,
            self._client,
            documents,
            self._configuration,
            self._workspaces,
            self._editing,
            asking,
            spawn=self._spawn,
            met=self._met,
            ready=self._now_ready,
            changed=self._settings_changed,
            gone=lambda: self._end(1),
        )

    async def run(self, chunks: AsyncIterator[Chunk]) -> int:
        """Serve until the client leaves; return the exit code that it asks for. `chunks` are its bytes."""
        self._backend.join(self)
        reading = asyncio.create_task(self._server.protocol.read(chunks))
        try:
            await asyncio.wait({reading, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            return self._gone.result() if self._gone.done() else 0
        finally:
            reading.cancel()

    async def close(self) -> None:
        """Stop what runs for the client and forget what it had open."""
        self._is_ready = False
        self._backend.leave(self)
        self._completing.cancel_all()
        self._ghost_edits.cancel()
        self._next_edits.cancel_all()
        self._scripts.cancel_all()
        self._editing.close_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.to_thread(self._workspaces.close, _CLOSE_S)

    def _end(self, code: int) -> None:
        if not self._gone.done():
            self._gone.set_result(code)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the messages; what it raises is logged."""

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("work beside the messages failed", exc_info=error)

        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(done)

    def _met(self, params: types.InitializeParams) -> None:
        name = params.client_info.name if params.client_info is not None else "an editor"
        if name != PROGRAM_NAME:
            self._backend.met_editor(self, Editor(name, params.process_id))

    def _now_ready(self) -> None:
        self._is_ready = True
        for problem in self._early_reports:
            self._client.say(problem)
        for root, coverage in self._early_coverage.items():
            self._show_coverage(root, coverage)
        self.model_changed(self._backend.inference.state)

    def _settings_changed(self) -> None:
        self.is_first_editor()
        self._show_model()
        self._editing.show_silent()

    def is_first_editor(self) -> None:
        """Have the model served that this client's settings name, if it is this client's to say."""
        if self._is_ready:
            self._backend.want_model(self, self._configuration.settings(None))

    def model_changed(self, state: ModelState) -> None:
        """Show another state of the model."""
        if not self._is_ready:
            return
        if state.loading is not None:
            one = state.loading
            self._client.show_progress("model", "codeassist: model", f"{one.name}: {one.stage}", one.done, one.total)
        else:
            self._client.end_progress("model", state.problem or f"{state.name} is ready")
        if state.problem is not None:
            self._client.say(state.problem, "error")
        self._show_model()

    def not_counted(self, problem: str) -> None:
        """Show why suggestions are not counted."""
        if self._is_ready:
            self._client.say(problem)

    def _show_model(self) -> None:
        if self._is_ready:
            mode = self._configuration.settings(None).editor.mode
            problems = [problem for each in self._index_problems.values() for problem in each]
            self._client.show_status(status_of(self._backend.inference.state, mode, problems))

    def _completion_failed(self, problem: str) -> None:
        if self._is_ready:
            self._client.show_status(Status(False, problem, "Error"))

    def _report_setting(self, problem: str) -> None:
        """Show what is wrong in the settings; called in whatever thread looked at them."""
        log.warning("%s", problem)
        self._on_loop(lambda: self._client.say(problem) if self._is_ready else self._early_reports.append(problem))

    def _report_coverage(self, root: Path, coverage: Coverage) -> None:
        self._on_loop(lambda: self._show_coverage(root, coverage))

    def _show_coverage(self, root: Path, coverage: Coverage) -> None:
        if not self._is_ready:
            self._early_coverage[root] = coverage
            return
        if coverage.is_building and coverage.num_total:
            message = f"{root.name}: {coverage.num_indexed} of {coverage.num_total} files"
            self._client.show_progress(
                str(root), "codeassist: index", message, coverage.num_indexed, coverage.num_total
            )
        elif not coverage.is_building:
            self._client.end_progress(str(root), f"{root.name}: {coverage.num_indexed} files")
            for problem in coverage.problems:
                self._client.say(problem)
            self._index_problems[root] = coverage.problems
            self._show_model()

    def _on_loop(self, what: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:  # the loop is closed: the client is gone
            log.debug("the client is gone")
