"""One client's requests for completions, each from its arrival to what is shown for it.

The stages, in their order: refuse, look for a known answer, wait for a pause in the typing, run the pipeline (or join
work under way that is the same), show what still fits the text.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Literal

from codeassist.completion.document_state import Draft
from codeassist.document import TextEdit
from codeassist.errors import Cancelled, CodeAssistError
from codeassist.request import CompletionRequest
from codeassist.settings import Settings
from codeassist_indexer.fitting.mid_word import is_in_word
from codeassist_lsp.completion.backend import Backend
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.scheduling import Debounce, Stopped, Stream
from codeassist_lsp.completion.suggestion_cache import CachedSuggestion
from codeassist_lsp.completion.suggestion_log import ShownSuggestion, SuggestionLog, rest_of, typed_since
from codeassist_lsp.completion.suggestions import Suggested, Suggestion, SuggestionRequest, suggest
from codeassist_lsp.documents.open_document import CursorContext, OpenDocument, Selected
from codeassist_lsp.usage.request_log import Outcome, RequestTrace

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

log = logging.getLogger(__name__)

MOST_CHARS = 4_000_000
_MOST_SUGGESTIONS = 3  # for who asks for one: each more costs a decoding of its own
_IDLE_S = 0.15  # nobody types so long after an answer who does not read it
Kind = Literal["automatic", "invoked"]


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request: `stream` is what a newer one supersedes it in; `document` is the text as it stood when it came.

    `cursor_char` is an offset there, `read_s` when the request's last byte was read.
    """

    stream: tuple[str, str]
    session: DocumentSession
    document: OpenDocument
    cursor_char: int
    kind: Kind
    selected: Selected | None = None
    read_s: float | None = None


