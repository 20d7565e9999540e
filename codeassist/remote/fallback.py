"""Completions by a server, and by the local model for what must not leave this machine or while the server is away.

It is handed who may be asked, how to connect and how to load the local model.
Where code goes is decided here, before anything else is done with a request, and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from codeassist.completion.completer import Completer, one_after_the_other
from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Generated, Job, completion_of, never
from codeassist.errors import Cancelled, CodeAssistError, ModelError
from codeassist.monitor.analysis_thread import AnalysisThread
from codeassist.monitor.monitor_set import AnalysisSource, NoAnalysts
from codeassist.remote.breaker import Breaker
from codeassist.remote.errors import RefusedError, RemoteError
from codeassist.remote.names import NameGuard
from codeassist.remote.policy import RemotePolicy
from codeassist.remote.redactors import NOTHING_REDACTED, ClearedRetriever, Redactors
from codeassist.remote.retry import RetryPolicy
from codeassist.remote.session import LOOK_S, RemoteGenerator, RemoteSession, Sending
from codeassist.request import Completion, CompletionRequest, Retriever, Snippet

if TYPE_CHECKING:
    from codeassist.engine.engine import Engine

log = logging.getLogger(__name__)

T = TypeVar("T")
_MOST_TOLD = 1_000  # files of which the log says why they stay here
_NOT_CLEARED = "its text could not be searched for keys and passwords in time; the log says why"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent, and how long a completion may take in all, retries included."""

    first_token_s: float
    timeout_s: float
    num_retries: int = 2

    @classmethod
    def within(cls, timeout_s: float) -> Patience:
        """Return the patience of a completion that may take so long in all: its first third may pass in silence."""
        return cls(timeout_s / 3, timeout_s)

    @property
    def policy(self) -> RetryPolicy:
        """Whoever types waits: retries come soon or not at all."""
        return RetryPolicy(1 + self.num_retries, first_s=0.1, most_s=1.0, longest_wait_s=2.0)


