"""How fast the engine is beside llama.cpp: prefill, plain decoding, decoding with speculation while a line is typed.

Both sides take turns at every piece of work, so that a machine whose speed changes changes it for both.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.engine.decoding.decode import DecodeParams, decode
from codeassist.engine.prompt_cache import PromptCache
from codeassist.request import CompletionRequest, NoRetriever
from codeassist.tokenization.tokens import Tokenizer
from codeassist_eval.engines.llama_peer import LlamaPeer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.decoding.alternatives import AlternativeFigures, measure_alternatives
from codeassist_eval.speed.decoding.rewrite import RewriteFigures, measure_rewrites
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_trace import apply, typed_line

_SETTLE_S = 0.05  # for the other side's threads to stop spinning

T = TypeVar("T")
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """How much is measured. A repeat is one prefill and one plain decoding; a line is typed over `num_places` cursors.

    `max_lines` None lets an answer go on until the model ends it, `max_new_tokens` at most.
    """

    prompt_tokens: int = 2048
    repeats: int = 5
    decode_tokens: int = 32
    num_lines: int = 8
    num_places: int = 6
    num_regions: int = 6
    max_lines: int | None = 1
    max_new_tokens: int = 48


@dataclass(frozen=True, slots=True)
class Sides:
    """One figure of both sides: the median of the repeats, or the total over the trace; None without llama.cpp."""

    ours: float
    llama_cpp: float | None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return None if self.llama_cpp is None else self.ours / self.llama_cpp


@dataclass(frozen=True, slots=True)
class DraftCount:
    """Tokens of one kind of draft, and how many of them were what the model chose."""

    num_drafted: int
    num_accepted: int


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What was measured: `prefill` in tokens a second, the others in milliseconds a token; and what it is made of."""

    prefill: Sides
    decode: Sides
    speculative: Sides
    prefill_ms: tuple[list[float], list[float]]  # ours, theirs
    decode_ms: tuple[list[float], list[float]]
    num_decoded: int  # on the typing trace
    num_answers: int
    rewrite: RewriteFigures
    alternatives: AlternativeFigures
    drafts: dict[str, DraftCount]  # on the typing trace, by the kind of draft


def run_engine_bench(
    session: Session, tasks: Sequence[Task], peer: LlamaPeer | None, plan: EnginePlan, report: Report
) -> EngineFigures:
    """Measure a session whose budget is the plan's, and beside it a peer that has loaded the same file."""
    ours_prefill: list[float] = []
    ours_decode: list[float] = []
    theirs_prefill: list[float] = []
    theirs_decode: list[float] = []
    prompts = code_prompts(tasks, session.tokenizer, plan.prompt_tokens, plan.repeats)
    _warm_up(session, peer, prompts[0][:64])
    for number, prompt in enumerate(prompts, 1):
        prefill_ms, decode_ms = _our_turn(session, prompt, plan.decode_tokens)
        ours_prefill.append(prefill_ms)
        ours_decode.append(decode_ms)
        if peer is not None:
            _settle()
            theirs_prefill.append(peer.prefill(prompt).ms)
            theirs_decode.append(peer.decode(plan.decode_tokens).ms / plan.decode_tokens)
            _settle()
        report("prefill and decode", number, plan.repeats)
    trace = _typing(session, tasks, peer, plan, report)
    alternatives = measure_alternatives(session, _spread(tasks, plan.num_lines), plan.num_lines, report)
    rewrite = measure_rewrites(session, tasks, peer, plan.num_regions, _SETTLE_S, report)
    return EngineFigures(
        prefill=Sides(
            _rate(plan.prompt_tokens, ours_prefill),
            None if peer is None else _rate(plan.prompt_tokens, theirs_prefill),
        ),
        decode=Sides(statistics.median(ours_decode), None if peer is None else statistics.median(theirs_decode)),
        speculative=Sides(trace.our_ms / trace.num_steps, None if peer is None else trace.their_ms / trace.num_steps),
        prefill_ms=(ours_prefill, theirs_prefill),
        decode_ms=(ours_decode, theirs_decode),
        num_decoded=trace.num_steps,
        num_answers=trace.num_answers,
        rewrite=rewrite,
        alternatives=alternatives,
        drafts=trace.drafts,
    )


