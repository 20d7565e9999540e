"""One client's questions for the next edit, each from its arrival to the edits that fit the documents by then.

The stages, in their order: refuse, wait for a pause, make the request of what is open and of the index, run the
pipeline on the inference thread, carry over to the text as it stands. A newer question, and any change of the document,
ends one: between two keys nobody waits for a next edit, and a completion must not wait behind one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Literal

from codeassist.completion.completion_json import sent_document
from codeassist.document import Document
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.line_diff import carried_over
from codeassist.edits.pipeline import EditPipeline, NextEdits
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site, SiteFinder
from codeassist.errors import Cancelled, CodeAssistError
from codeassist.request import Sent, sent_together
from codeassist.settings import Settings
from codeassist_indexer.edit_requests.unwanted import is_unwanted
from codeassist_indexer.secrets.file_names import secret_file_reason
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.client_requests import MOST_CHARS
from codeassist_lsp.completion.document_session import DocumentSession, DocumentSessions
from codeassist_lsp.completion.scheduling import Stopped, Stream
from codeassist_lsp.completion.suggestion_log import SuggestionLog
from codeassist_lsp.documents.open_document import OpenDocument
from codeassist_lsp.edits.shown_edit import EditLog, ShownEdit, span_of
from codeassist_lsp.edits.snapshot import Asked, Placed, RequestMaker, Snapshot, take_snapshot, text_of

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

log = logging.getLogger(__name__)

Kind = Literal["automatic", "invoked"]
PipelineFor = Callable[["Completer | None"], EditPipeline]
"""Returns the parts for what is in service; None: without a model. Called on the inference thread, or without a model
on another one."""
_PAUSE_S = 0.3
_HERE_MS = 3_000.0  # the next edit in the file that is being edited
_EVERYWHERE_MS = 15_000.0
_MOST_EVERYWHERE = 20
_MOST_AHEAD = 4


@dataclass(frozen=True, slots=True)
class EditQuestion:
    """A question: `line` (from 0) is the cursor's; `diagnostics` are lines with messages of the document."""

    session: DocumentSession
    document: OpenDocument
    line: int
    kind: Kind
    diagnostics: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """The edits, the next one first; `why_none` is for people where there are none. `sent`: what left this machine."""

    edits: tuple[ShownEdit, ...]
    why_none: str | None = None
    sent: Sent | None = None


@dataclass(slots=True)
class EditCounts:
    """What became of a client's questions; why the last one had no answer, and what left this machine for it."""

    by_outcome: Counter[str] = field(default_factory=Counter[str])
    why_none: str | None = None
    last_ms: float | None = None
    sent: Sent | None = None


