"""One client's requests for completions, each from its arrival to what is offered for it.

Knows no wire: positions are offsets, answers are offers. The order is: refuse, known already, join work under way, wait
for a pause in the typing, ask the model.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Literal

from codeassist.errors import Cancelled, CodeAssistError
from codeassist.request import CompletionRequest
from codeassist.settings import Settings
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.debounce import Debounce
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.second_look import Draft
from codeassist_lsp.completion.suggestion_cache import CachedSuggestion, Scope, SuggestionCache, scope_of
from codeassist_lsp.completion.suggestion_log import ShownSuggestion, SuggestionLog, rest_of, typed_since
from codeassist_lsp.completion.suggestions import GenerationRequest, Suggested, Suggestion, suggest
from codeassist_lsp.documents.cursor_context import CursorContext, Selected, cursor_context_at
from codeassist_lsp.documents.open_document import OpenDocument
from codeassist_lsp.transport.request_timing import RequestTiming
from codeassist_lsp.transport.requests import Stopped, Stream
from codeassist_lsp.usage.request_log import Outcome, Record
from codeassist_lsp.workspace.context import Version, version_of
from codeassist_lsp.workspace.document_scope import DocumentScope

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

log = logging.getLogger(__name__)

MOST_CHARS = 4_000_000
_MOST_SUGGESTIONS = 3  # for who asks for one: each more costs a decoding of its own
_IDLE_S = 0.15  # so long behind an answer nobody types, who does not read it
Kind = Literal["automatic", "invoked"]


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request: `stream` is what a newer one supersedes it in; `document` is the text as it stood when it came."""

    stream: tuple[str, str]
    session: DocumentSession
    document: OpenDocument
    cursor_char: int
    kind: Kind
    selected: Selected | None = None
    timing: RequestTiming | None = None