class ClientRequests:
    """The requests of one client. Used on the event loop only.

    `edit_at` knows the next edit that may be drawn where a completion is asked for, or None.
    `fail` is called with a line for people when a request failed, `recover` when the next one did not. By the clock of
    `now_s` and `sleep` automatic requests wait for a pause in the typing.
    """

    def __init__(
        self,
        backend: Backend,
        suggestion_log: SuggestionLog,
        fail: Callable[[str], None],
        recover: Callable[[], None],
        edit_at: Callable[[ClientRequest], ShownSuggestion | None] = lambda ask: None,
        now_s: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._suggestion_log = suggestion_log
        self._fail = fail
        self._recover = recover
        self._edit_at = edit_at
        self._has_failed = False
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
        trace = RequestTrace(ask.kind, ask.read_s)
        self._streams.begin(ask.stream)
        trace.note_writing()
        try:
            found = await self._answer(ask, trace)
            if self._has_failed and trace.outcome != "refused":
                self._has_failed = False
                self._recover()
            return found
        except (asyncio.CancelledError, Cancelled):
            trace.outcome = "cancelled"
            raise asyncio.CancelledError from None
        except CodeAssistError as error:
            log.warning("no completion in %s: %s", ask.document.uri, error)
            self._failed(str(error))
        except Exception as error:  # the boundary of a request: the next one must work
            log.exception("a completion in %s failed", ask.document.uri)
            self._failed(f"the last completion failed ({type(error).__name__}); the log says why")
        finally:
            trace.end()
            self._backend.requests.add(trace)
        return []

    def _failed(self, problem: str) -> None:
        self._has_failed = True
        self._fail(problem)

    async def _answer(self, ask: ClientRequest, trace: RequestTrace) -> list[ShownSuggestion]:
        settings = ask.session.scope.settings_in_force()
        if not await self._may_ask(ask, settings):
            trace.outcome = "refused"
            return []
        edit = self._edit_at(ask)
        others = await self._completed(ask, settings, trace) if edit is None or ask.kind == "invoked" else []
        if edit is None or ask.session.now.document is not ask.document.document:
            return others
        trace.outcome = "cached"
        found = [edit, *(each for each in others if each.at_cursor != edit.at_cursor)]
        self._suggestion_log.add(found)
        return found

    async def _completed(self, ask: ClientRequest, settings: Settings, trace: RequestTrace) -> list[ShownSuggestion]:
        place = ask.session.context_at(ask.document, ask.cursor_char, ask.selected)
        wanted = self._request(ask, place, settings)
        wait_s = self._wait_s(ask, settings)
        known = await self._known(ask, wanted)
        if known is not None:
            ask.session.shared.suggestions.use(known)
            return self._shown(known.suggestions, ask, place, trace, "cached")
        if is_on_demand_only(ask.session, wanted):
            trace.outcome = "refused"
            return []
        await self._pause(wait_s, wanted, trace)
        suggested = await self._suggested(ask.session, wanted, trace)
        none = "withheld" if suggested.was_withheld else "empty"
        return self._shown(suggested.suggestions, ask, place, trace, "answered" if suggested.suggestions else none)

    async def _may_ask(self, ask: ClientRequest, settings: Settings) -> bool:
        inference = self._backend.inference
        if ask.kind == "invoked" and settings.editor.mode != "off" and inference.state.is_to_come:
            await self._backend.model_settled()  # else who asked would have to ask again
        reason = why_not(ask, settings, inference.state)
        if reason is not None:
            log.debug("no completion: %s", reason)
            inference.try_again()
            return False
        inference.revive()
        return True

    def _request(self, ask: ClientRequest, place: CursorContext, settings: Settings) -> SuggestionRequest:
        scope = ask.session.scope
        if place.language is not None:  # a cell that a magic hands to another program
            scope = replace(scope, language=place.language).of_cell()
        if ask.session.notebook is None:
            scope.note_cursor(place.prefix.count("\n") + 1)
        document = ask.session.shared.state
        document.outlives = scope.has_file and not ask.session.is_off_path(settings.editor)
        return SuggestionRequest(
            document,
            scope,
            settings,
            place.prefix,
            place.suffix,
            num_wanted=_MOST_SUGGESTIONS if ask.kind == "invoked" else 1,
            is_automatic=ask.kind == "automatic",
            has_names=place.has_names,
            model=self._backend.inference.num_loaded,
        )

    def _wait_s(self, ask: ClientRequest, settings: Settings) -> float:
        """How long the model is not asked yet, because more is being typed. Called for each request, when it comes."""
        if ask.kind == "invoked":
            return 0.0
        adapted_s = self._debounces[ask.stream[0]].wait_s(self._now_s())
        fixed_ms = settings.editor.debounce_ms
        return adapted_s if fixed_ms is None else fixed_ms / 1e3

    async def _known(self, ask: ClientRequest, wanted: SuggestionRequest) -> CachedSuggestion | None:
        """An answer that is known, would be given again as far as other files are concerned, and may be shown."""
        cache, scope = ask.session.shared.suggestions, wanted.scope
        while (known := cache.find(wanted)) is not None:
            entry = known.entry
            request = CompletionRequest(scope.path, known.prefix, known.suffix, language=scope.language)
            try:
                seen = await self._backend.contexts.would_see(scope, ask.session.shared.snippets, request, entry.seen)
            except TimeoutError:
                log.info("whether the context has changed was not found out in time")
                return None
            if seen is not None:
                entry.seen = seen
                return known if self._may_show(known, ask, wanted) else None
            cache.drop_stale(entry)
        return None

    def _may_show(self, known: CachedSuggestion, ask: ClientRequest, wanted: SuggestionRequest) -> bool:
        """What was withheld is not what somebody now asks for. On demand only, typing along shows the rest of what is
        on the screen, and nothing else comes by itself."""
        if known.entry.suggested.was_withheld and ask.kind == "invoked":
            return False
        if not is_on_demand_only(ask.session, wanted):
            return True
        number = known.suggestions[0].number if known.typed else None
        return any(
            last.document.opening == ask.document.opening and last.suggestion.number == number
            for last in self._suggestion_log.last
        )

    async def _pause(self, wait_s: float, wanted: SuggestionRequest, trace: RequestTrace) -> None:
        """Wait for a pause in the typing, unless the same is being worked on already."""
        if wait_s and wanted.identity not in self._backend.works:
            began = perf_counter()
            await self._sleep(wait_s)
            trace.stage_ms["debounce"] = (perf_counter() - began) * 1e3

    async def _suggested(self, session: DocumentSession, wanted: SuggestionRequest, trace: RequestTrace) -> Suggested:
        """Run the pipeline on the inference thread, or wait for a request that is the same; keep the answer."""
        backend, shared = self._backend, session.shared
        asked, asked_s = perf_counter(), monotonic()

        def start(stopped: Stopped) -> Future[tuple[float, Suggested, float]]:
            def job(completer: Completer) -> tuple[float, Suggested, float]:
                queue_ms = (perf_counter() - asked) * 1e3
                return queue_ms, suggest(completer, wanted, stopped, backend.beside), monotonic()

            shared.suggestions.counts.num_missed += 1
            return backend.inference.submit(job)

        queue_ms, suggested, done_s = await backend.works.run(wanted.identity, start)
        trace.asked_s, trace.done_s = asked_s, done_s
        trace.model_said(suggested.first, queue_ms)
        trace.stage_ms["trim"] = suggested.fit_ms
        if backend.inference.num_loaded == wanted.model:  # otherwise nobody knows which of two models it was
            shared.suggestions.keep(wanted, suggested)
        if wanted.settings.context.rounds > 1:
            shared.look_counts.num_used += "retrieve_second_look" in suggested.first.trace.stage_ms
            if suggested.suggestions:
                asyncio.get_running_loop().call_later(_IDLE_S, self._look_again, session, wanted, suggested)
        return suggested

    def _look_again(self, session: DocumentSession, wanted: SuggestionRequest, suggested: Suggested) -> None:
        """Look at other files with the first suggestion in its place, unless somebody asks for something else.

        RepoCoder's second look: who types along the suggestion, or takes it, then has its context at once.
        """
        if len(self._backend.works) or len(self._streams):
            return
        first, scope = suggested.suggestions[0], wanted.scope
        request = CompletionRequest(scope.path, wanted.prefix, wanted.suffix, language=scope.language)
        draft, shared = Draft(request, first.at_cursor), session.shared

        def look() -> None:
            try:
                shared.look_counts.num_made += shared.snippets.look_ahead(
                    draft, suggested.seen.max_chars, scope.retriever
                )
            except Exception:  # nobody waits for this: who asks next looks for himself
                log.warning("no second look for %s", scope.path, exc_info=True)

        try:
            self._backend.contexts.submit(look)
        except RuntimeError:
            log.debug("no second look for %s: the server ends", scope.path)

    def _shown(
        self,
        suggestions: Sequence[Suggestion],
        ask: ClientRequest,
        place: CursorContext,
        trace: RequestTrace,
        outcome: Outcome,
    ) -> list[ShownSuggestion]:
        """What of the suggestions fits the text as it stands now; `outcome` is the request's if the text lets it be."""
        now, typed = ask.session.now, _typed_meanwhile(ask)
        if typed is None:
            trace.outcome = "outdated"
            return []
        found: list[ShownSuggestion] = []
        for suggestion in suggestions:
            edit = suggestion.at_cursor
            if rest := rest_of(edit.text, typed):
                start_char = place.start_char + len(typed)
                end_char = place.end_char + len(typed) + edit.end_char - edit.start_char
                shown = ShownSuggestion(
                    id=self._suggestion_log.new_id(),
                    session=ask.session,
                    document=now,
                    edits=(TextEdit(start_char, end_char, place.repeated + rest),),
                    num_repeated=len(place.repeated),
                    suggestion=suggestion,
                    kind=ask.kind,
                    stage_ms=trace.stage_ms,
                )
                found.append(shown)
        self._suggestion_log.add(found)
        if found:
            self._backend.last_shown = found[0]
        trace.outcome = outcome if found or not suggestions else "outdated"
        return found


def why_not(ask: ClientRequest, settings: Settings, state: ModelState) -> str | None:
    """Why there is no completion, for the log; None where there may be one."""
    editor = settings.editor
    if editor.mode == "off":
        return "switched off"
    if reason := ask.session.why_none(editor):
        return reason
    if len(ask.document.document.text) > MOST_CHARS:
        return "the document is too large"
    if state.name is None:
        return state.problem or "the model is still being loaded"
    return None


def _typed_meanwhile(ask: ClientRequest) -> str | None:
    """What was typed at the cursor since the request came; None where the text has changed in any other way."""
    now, before = ask.session.now, ask.document
    if ask.session.is_closed or now.opening != before.opening:
        return None
    if now.document is before.document:
        return ""
    return typed_since(before.document, ask.cursor_char, now.document) if ask.selected is None else None


def is_on_demand_only(session: DocumentSession, wanted: SuggestionRequest) -> bool:
    """Whether nobody asked for a request, where completions are made on demand only: by the settings, or in a word."""
    if not wanted.is_automatic:
        return False
    if session.why_on_demand_only(wanted.settings.editor) is not None:
        return True
    scope = wanted.scope
    return wanted.suffix[:1].strip() != "" and is_in_word(wanted.prefix, wanted.suffix, scope.path, scope.language)
