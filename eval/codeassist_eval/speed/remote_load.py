"""Typists at one completions server: recorded sessions typed at human speed, many at once, each key a request.

A typist's new request ends the one before it, as in an editor; what was not wanted any more is counted as cancelled,
and really closed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist.completion.pipeline import Job, complete
from codeassist.errors import CodeAssistError
from codeassist.remote.metrics import read_metrics
from codeassist.remote.retry import RetryPolicy
from codeassist.remote.session import RemoteSession
from codeassist.request import CompletionRequest
from codeassist_eval.typing.typing_sessions import EditSession, FixedRetriever
from codeassist_eval.typing.typing_trace import Keystroke, apply
from codeassist_eval.typing.typist import Typist

_ONCE = RetryPolicy(max_attempts=1)  # an error is an error here


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How many type at once and how, for how long at most, and what each key asks for."""

    num_typists: int
    typist: Typist
    seconds: float
    max_new_tokens: int
    timeout_s: float
    debounce_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `first_ms` is from the key to the first text, None where none came; `began_s` since the start.

    `outcome` is "answered", "empty" (nothing to show), "cancelled" or "failed"; `problem` says why it failed.
    """

    began_s: float
    outcome: str
    first_ms: float | None
    total_ms: float
    num_prompt_tokens: int = 0
    num_cached_tokens: int | None = None
    num_new_tokens: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a test. `cached_share` is the server's own count over all of it, None where it has none."""

    requests: tuple[Request, ...]
    num_keys: int
    seconds: float
    cached_share: float | None


async def put_under_load(session: RemoteSession, sessions: Sequence[EditSession], plan: LoadPlan) -> Load:
    """Let typists type for `plan.seconds`, or until their sessions end; they begin at different moments."""
    client = session.client
    before = read_metrics(await client.metrics() or "")
    typists = [_TypistAtWork(session, sessions[n % len(sessions)], plan, n) for n in range(plan.num_typists)]
    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for typist in typists:
            group.start_soon(typist.type, began)
    seconds = time.perf_counter() - began
    share = read_metrics(await client.metrics() or "").cached_share_since(before)
    requests = sorted((each for typist in typists for each in typist.done), key=lambda each: each.began_s)
    return Load(tuple(requests), sum(typist.num_keys for typist in typists), seconds, share)


class _TypistAtWork:
    """One of them, with a document of their own."""

    def __init__(self, session: RemoteSession, work: EditSession, plan: LoadPlan, number: int) -> None:
        self.done: list[Request] = []
        self.num_keys = 0
        self._session = session
        self._trace = work.trace
        self._retriever = FixedRetriever(work.snippets)
        self._plan = plan
        self._number = number
        self._document = DocumentState(work.trace.name, policy=SnippetPolicy())

    async def type(self, began: float) -> None:
        """Press the keys, each as soon as it is due."""
        plan = self._plan
        text = self._trace.initial
        due = began + plan.typist.interval_s * self._number / plan.num_typists
        scope: anyio.CancelScope | None = None
        async with anyio.create_task_group() as group:
            for keystroke in self._trace.keystrokes:
                await anyio.sleep(max(0.0, due - time.perf_counter()))
                pressed = time.perf_counter()
                if pressed - began > plan.seconds:
                    break
                if keystroke.edits:
                    text = apply(text, keystroke.edits)
                    self.num_keys += 1
                    if scope is not None:
                        scope.cancel()
                    scope = anyio.CancelScope()
                    group.start_soon(self._ask, scope, self._request(text, keystroke), pressed, began)
                due = pressed + plan.typist.wait_s(keystroke)

    def _request(self, text: str, keystroke: Keystroke) -> CompletionRequest:
        cursor, plan = keystroke.cursor, self._plan
        return CompletionRequest(
            self._trace.path, text[:cursor], text[cursor:], max_new_tokens=plan.max_new_tokens, max_lines=1
        )

    async def _ask(self, scope: anyio.CancelScope, request: CompletionRequest, pressed: float, began: float) -> None:
        outcome, problem = "cancelled", None
        first_ms = None
        num_prompt, num_cached, num_new = 0, None, 0
        with scope:
            try:
                await anyio.sleep(self._plan.debounce_s)
                sending = self._session.prepare(Job(request, self._retriever, self._document))
                asked_ms = (time.perf_counter() - pressed) * 1e3
                with anyio.fail_after(self._plan.timeout_s):
                    generated = await self._session.stream(sending, self._plan.timeout_s, _ONCE)
                completion = complete(generated, self._session.capabilities.model)
            except TimeoutError:
                outcome, problem = "failed", f"no completion within {self._plan.timeout_s:g} s"
            except CodeAssistError as error:
                outcome, problem = "failed", str(error)
            else:
                outcome = "answered" if completion.text.strip() else "empty"
                first_ms = asked_ms + completion.trace.stage_ms["first_token"] if completion.raw_text else None
                num_prompt, num_new = completion.trace.num_prompt_tokens, completion.trace.num_new_tokens
                num_cached = None if completion.trace.sent is None else completion.trace.sent.num_cached_tokens
        if outcome == "cancelled" and time.perf_counter() - pressed < self._plan.debounce_s:
            return  # typed on before anything was asked
        total_ms = (time.perf_counter() - pressed) * 1e3
        self.done.append(
            Request(pressed - began, outcome, first_ms, total_ms, num_prompt, num_cached, num_new, problem)
        )