class ClientRequests:
    """The requests of one client. Used on the event loop only.

    `fail` is called with a line for people when a request failed, `succeed` when one did not. `now_s` and `sleep` are
    the clock by which automatic requests wait for a pause in the typing.
    """

    def __init__(
        self,
        backend: Backend,
        suggestion_log: SuggestionLog,
        fail: Callable[[str], None],
        succeed: Callable[[], None],
        now_s: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._suggestion_log = suggestion_log
        self._fail = fail
        self._succeed = succeed
        self._now_s = now_s
        self._sleep = sleep
        self._streams = Stream()
        self._debounces: defaultdict[str, Debounce] = defaultdict(Debounce)

    def __len__(self) -> int:
        return len(self._streams)

    def cancel_all(self) -> None:
        """Cancel whatever is not answered."""
        self._streams.cancel_all()

    async def complete(self, ask: ClientRequest) -> list[ShownSuggestion]:
        """Answer a request. Raises CancelledError when it is cancelled or a newer one came; never anything else."""
        trace = _RequestTrace(ask.timing)
        self._streams.begin(ask.stream)
        if ask.timing is not None:
            ask.timing.note_writing()
        try:
            return await self._answer(ask, trace)
        except (asyncio.CancelledError, Cancelled):
            trace.outcome = "cancelled"
            raise asyncio.CancelledError from None
        except CodeAssistError as error:
            log.warning("no completion in %s: %s", ask.document.uri, error)
            self._fail(str(error))
        except Exception as error:  # the boundary of a request: the next one must work
            log.exception("a completion in %s failed", ask.document.uri)
            self._fail(f"the last completion failed ({type(error).__name__}); the log says why")
        finally:
            self._backend.requests.add(trace.record(ask.kind))
        return []

    async def _answer(self, ask: ClientRequest, trace: _RequestTrace) -> list[ShownSuggestion]:
        document_scope = ask.session.scope
        settings = document_scope.settings
        if ask.kind == "invoked" and settings.editor.mode != "off" and self._backend.inference.state.is_to_come:
            await self._backend.model_settled()  # else who asked would have to ask again
        reason = why_not(ask, settings, self._backend.inference.state)
        if reason is not None:
            log.debug("no completion: %s", reason)
            trace.outcome = "refused"
            self._backend.inference.try_again()
            return []
        self._backend.inference.revive()
        place = cursor_context_at(ask.document.document, ask.cursor_char, ask.selected)
        if document_scope.workspace is not None:
            line = place.prefix.count("\n") + 1
            document_scope.workspace.recent.note(document_scope.path, line, line + 1)
        num_wanted = _MOST_SUGGESTIONS if ask.kind == "invoked" else 1
        root = None if document_scope.workspace is None else str(document_scope.workspace.root)
        wanted = GenerationRequest(
            ask.document.uri,
            document_scope.path,
            place.prefix,
            place.suffix,
            document_scope.repository,
            document_scope.retriever,
            settings,
            num_wanted,
            root,
            is_automatic=ask.kind == "automatic",
        )
        scope = scope_of(wanted, root, self._backend.inference.num_loaded)
        wait_s = self._wait_s(ask, settings)
        known = await self._known(ask.session.shared.suggestions, scope, wanted, document_scope)
        if known is not None and known.entry.suggested.was_withheld and ask.kind == "invoked":
            known = None  # withheld because nobody had asked for it
        if known is not None and self._may_show(known, ask, settings):
            ask.session.shared.suggestions.use(known)
            self._succeed()
            return self._offered(known.suggestions, ask, place, trace, "cached")
        if is_on_demand_only(ask, settings):
            trace.outcome = "refused"
            return []
        if wait_s and self._work_of(scope, wanted) not in self._backend.works:
            began = perf_counter()
            await self._sleep(wait_s)
            trace.stage_ms["debounce"] = (perf_counter() - began) * 1e3
        trace.suggested = await self._run(ask.session, scope, wanted, trace)
        self._succeed()
        return self._offered(trace.suggested.suggestions, ask, place, trace, "answered")

    def _wait_s(self, ask: ClientRequest, settings: Settings) -> float:
        """How long the model is not asked yet, because more is being typed. Called for each request, when it comes."""
        if ask.kind == "invoked":
            return 0.0
        adapted_s = self._debounces[ask.stream[0]].wait_s(self._now_s())
        fixed_ms = settings.editor.debounce_ms
        return adapted_s if fixed_ms is None else fixed_ms / 1e3

    async def _known(
        self, results: SuggestionCache, scope: Scope, wanted: GenerationRequest, document_scope: DocumentScope
    ) -> CachedSuggestion | None:
        """What is known for a request and would be said again, as far as other files are concerned."""
        while (known := results.find(scope, wanted.prefix, wanted.suffix, wanted.num_wanted)) is not None:
            entry = known.entry
            request = CompletionRequest(wanted.path, known.prefix, known.suffix)
            verdict = await self._backend.contexts.compare(document_scope, request, entry.suggested.seen, entry.version)
            if verdict is None:
                return None
            if verdict.is_same:
                entry.version = verdict.version
                return known
            results.drop_stale(entry)
        return None

    def _may_show(self, known: CachedSuggestion, ask: ClientRequest, settings: Settings) -> bool:
        """On demand only, typing along shows the rest of what is on the screen, and nothing else comes by itself."""
        if not is_on_demand_only(ask, settings):
            return True
        last = self._suggestion_log.last
        return (
            bool(known.typed)
            and last is not None
            and last.document.opening == ask.document.opening
            and last.suggestion.number == known.suggestions[0].number
        )

    @staticmethod
    def _work_of(scope: Scope, wanted: GenerationRequest) -> tuple[Scope, str, str, int, bool]:
        return (scope, wanted.prefix, wanted.suffix, wanted.num_wanted, wanted.is_automatic)

    async def _run(
        self, session: DocumentSession, scope: Scope, wanted: GenerationRequest, trace: _RequestTrace
    ) -> Suggested:
        shared, document_scope = session.shared, session.scope
        asked = perf_counter()
        asked_s = monotonic()

        def start(stopped: Stopped) -> Future[tuple[float, Version | None, Suggested, float]]:
            asked_version = self._backend.contexts.ask_version(document_scope)

            def job(completer: Completer) -> tuple[float, Version | None, Suggested, float]:
                queue_ms = (perf_counter() - asked) * 1e3
                version = asked_version()  # before retrieval: what changes later makes it stale
                retriever = shared.second_look.over(wanted.retriever, version, scope)
                served = replace(wanted, retriever=retriever)
                return queue_ms, version, suggest(completer, served, stopped, self._backend.beside), monotonic()

            shared.suggestions.counts.num_missed += 1
            return self._backend.inference.submit(job)

        works, inference, results = self._backend.works, self._backend.inference, shared.suggestions
        queue_ms, version, suggested, done_s = await works.run(self._work_of(scope, wanted), start)
        if trace.timing is not None:
            trace.timing.asked_s, trace.timing.done_s = asked_s, done_s
        if inference.num_loaded == scope.model:  # otherwise nobody knows which of two models it was
            is_makeshift = suggested.first.is_hasty
            results.keep(scope, wanted.prefix, wanted.suffix, wanted.num_wanted, suggested, version, is_makeshift)
        if wanted.settings.context.rounds > 1 and suggested.suggestions:
            asyncio.get_running_loop().call_later(_IDLE_S, self._look_again, session, scope, wanted, suggested)
        stages = suggested.first.stage_ms
        trace.stage_ms |= {
            "queue": queue_ms,
            "retrieve": stages["retrieve"],
            "prompt": stages["prompt"],
            "sync": stages["prefill"],
            "first_token": stages["first_token"],
            "decode": stages["decode"],
            "trim": suggested.trim_ms,
        }
        return suggested

    def _look_again(
        self, session: DocumentSession, scope: Scope, wanted: GenerationRequest, suggested: Suggested
    ) -> None:
        """Look at other files with the first suggestion in its place, unless somebody asks for something else."""
        if len(self._backend.works) or len(self._streams):
            return
        first = suggested.suggestions[0]
        request = CompletionRequest(wanted.path, wanted.prefix, wanted.suffix)
        draft = Draft(request, first.text, first.num_replaced, suggested.seen.max_chars, scope)
        document_scope = session.scope
        session.shared.second_look.begin(draft, wanted.retriever, lambda: version_of(document_scope))

    def _offered(
        self,
        suggestions: Sequence[Suggestion],
        ask: ClientRequest,
        place: CursorContext,
        trace: _RequestTrace,
        outcome: Outcome,
    ) -> list[ShownSuggestion]:
        """Make offers of suggestions, for the text as it stands now; `outcome` is the request's if all goes well."""
        now = ask.session.now
        typed: str | None = ""
        if ask.session.is_closed or now.opening != ask.document.opening:
            typed = None
        elif now.document is not ask.document.document:
            typed = typed_since(ask.document.document, ask.cursor_char, now.document) if ask.selected is None else None
        if typed is None:
            trace.outcome = "outdated"
            return []
        suggestion_log: list[ShownSuggestion] = []
        for suggestion in suggestions:
            rest = rest_of(suggestion.text, typed)
            if rest:
                suggestion_log.append(
                    ShownSuggestion(
                        id=self._suggestion_log.new_id(),
                        session=ask.session,
                        document=now,
                        start_char=place.start_char + len(typed),
                        end_char=place.end_char + len(typed) + suggestion.num_replaced,
                        text=place.repeated + rest,
                        num_repeated=len(place.repeated),
                        suggestion=suggestion,
                        kind=ask.kind,
                        stage_ms=trace.stage_ms,
                    )
                )
        for shown in suggestion_log:
            self._suggestion_log.add(shown)
        if suggestion_log or (outcome == "cached" and not suggestions):
            trace.outcome = outcome
        elif suggestions:
            trace.outcome = "outdated"
        else:
            was_withheld = trace.suggested is not None and trace.suggested.was_withheld
            trace.outcome = "withheld" if was_withheld else "empty"
        return suggestion_log


def why_not(ask: ClientRequest, settings: Settings, state: ModelState) -> str | None:
    """Why there is no completion, for the log; None where there may be one."""
    editor = settings.editor
    if editor.mode == "off":
        return "switched off"
    if ask.document.language_id in editor.off_languages:
        return f"switched off for {ask.document.language_id}"
    if not ask.document.is_in_step:
        return "out of step with the client"
    if len(ask.document.document.text) > MOST_CHARS:
        return "the document is too large"
    if state.name is None:
        return state.problem or "the model is still being loaded"
    return None


def is_on_demand_only(ask: ClientRequest, settings: Settings) -> bool:
    """Whether a request that nobody asked for comes where completions are made on demand only."""
    return settings.editor.mode == "manual" and ask.kind == "automatic"


@dataclass(slots=True)
class _RequestTrace:
    """How a request went so far."""

    timing: RequestTiming | None = None
    began: float = field(default_factory=perf_counter)
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    outcome: Outcome = "failed"
    suggested: Suggested | None = None

    def record(self, kind: Kind) -> Record:
        self.stage_ms["total"] = (perf_counter() - self.began) * 1e3
        if self.suggested is None:
            return Record(self.outcome, kind, self.stage_ms, timing=self.timing)
        first = self.suggested.first
        return Record(
            self.outcome,
            kind,
            self.stage_ms,
            first.num_prompt_tokens,
            first.num_cached_tokens,
            first.num_new_tokens,
            self.timing,
            tuple(first.late_sources),
        )
