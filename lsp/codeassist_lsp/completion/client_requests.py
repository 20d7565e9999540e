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
from codeassist_lsp.completion.debounce import Pace
from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.second_look import Draft
from codeassist_lsp.completion.suggestion_cache import Known, Scope, scope_of
from codeassist_lsp.completion.suggestion_log import Offer, Offers, rest_of, typed_since
from codeassist_lsp.completion.suggestions import Suggested, Suggestion, Wish, suggest
from codeassist_lsp.documents.cursor_context import Place, Selected, place_at
from codeassist_lsp.documents.documents import Documents, OpenDocument
from codeassist_lsp.transport.request_timing import Wire
from codeassist_lsp.transport.requests import Stopped, Stream
from codeassist_lsp.usage.request_log import Outcome, Record
from codeassist_lsp.workspace.context import Version, version_of
from codeassist_lsp.workspace.document_scope import Home, Homes

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

log = logging.getLogger(__name__)

MOST_CHARS = 4_000_000
_IDLE_S = 0.15  # so long behind an answer nobody types, who does not read it
Kind = Literal["automatic", "invoked"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `stream` is what a newer one supersedes it in; `document` is the text as it stood when it came."""

    stream: tuple[str, str]
    document: OpenDocument
    cursor_char: int
    kind: Kind
    selected: Selected | None = None
    wire: Wire | None = None


class Completing:
    """The requests of one client. Used on the event loop only.

    `fail` is called with a line for people when a request failed, `succeed` when one did not. `now_s` and `sleep` are
    the clock by which automatic requests wait for a pause in the typing.
    """

    def __init__(
        self,
        backend: Backend,
        documents: Documents,
        homes: Homes,
        offers: Offers,
        fail: Callable[[str], None],
        succeed: Callable[[], None],
        now_s: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._documents = documents
        self._homes = homes
        self._offers = offers
        self._fail = fail
        self._succeed = succeed
        self._now_s = now_s
        self._sleep = sleep
        self._streams = Stream()
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    def __len__(self) -> int:
        return len(self._streams)

    def cancel_all(self) -> None:
        """Cancel whatever is not answered."""
        self._streams.cancel_all()

    async def complete(self, ask: Ask) -> list[Offer]:
        """Answer a request. Raises CancelledError when it is cancelled or a newer one came; never anything else."""
        course = _Course(ask.wire)
        self._streams.begin(ask.stream)
        if ask.wire is not None:
            ask.wire.note_writing()
        try:
            return await self._answer(ask, course)
        except (asyncio.CancelledError, Cancelled):
            course.outcome = "cancelled"
            raise asyncio.CancelledError from None
        except CodeAssistError as error:
            log.warning("no completion in %s: %s", ask.document.uri, error)
            self._fail(str(error))
        except Exception as error:  # the boundary of a request: the next one must work
            log.exception("a completion in %s failed", ask.document.uri)
            self._fail(f"the last completion failed ({type(error).__name__}); the log says why")
        finally:
            self._backend.requests.add(course.record(ask.kind))
        return []

    async def _answer(self, ask: Ask, course: _Course) -> list[Offer]:
        home = self._homes.of(ask.document.uri, ask.document.language_id)
        settings = home.settings
        reason = why_not(ask, settings, self._backend.inference.state)
        if reason is not None:
            log.debug("no completion: %s", reason)
            course.outcome = "refused"
            self._backend.inference.try_again()
            return []
        self._backend.inference.revive()
        place = place_at(ask.document.document, ask.cursor_char, ask.selected)
        if home.workspace is not None:
            line = place.prefix.count("\n") + 1
            home.workspace.recent.note(home.path, line, line + 1)
        num_wanted = settings.editor.alternatives if ask.kind == "invoked" else 1
        root = None if home.workspace is None else str(home.workspace.root)
        wish = Wish(
            ask.document.uri,
            home.path,
            place.prefix,
            place.suffix,
            home.repository,
            home.retriever,
            settings,
            num_wanted,
            root,
            is_automatic=ask.kind == "automatic",
        )
        scope = scope_of(wish, root, self._backend.inference.num_loaded)
        wait_s = self._wait_s(ask, settings)
        known = await self._known(scope, wish, home)
        if known is not None and known.entry.suggested.was_withheld and ask.kind == "invoked":
            known = None  # withheld because nobody had asked for it
        if known is not None and self._may_show(known, ask, settings):
            self._backend.results.use(known)
            self._succeed()
            return self._offered(known.suggestions, ask, place, home, course, "cached")
        if is_on_demand_only(ask, settings):
            course.outcome = "refused"
            return []
        if wait_s and self._work_of(scope, wish) not in self._backend.works:
            began = perf_counter()
            await self._sleep(wait_s)
            course.stage_ms["debounce"] = (perf_counter() - began) * 1e3
        course.suggested = await self._run(scope, wish, home, course)
        self._succeed()
        return self._offered(course.suggested.suggestions, ask, place, home, course, "answered")

    def _wait_s(self, ask: Ask, settings: Settings) -> float:
        """How long the model is not asked yet, because more is being typed. Called for each request, when it comes."""
        if ask.kind == "invoked":
            return 0.0
        adapted_s = self._paces[ask.stream[0]].wait_s(self._now_s())
        fixed_ms = settings.editor.debounce_ms
        return adapted_s if fixed_ms is None else fixed_ms / 1e3

    async def _known(self, scope: Scope, wish: Wish, home: Home) -> Known | None:
        """What is known for a wish and would be said again, as far as other files are concerned."""
        results = self._backend.results
        while (known := results.find(scope, wish.prefix, wish.suffix, wish.num_wanted)) is not None:
            entry = known.entry
            request = CompletionRequest(wish.path, known.prefix, known.suffix)
            verdict = await self._backend.contexts.compare(home, request, entry.suggested.seen, entry.version)
            if verdict is None:
                return None
            if verdict.is_same:
                entry.version = verdict.version
                return known
            results.drop_stale(entry)
        return None

    def _may_show(self, known: Known, ask: Ask, settings: Settings) -> bool:
        """On demand only, typing along shows the rest of what is on the screen, and nothing else comes by itself."""
        if not is_on_demand_only(ask, settings):
            return True
        last = self._offers.last
        return (
            bool(known.typed)
            and last is not None
            and last.document.opening == ask.document.opening
            and last.suggestion.number == known.suggestions[0].number
        )

    @staticmethod
    def _work_of(scope: Scope, wish: Wish) -> tuple[Scope, str, str, int, bool]:
        return (scope, wish.prefix, wish.suffix, wish.num_wanted, wish.is_automatic)

    async def _run(self, scope: Scope, wish: Wish, home: Home, course: _Course) -> Suggested:
        asked = perf_counter()
        asked_s = monotonic()

        def start(stopped: Stopped) -> Future[tuple[float, Version | None, Suggested, float]]:
            asked_version = self._backend.contexts.ask_version(home)

            def job(session: Completer) -> tuple[float, Version | None, Suggested, float]:
                queue_ms = (perf_counter() - asked) * 1e3
                version = asked_version()  # before retrieval: what changes later makes it stale
                retriever = self._backend.second_looks.over(wish.document, wish.retriever, version, scope)
                served = replace(wish, retriever=retriever)
                return queue_ms, version, suggest(session, served, stopped, self._backend.beside), monotonic()

            self._backend.results.num_missed += 1
            return self._backend.inference.submit(job)

        works, inference, results = self._backend.works, self._backend.inference, self._backend.results
        queue_ms, version, suggested, done_s = await works.run(self._work_of(scope, wish), start)
        if course.wire is not None:
            course.wire.asked_s, course.wire.done_s = asked_s, done_s
        if inference.num_loaded == scope.model:  # otherwise nobody knows which of two models it was
            is_makeshift = suggested.first.is_hasty
            results.keep(scope, wish.prefix, wish.suffix, wish.num_wanted, suggested, version, is_makeshift)
        if wish.settings.context.rounds > 1 and suggested.suggestions:
            asyncio.get_running_loop().call_later(_IDLE_S, self._look_again, scope, wish, home, suggested)
        stages = suggested.first.stage_ms
        course.stage_ms |= {
            "queue": queue_ms,
            "retrieve": stages["retrieve"],
            "prompt": stages["prompt"],
            "sync": stages["prefill"],
            "first_token": stages["first_token"],
            "decode": stages["decode"],
            "trim": suggested.trim_ms,
        }
        return suggested

    def _look_again(self, scope: Scope, wish: Wish, home: Home, suggested: Suggested) -> None:
        """Look at other files with the first suggestion in its place, unless somebody asks for something else."""
        if len(self._backend.works) or len(self._streams):
            return
        first = suggested.suggestions[0]
        request = CompletionRequest(wish.path, wish.prefix, wish.suffix)
        draft = Draft(request, first.text, first.num_replaced, suggested.seen.max_chars, scope)
        self._backend.second_looks.begin(wish.document, draft, wish.retriever, lambda: version_of(home))

    def _offered(
        self,
        suggestions: Sequence[Suggestion],
        ask: Ask,
        place: Place,
        home: Home,
        course: _Course,
        outcome: Outcome,
    ) -> list[Offer]:
        """Make offers of suggestions, for the text as it stands now; `outcome` is the request's if all goes well."""
        now = self._documents.get(ask.document.uri)
        typed: str | None = ""
        if now is None or now.opening != ask.document.opening:
            typed = None
        elif now.document is not ask.document.document:
            typed = typed_since(ask.document.document, ask.cursor_char, now.document) if ask.selected is None else None
        if now is None or typed is None:
            course.outcome = "outdated"
            return []
        offers: list[Offer] = []
        for suggestion in suggestions:
            rest = rest_of(suggestion.text, typed)
            if rest:
                offers.append(
                    Offer(
                        id=self._offers.new_id(),
                        document=now,
                        home=home,
                        start_char=place.start_char + len(typed),
                        end_char=place.end_char + len(typed) + suggestion.num_replaced,
                        text=place.repeated + rest,
                        num_repeated=len(place.repeated),
                        suggestion=suggestion,
                        kind=ask.kind,
                        stage_ms=course.stage_ms,
                    )
                )
        for offer in offers:
            self._offers.add(offer)
        if offers or (outcome == "cached" and not suggestions):
            course.outcome = outcome
        elif suggestions:
            course.outcome = "outdated"
        else:
            was_withheld = course.suggested is not None and course.suggested.was_withheld
            course.outcome = "withheld" if was_withheld else "empty"
        return offers


def why_not(ask: Ask, settings: Settings, state: ModelState) -> str | None:
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


def is_on_demand_only(ask: Ask, settings: Settings) -> bool:
    """Whether a request that nobody asked for comes where completions are made on demand only."""
    return settings.editor.mode == "manual" and ask.kind == "automatic"


@dataclass(slots=True)
class _Course:
    """How a request went so far."""

    wire: Wire | None = None
    began: float = field(default_factory=perf_counter)
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    outcome: Outcome = "failed"
    suggested: Suggested | None = None

    def record(self, kind: Kind) -> Record:
        self.stage_ms["total"] = (perf_counter() - self.began) * 1e3
        if self.suggested is None:
            return Record(self.outcome, kind, self.stage_ms, wire=self.wire)
        first = self.suggested.first
        return Record(
            self.outcome,
            kind,
            self.stage_ms,
            first.num_prompt_tokens,
            first.num_cached_tokens,
            first.num_new_tokens,
            self.wire,
            tuple(first.late_sources),
        )