class RemoteWithFallback:
    """Asks `connect`'s server for what `allowed` lets out, and what `open_local` loads for everything else.

    One request at a time; any thread may be the one, but only one at a time. The local model is loaded when it is
    first needed; `connect` ends within a time of its own. With `falls_back`, the local model also answers while the
    server is away; without, such requests raise RemoteError. `redactors` clear all text before it is sent.
    `analysts` know the names of a request's repository, as for the local model's monitors.
    """

    def __init__(
        self,
        host: str,
        allowed: RemotePolicy,
        connect: Callable[[], Coroutine[Any, Any, RemoteSession]],
        open_local: Callable[[], Completer],
        patience: Patience,
        *,
        falls_back: bool = True,
        notices: tuple[str, ...] = (),
        redactors: Redactors = NOTHING_REDACTED,
        analysts: AnalysisSource | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._host = host
        self._allowed = allowed
        self._connect = connect
        self._open_local = open_local
        self._patience = patience
        self._falls_back = falls_back
        self.notices = notices
        self._redactors = redactors
        self._analysts = analysts or NoAnalysts()
        self._breaker = breaker or Breaker()
        self._session: RemoteSession | None = None
        self._local: Completer | None = None
        self._told: set[tuple[str, str]] = set()
        self._loop = ExitStack()  # a thread of its own with an event loop, from the first connection on
        self._portal: BlockingPortal | None = None
        self._analyses = AnalysisThread()

    @property
    def model_name(self) -> str:
        """The server's name for its model once it has said so, and where it is."""
        return self._host if self._session is None else f"{self._session.capabilities.model} at {self._host}"

    @property
    def problem(self) -> str | None:
        """That the server is away, if it is."""
        if not self._breaker.is_open:
            return None
        return f"the remote engine at {self._host} is away; " + (
            "the local model answers" if self._falls_back else "nothing is completed (remote.fallback is off)"
        )

    @property
    def engine(self) -> Engine | None:
        """The local model's, once that has been needed."""
        return None if self._local is None else self._local.engine

    def reach(self) -> None:
        """Connect now, so that the first request need not. A server that is away is noticed and no error."""
        if self._allowed:
            try:
                self._connected()
            except CodeAssistError as error:
                self._breaker.failed(str(error))
                log.warning("%s", error)

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = never,
        document: DocumentState | None = None,
    ) -> Completion:
        """Complete one request, as `Session.complete`. Cancelling closes the request on the server."""
        reason = self._allowed.why_not(request)
        if reason is not None:
            return self._kept_here(request, retriever, cancelled, document, reason)
        if not self._breaker.lets_through:
            return self._instead(request, retriever, cancelled, document, self._breaker.reason or "", None)
        asking = _Asking(self._patience, self._host)
        try:
            session = self._connected()
            outgoing = self._redactors.request(request)
            if outgoing is None:
                return self._kept_here(request, retriever, cancelled, document, _NOT_CLEARED)
            outgoing = replace(outgoing, sees_libraries=self._allowed.may_see_packages(request))
            asking.guard = self._guard(outgoing)
            cleared = ClearedRetriever(retriever, self._redactors.snippet, self._allowed.lets_package_out)
            job = Job(outgoing, cleared, document or DocumentState(request.path), cancelled)
            generator = RemoteGenerator(session, self._through(), answer=asking.answer)
            completion = asking.guarded(completion_of(generator, job))
        except ModelError as error:  # of the server's: RemoteError, or it serves another model than it should
            self._failed(error)
            return self._instead(request, retriever, cancelled, document, str(error), asking.sending)
        self._breaker.succeeded()
        return completion

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        """Complete one request in several ways, one after the other. See `Completer`."""
        return one_after_the_other(self, job, num_wanted)

    def why_kept(self, request: CompletionRequest) -> str | None:
        """Why a file's text must not leave this machine, for people; None where it may, without its secrets."""
        return self._allowed.why_not(request)

    def cleared(self, path: str, text: str) -> str | None:
        """Return a text as it may leave this machine; None where its secrets cannot be looked for."""
        snippet = self._redactors.snippet(Snippet(path, text, 1, 1 + text.count("\n"), "edit", 0.0, "edited"))
        return None if snippet is None else snippet.text

    def ask(
        self, question: Callable[[RemoteSession, Patience], Coroutine[Any, Any, T]], cancelled: Callable[[], bool]
    ) -> T:
        """Have the server asked what is no completion; what leaves is the caller's to clear. Cancelling closes the
        request there. Raises RemoteError, or ModelError where it serves another model, without a fallback."""
        if not self._breaker.lets_through:
            raise RemoteError(self._away(self._breaker.reason or ""))
        try:
            session = self._connected()
            future = self._through().start_task_soon(self._in_time, question, session)
            try:
                while not wait((future,), LOOK_S).done:
                    if cancelled():
                        raise Cancelled("the request was superseded")
            finally:
                future.cancel()  # changes nothing once it is done
            answer = future.result()
        except ModelError as error:
            self._failed(error)
            raise
        self._breaker.succeeded()
        return answer

    async def _in_time(
        self, question: Callable[[RemoteSession, Patience], Coroutine[Any, Any, T]], session: RemoteSession
    ) -> T:
        try:
            with anyio.fail_after(self._patience.timeout_s):
                return await question(session, self._patience)
        except TimeoutError as error:
            raise RemoteError(f"{self._host}: no answer within {self._patience.timeout_s:g} s") from error

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        """Let the local model's monitors load, if it has been needed."""
        if self._local is not None:
            self._local.warm(request, document)

    def close(self) -> None:
        """Close the connections and end every thread of ours."""
        self._disconnect()
        self._loop.close()
        self._analyses.close()
        self._analysts.close()
        if self._local is not None:
            self._local.close()

    def _failed(self, error: ModelError) -> None:
        if isinstance(error, RefusedError):
            self._disconnect()  # it may be another server by now: what it can do is asked anew
        self._breaker.failed(str(error))
        log.warning("%s", error)

    def _tell_once(self, path: str, reason: str) -> None:
        if (path, reason) not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add((path, reason))
            log.info("%s is completed on this machine: %s", path, reason)

    def _connected(self) -> RemoteSession:
        if self._session is None:
            self._session = self._through().call(self._connect)
        return self._session

    def _through(self) -> BlockingPortal:
        """What leads to the event loop that connections live on."""
        if self._portal is None:
            self._portal = self._loop.enter_context(start_blocking_portal("asyncio"))
        return self._portal

    def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._through().call(session.client.close)

    def _guard(self, request: CompletionRequest) -> NameGuard | None:
        """What holds the answer to the names that static analysis knows; None where nothing is monitored."""
        if request.monitor_deadline_ms is None:
            return None
        try:
            analyst = self._analysts.find(request)
            analysis = None if analyst is None else analyst.analyse(request)
        except Exception as error:  # without an analysis the answer is the model's own
            log.warning("an analysis failed, and nothing is monitored there", exc_info=error)
            return None
        return None if analysis is None else NameGuard(analysis, request, self._analyses.submit)

    def _kept_here(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool],
        document: DocumentState | None,
        reason: str,
    ) -> Completion:
        """The local model's answer to what must not leave this machine, whether or not it stands in for the server."""
        self._tell_once(request.path, reason)
        return self._locally(request, retriever, cancelled, document, f"completed on this machine: {reason}")

    def _instead(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool],
        document: DocumentState | None,
        problem: str,
        sending: Sending | None,
    ) -> Completion:
        """The local model's answer to what the server could not answer."""
        if not self._falls_back:
            raise RemoteError(f"{self._away(problem)}; remote.fallback is off")
        try:
            completion = self._locally(request, retriever, cancelled, document, self._away(problem))
        except Cancelled:
            raise
        except ModelError as error:
            raise RemoteError(f"{self._away(problem)}; and no local model can answer: {error}") from error
        return (
            completion if sending is None else replace(completion, trace=replace(completion.trace, sent=sending.sent))
        )

    def _locally(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool],
        document: DocumentState | None,
        notice: str,
    ) -> Completion:
        if self._local is None:
            self._local = self._open_local()
        return self._local.complete(request, retriever, cancelled, document).after(notice)

    def _away(self, problem: str) -> str:
        return f"the remote engine at {self._host} did not answer ({problem})"


@dataclass(slots=True)
class _Asking:
    """One request to the server: how long it may take, what has left for it so far, and what its names are held to."""

    patience: Patience
    host: str
    guard: NameGuard | None = None
    sending: Sending | None = None

    async def answer(self, job: Job, sending: Sending) -> Generated:
        """Ask through the job's session, within the time."""
        self.sending = sending
        patience = self.patience
        try:
            with anyio.fail_after(patience.timeout_s):
                return await sending.session.stream(sending, patience.first_token_s, patience.policy, self.guard)
        except TimeoutError as error:
            raise RemoteError(f"{self.host}: no completion within {patience.timeout_s:g} s") from error

    def guarded(self, completion: Completion) -> Completion:
        """The completion, cut before a wrong name."""
        if self.guard is None:
            return completion
        text = self.guard.cut(completion.text)  # before its acts are asked for
        return replace(completion, text=text, trace=replace(completion.trace, monitor_acts=self.guard.acts))
