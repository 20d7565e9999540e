"""One editing session replayed against a model: with no idle time, at human speed with healing, and recomputed in full.

All three take turns at each keystroke, on caches of their own over one model.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.engine.engine import Engine
from codeassist.engine.prompt_cache import PromptCache
from codeassist.errors import Cancelled
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist_eval.engines.llama_peer import LlamaPeer
from codeassist_eval.typing.typing_figures import KeystrokeRecord, Sample, SessionRecord
from codeassist_eval.typing.typing_sessions import EditSession, FixedRetriever
from codeassist_eval.typing.typing_trace import Keystroke, apply

_HEAL_SLICE_MS = 200.0  # as the inference thread's; a slice that time runs out on is gone on with in the next pause
_FIRST_SLICE = 8


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """How a session is replayed. `pause_ms` is the time from one keystroke to the next at human speed."""

    num_samples: int = 12
    seed: int = 0
    pause_ms: float = 200.0
    max_new_tokens: int = 64


class Side:
    """A session and the one document that is open in it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.document = DocumentState("replayed")

    @property
    def cache(self) -> PromptCache:
        """The document's live cache."""
        return self.document.cache(self.session.engine)

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Complete a request in the document."""
        return self.session.complete(request, retriever, document=self.document)


class Replayer:
    """Replays sessions, one after the other. Leaves the session it was given with no document open."""

    def __init__(self, session: Session, peer: LlamaPeer | None, plan: ReplayPlan) -> None:
        self.plan = plan
        self.peer = peer
        self.no_idle = Side(session)
        self.human = Side(twin(session, exact=session.engine.exact))
        self.full = Side(twin(session, exact=True))
        self._healed_per_ms = _FIRST_SLICE / _HEAL_SLICE_MS
        self._halted_ms = 0.0

    def replay(self, edited: EditSession, keystroke_done: Callable[[], None]) -> SessionRecord:
        """Open the file, then measure every keystroke; a sample of them, drawn with the seed, on all sides."""
        trace = edited.trace
        retriever = FixedRetriever(edited.snippets)
        chooser = random.Random(f"{self.plan.seed} {trace.name}")
        num_keystrokes = len(trace.keystrokes)
        sampled = set(chooser.sample(range(num_keystrokes), min(self.plan.num_samples, num_keystrokes)))
        text = trace.initial
        request = self._request(trace.path, text, trace.cursor)
        for session in (self.no_idle, self.human):
            session.complete(request, retriever)
        records: list[KeystrokeRecord] = []
        for number, keystroke in enumerate(trace.keystrokes):
            text = apply(text, keystroke.edits)
            request = self._request(trace.path, text, keystroke.cursor)
            records.append(self._keystroke(request, retriever, keystroke, is_sampled=number in sampled))
            keystroke_done()
        for session in (self.no_idle, self.human, self.full):
            session.document.close()
        return SessionRecord(trace.name, tuple(records))

    def _keystroke(
        self, request: CompletionRequest, retriever: FixedRetriever, keystroke: Keystroke, *, is_sampled: bool
    ) -> KeystrokeRecord:
        before = self._prompt_tokens()
        asked = request if is_sampled else replace(request, max_new_tokens=1)  # the answer's end is not looked at
        live = self.no_idle.complete(asked, retriever)
        started = time.perf_counter()
        human = self.human.complete(request, retriever)
        human_exact = self.human.cache.num_exact
        idle_ms = max(0.0, self.plan.pause_ms - (time.perf_counter() - started) * 1e3)
        self._heal(idle_ms)
        record = KeystrokeRecord(
            kind=keystroke.kind,
            prompt_tokens=live.trace.num_prompt_tokens,
            encoded_tokens=live.trace.num_prompt_tokens - live.trace.num_cached_tokens,
            ms=first_token_ms(live),
            exact_slots=self.no_idle.cache.num_exact,
            human_exact_slots=human_exact,
            idle_ms=idle_ms,
        )
        if not is_sampled:
            return record
        self.full.document.close()
        full = self.full.complete(request, retriever)
        llama = None
        if self.peer is not None:
            self.peer.sync(before)  # what it would hold, had it seen every keystroke
            llama = self.peer.sync(self._prompt_tokens())
        sample = Sample(
            full_ms=first_token_ms(full),
            llama_ms=None if llama is None else llama.ms,
            llama_encoded=None if llama is None else llama.num_encoded,
            no_idle_text=live.text,
            human_text=human.text,
            full_text=full.text,
            rest=keystroke.rest,
        )
        return replace(record, sample=sample)

    def _heal(self, budget_ms: float) -> None:
        """Heal in slices until the time is up or nothing is left to do."""
        engine, cache = self.human.session.engine, self.human.cache
        deadline = time.perf_counter() + budget_ms / 1e3
        stale = cache.num_stale
        while stale and time.perf_counter() < deadline:
            started = time.perf_counter()
            try:
                now_stale = engine.heal(
                    cache, max(1, int(_HEAL_SLICE_MS * self._healed_per_ms)), lambda: time.perf_counter() >= deadline
                )
            except Cancelled:
                self._halted_ms += (time.perf_counter() - started) * 1e3
                return
            healed = stale - now_stale
            if not healed:
                return
            pace = healed / max((time.perf_counter() - started) * 1e3 + self._halted_ms, 1e-3)
            self._halted_ms = 0.0
            self._healed_per_ms += 0.3 * (pace - self._healed_per_ms)
            stale = now_stale

    def _prompt_tokens(self) -> list[int]:
        """The document's last prompt: after an answer its cache holds just that."""
        return [token for token in self.no_idle.cache.tokens if token is not None]

    def _request(self, path: str, text: str, cursor: int) -> CompletionRequest:
        return CompletionRequest(path, text[:cursor], text[cursor:], self.plan.max_new_tokens, max_lines=1)


def first_token_ms(completion: Completion) -> float:
    """From the keystroke to the first token: the prompt laid out, the cache brought up to date, one token chosen."""
    return sum(completion.trace.stage_ms[stage] for stage in ("prompt", "prefill", "first_token"))


def twin(session: Session, *, exact: bool) -> Session:
    """A session over the same model with caches of its own."""
    engine = session.engine
    return replace(
        session,
        engine=Engine(
            engine.model,
            max_tokens=engine.max_tokens,
            memory_bytes=engine.memory_bytes,
            exact=exact,
            speculate=engine.speculate,
            snippet_bytes=engine.snippet_states.max_bytes,
            barriers=engine.barriers,
        ),
    )