class NextEditRequests:
    """The questions of one client. Used on the event loop only. `pipeline_for` makes what answers them.

    `is_asked_by_client`: it has put one of its own, so it draws next edits.
    """

    def __init__(
        self,
        backend: Backend,
        documents: DocumentSessions,
        edit_log: EditLog,
        pipeline_for: PipelineFor,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._documents = documents
        self._log = edit_log
        self._pipeline_for = pipeline_for
        self._sleep = sleep
        self._streams = Stream()
        self._maker = RequestMaker()
        self._counts = EditCounts()
        self.is_asked_by_client = False

    def cancel_all(self) -> None:
        """Cancel whatever is not answered."""
        self._streams.cancel_all()

    def status(self) -> dict[str, Any]:
        """What became of the questions, why nothing came for the last one and what it sent, ready for JSON."""
        counts = self._counts
        return {
            "counts": dict(counts.by_outcome),
            "why_none": counts.why_none,
            "last_ms": counts.last_ms,
            "sent": sent_document(counts.sent),
        }

    async def here(self, question: EditQuestion) -> EditAnswer:
        """Return the next edit in the question's document. Raises CancelledError; never anything else."""
        self.is_asked_by_client = True
        return await self._answered(question, "here", self._here)

    async def everywhere(self, question: EditQuestion) -> EditAnswer:
        """Return what follows in all files, the likeliest first. Raises CancelledError; never anything else."""
        self.is_asked_by_client = True
        return await self._answered(question, "everywhere", self._everywhere)

    async def ahead(self, question: EditQuestion) -> EditAnswer:
        """Return what follows in the question's document, for when the client asks for a completion there. Raises
        CancelledError; never anything else."""
        return await self._answered(question, "ahead", self._ahead)

    async def _answered(
        self,
        question: EditQuestion,
        stream: str,
        look: Callable[[EditPipeline, EditRequest, Stopped], NextEdits],
    ) -> EditAnswer:
        began = perf_counter()
        self._streams.begin(stream)
        outcome = "failed"
        try:
            answer = await self._answer(question, look)
            outcome = "shown" if answer.edits else "none"
            self._counts.why_none = answer.why_none
            return answer
        except (asyncio.CancelledError, Cancelled):
            outcome = "cancelled"
            raise asyncio.CancelledError from None
        except CodeAssistError as error:
            log.warning("no next edit in %s: %s", question.document.uri, error)
            self._counts.why_none = str(error)
        except Exception as error:  # the boundary of a request: the next one must work
            log.exception("the next edit in %s failed", question.document.uri)
            self._counts.why_none = f"the last question failed ({type(error).__name__}); the log says why"
        finally:
            self._counts.by_outcome[outcome] += 1
            self._counts.last_ms = (perf_counter() - began) * 1e3
        return EditAnswer((), self._counts.why_none)

    async def _answer(
        self, question: EditQuestion, look: Callable[[EditPipeline, EditRequest, Stopped], NextEdits]
    ) -> EditAnswer:
        reason = why_no_edit(question, question.session.scope.settings_in_force())
        if reason is not None:
            return EditAnswer((), reason)
        if question.kind == "automatic":
            await self._sleep(_PAUSE_S)
        if _has_changed(question):
            return EditAnswer((), "the text has changed meanwhile")
        snapshot = take_snapshot(
            question.session, question.line, self._documents, monotonic(), question.diagnostics, self._log.dismissed
        )
        asked = await asyncio.to_thread(self._maker.make, snapshot)
        if asked is None:
            return EditAnswer((), "nothing was edited lately")
        found, model = await self._run(question, asked, look)
        self._counts.sent = sent_together(found.trace.sent)
        shown = [
            each
            for proposal in found.proposals
            if (each := self._shown(proposal, snapshot, asked, found, model, question.kind)) is not None
        ]
        for each in shown:
            self._log.add(each)
        return EditAnswer(tuple(shown), None if shown else found.why_none, self._counts.sent)

    async def _run(
        self, question: EditQuestion, asked: Asked, look: Callable[[EditPipeline, EditRequest, Stopped], NextEdits]
    ) -> tuple[NextEdits, str]:
        """Run the pipeline with the model in service; while there is none, by rules alone."""
        inference, request = self._backend.inference, asked.request

        def job(completer: Completer | None, stopped: Stopped) -> tuple[NextEdits, str]:
            def is_over() -> bool:
                return stopped() or _has_changed(question)

            found = look(self._pipeline_for(completer), request, is_over)
            return found, "none" if completer is None else completer.model_name

        if inference.state.name is None:
            inference.try_again()
            return await asyncio.to_thread(job, None, lambda: False)
        inference.revive()

        def start(stopped: Stopped) -> Future[tuple[NextEdits, str]]:
            return inference.submit(lambda completer: job(completer, stopped))

        return await self._backend.works.run(("next edit", id(question)), start)

    @staticmethod
    def _here(pipeline: EditPipeline, request: EditRequest, stopped: Stopped) -> NextEdits:
        here = replace(pipeline, finder=_OfFile(pipeline.finder, request.path))
        return here.next_edits(request, deadline_ms=_HERE_MS, most=1, should_stop=stopped)

    @staticmethod
    def _ahead(pipeline: EditPipeline, request: EditRequest, stopped: Stopped) -> NextEdits:
        here = replace(pipeline, finder=_OfFile(pipeline.finder, request.path))
        return here.next_edits(request, deadline_ms=_HERE_MS, most=_MOST_AHEAD, should_stop=stopped)

    @staticmethod
    def _everywhere(pipeline: EditPipeline, request: EditRequest, stopped: Stopped) -> NextEdits:
        return pipeline.next_edits(request, deadline_ms=_EVERYWHERE_MS, most=_MOST_EVERYWHERE, should_stop=stopped)

    def _shown(
        self, proposal: Proposal, snapshot: Snapshot, asked: Asked, found: NextEdits, model: str, kind: Kind
    ) -> ShownEdit | None:
        """The edit for the text as it stands now; None where its lines are not there any more, or no file is."""
        path, scope = proposal.change.path, snapshot.scope
        opened = snapshot.open_documents.get(path)
        if opened is not None:
            session = self._documents.get(opened.uri)
            if session is None or session.now.opening != opened.opening:
                return None
            document, uri, version = session.now.document, opened.uri, session.now.document.version
            now = text_of(session.now)
        elif path in asked.on_disk and scope.root is not None:
            document = Document(path, asked.on_disk[path])
            uri, version = (scope.root / path).as_uri(), None
            now = asked.request.files[path]
        else:
            return None
        change = carried_over(proposal.change, asked.request.files[path], now)
        if change is None or is_unwanted(change, now):
            return None
        return ShownEdit(
            id=SuggestionLog.new_id(),
            uri=uri,
            version=version,
            document=document,
            span=span_of(document, change),
            placed=Placed(change, now),
            proposal=proposal,
            kind="next edit" if kind == "automatic" else "next edit, asked for",
            model=model,
            took_ms=found.trace.stage_ms.get("total", 0.0),
        )


class _OfFile:
    """The sites that a finder finds in one file."""

    def __init__(self, finder: SiteFinder, path: str) -> None:
        self._finder = finder
        self._path = path

    def find(self, request: EditRequest, should_stop: Stopped) -> Sequence[Site]:
        return [site for site in self._finder.find(request, should_stop) if site.path == self._path]


def why_no_edit(question: EditQuestion, settings: Settings) -> str | None:
    """Why a question is not looked into, for people; None where it is."""
    edits, is_automatic = settings.edits, question.kind == "automatic"
    language, path = question.document.language_id, question.session.scope.path
    if edits.mode == "off":
        return "next edits are switched off (edits.mode)"
    if language in edits.off_languages:
        return f"next edits are off for {language} (edits.off_languages)"
    if is_automatic and edits.mode == "manual":
        return "next edits come on demand only (edits.mode)"
    if (secret := secret_file_reason(path)) is not None:
        return f"no next edits in {path}: {secret}"
    by_itself = replace(settings.editor, mode="automatic")  # how completions come is another setting
    if is_automatic and (reason := question.session.why_on_demand_only(by_itself)) is not None:
        return reason
    if len(question.document.document.text) > MOST_CHARS:
        return "the document is too large"
    return None


def _has_changed(question: EditQuestion) -> bool:
    session = question.session
    return session.is_closed or session.now.document is not question.document.document
