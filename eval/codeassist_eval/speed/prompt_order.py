"""Which order of a prompt's parts a model completes best with, and what typing costs in each.

Quality is measured on prompts read afresh, so that only the order differs; cost on typed lines, on the live cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.errors import ModelError
from codeassist.progress import Progress
from codeassist.prompts.templates import Order
from codeassist.request import CompletionRequest, NoRetriever
from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, score
from codeassist_eval.metrics.score import Score, aggregate
from codeassist_eval.percentiles import percentiles
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_replay import first_token_ms
from codeassist_eval.typing.typing_sessions import EditSession, FixedRetriever
from codeassist_eval.typing.typing_trace import apply

_MAX_NEW_TOKENS = 50


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """One order. `em`, `es`: percent, over `n` tasks. Of typed keys the tokens encoded, the time to a first token."""

    order: str
    n: int
    em: float
    es: float
    num_keystrokes: int
    encoded_tokens: Mapping[str, float] | None
    ms: Mapping[str, float] | None


def measure_orders(
    session: Session,
    orders: Mapping[str, Order],
    tasks: Sequence[Task],
    edited: Sequence[EditSession],
    progress: Progress,
) -> list[OrderFigures]:
    """Complete each task and type each session in every order. Raises ModelError for a model without the markers."""
    fim = session.prompter.template.fim
    if fim is None or fim.middle is None:
        raise ModelError(f"{session.model_name} has no three markers for fill-in-the-middle: it has one order only")
    own = session.prompter
    found: list[OrderFigures] = []
    num_done, num_all = 0, len(orders) * (len(tasks) + len(edited))

    def done(name: str) -> None:
        nonlocal num_done
        num_done += 1
        progress(name, num_done, num_all)

    for name, order in orders.items():
        ordered = replace(session, prompter=replace(own, template=replace(own.template, fim=replace(fim, order=order))))
        scores: list[Score] = []
        for task in tasks:
            scores.append(_completed(ordered, task))
            done(name)
        encoded: list[float] = []
        ms: list[float] = []
        for each in edited:
            for tokens, took_ms in _typed(ordered, each):
                encoded.append(tokens)
                ms.append(took_ms)
            done(name)
        totals = aggregate(scores, BENCHMARK.aggregates)
        found.append(
            OrderFigures(
                name,
                len(scores),
                totals["em"],
                totals["es"],
                len(ms),
                percentiles(encoded, digits=2),
                percentiles(ms, digits=2),
            )
        )
    return found


def _completed(session: Session, task: Task) -> Score:
    """Complete one task on a cache of its own."""
    request = CompletionRequest(task.path, task.prefix, task.suffix, _MAX_NEW_TOKENS, max_lines=None)
    completion = session.complete(request, NoRetriever())
    return score(task, completion.text)


def _typed(session: Session, edited: EditSession) -> list[tuple[int, float]]:
    """Replay a session; return of each typed key how many tokens were encoded, and the time to the first token."""
    trace, retriever = edited.trace, FixedRetriever(edited.snippets)
    costs: list[tuple[int, float]] = []
    text = trace.initial
    document = DocumentState(trace.name)

    def ask(cursor: int) -> tuple[int, float]:
        request = CompletionRequest(trace.path, text[:cursor], text[cursor:], max_new_tokens=1)
        completion = session.complete(request, retriever, document=document)
        counts = completion.trace
        return counts.num_prompt_tokens - counts.num_cached_tokens, first_token_ms(completion)

    try:
        ask(trace.cursor)
        for keystroke in trace.keystrokes:
            text = apply(text, keystroke.edits)
            cost = ask(keystroke.cursor)
            if keystroke.kind == "type":
                costs.append(cost)
    finally:
        document.close()
    return costs