def code_prompts(tasks: Sequence[Task], tokenizer: Tokenizer, num_tokens: int, num_prompts: int) -> list[list[int]]:
    """Return prompts of exactly `num_tokens` tokens of the tasks' files, each from another place, as far as they go."""
    files = {(task.repository, task.path): task.prefix + task.groundtruth + task.suffix for task in tasks}
    tokens: list[int] = []
    wanted = num_tokens * num_prompts
    for text in files.values():
        tokens += tokenizer.encode(text)
        if len(tokens) >= wanted:
            break
    if len(tokens) < num_tokens:
        raise EvaluationError(f"the task file holds {len(tokens)} tokens of code, {num_tokens} are to be measured")
    starts = range(0, len(tokens) - num_tokens + 1, num_tokens)
    return [tokens[start : start + num_tokens] for start in itertools.islice(itertools.cycle(starts), num_prompts)]


def _our_turn(session: Session, prompt: Sequence[int], num_tokens: int) -> tuple[float, float]:
    """Return the milliseconds from an empty cache to the first token, and those of each of `num_tokens` after it."""
    opened = session.engine.open()
    cache = session.engine.use(opened)
    params = DecodeParams(num_tokens + 1, frozenset())
    started = time.perf_counter()
    hidden, _ = cache.sync(prompt, exact=True)
    synced_ms = (time.perf_counter() - started) * 1e3
    started = time.perf_counter()
    answer = decode(cache, hidden, params, accept=lambda *_: True)
    total_ms = (time.perf_counter() - started) * 1e3
    session.engine.forget(opened)
    return synced_ms + answer.first_token_ms, (total_ms - answer.first_token_ms) / num_tokens


@dataclass(slots=True)
class _Trace:
    num_steps: int = 0  # tokens after the first of each answer, those that end it counted
    our_ms: float = 0.0
    their_ms: float = 0.0
    num_answers: int = 0
    drafts: dict[str, DraftCount] = field(default_factory=dict[str, "DraftCount"])


def _typing(
    session: Session, tasks: Sequence[Task], peer: LlamaPeer | None, plan: EnginePlan, report: Report
) -> _Trace:
    """Ask at several cursors while a line is typed; both sides decode as many tokens as our answer has."""
    sums = _Trace()
    chosen = _spread(list({(task.repository, task.path): task for task in tasks}.values()), plan.num_lines)
    for number, task in enumerate(chosen, 1):
        document = DocumentState(task.path)
        for request in typing_requests(task, plan):
            completion = session.complete(request, NoRetriever(), document=document)
            num_steps = completion.trace.num_new_tokens - 1 + (completion.finish_reason == "eos")
            if num_steps < 1:
                continue
            sums.num_answers += 1
            sums.num_steps += num_steps
            sums.our_ms += completion.trace.stage_ms["decode"] - completion.trace.stage_ms["first_token"]
            if peer is not None:
                _settle()
                peer.sync([token for token in document.cache(session.engine).tokens if token is not None])
                sums.their_ms += peer.decode(num_steps).ms
                _settle()
        _count_drafts(document.cache(session.engine), sums.drafts)
        document.close()
        report("typing", number, len(chosen))
    if not sums.num_steps:
        raise EvaluationError("no answer on the typing trace has a second token: nothing to measure")
    return sums


def _count_drafts(cache: PromptCache, counts: dict[str, DraftCount]) -> None:
    if cache.speculator is None:
        return
    for kind, drafted, accepted in cache.speculator.counts():
        before = counts.get(kind, DraftCount(0, 0))
        counts[kind] = DraftCount(before.num_drafted + drafted, before.num_accepted + accepted)


def typing_requests(task: Task, plan: EnginePlan) -> list[CompletionRequest]:
    """The requests of an editor at `num_places` cursors, spread over the typing of the task's line."""
    trace = typed_line(task)
    texts = [(trace.initial, trace.cursor)]
    for keystroke in trace.keystrokes[:-1]:
        texts.append((apply(texts[-1][0], keystroke.edits), keystroke.cursor))
    return [
        CompletionRequest(trace.path, text[:cursor], text[cursor:], plan.max_new_tokens, plan.max_lines)
        for text, cursor in _spread(texts, plan.num_places)
    ]


def _spread(items: Sequence[T], num_wanted: int) -> list[T]:
    """Return `num_wanted` of the items at even distances, all where there are no more."""
    if len(items) <= num_wanted:
        return list(items)
    return [items[index * len(items) // num_wanted] for index in range(num_wanted)]


def _warm_up(session: Session, peer: LlamaPeer | None, prompt: Sequence[int]) -> None:
    _our_turn(session, prompt, 4)
    if peer is not None:
        peer.prefill(prompt)
        peer.decode(4)


def _rate(num_tokens: int, milliseconds: Sequence[float]) -> float:
    return num_tokens / statistics.median(milliseconds) * 1e3


def _settle() -> None:
    time.sleep(_SETTLE_S)
