"""READ FIRST. The stages that every completion goes through, whoever writes the answer.

    Job ─► Prompter.prepare     snippets are found and laid out:  Prepared
        ─► Generator.generate   an engine of this process, a server or a batch goes on:  Generated
        ─► complete             the answer is cut to what was asked for:  Completion, with its Trace

Generators: `Session`, `RemoteGenerator` (`codeassist.remote.session`), the evaluation's `BatchedSession`; the stages
before and after are these, whoever it is. The language server's own (fit to the text around, gate, suggestion) come
after them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Literal, Protocol

from codeassist.completion.beginnings import first_word, sure_beginning
from codeassist.completion.document_state import DocumentState
from codeassist.completion.stops import BlockStop, Confidence, LineStop
from codeassist.errors import CodeAssistError
from codeassist.prompts import prompt as prompts
from codeassist.prompts.templates import Template
from codeassist.request import (
    AnswerToken,
    Completion,
    CompletionRequest,
    FinishReason,
    Retriever,
    Snippet,
    Trace,
)
from codeassist.tokenization.file_tokens import FileTokens, SnippetTokens
from codeassist.tokenization.half_word import HalfWord, half_word
from codeassist.tokenization.tokens import Tokenizer

if TYPE_CHECKING:
    from codeassist.engine.prompt_cache import Layout
    from codeassist.tokenization.byte_trie import ByteTrie


def never() -> bool:
    """The stop flag of a request that nobody cancels."""
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request, where its context comes from, what is kept of its document, and whether its answer is still wanted."""

    request: CompletionRequest
    retriever: Retriever
    document: DocumentState
    cancelled: Callable[[], bool] = never


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request and the prompt that stands for it. `snippets` are all that were found, in the order of the prompt;
    `texts` tokenises the request's text once more. `trace` says what was found and what that took. `word` stands
    before the cursor and is left out of the prompt: the answer has to begin with it."""

    request: CompletionRequest
    prompt: prompts.Prompt
    snippets: tuple[Snippet, ...]
    texts: FileTokens
    trace: Trace
    word: HalfWord | None = None

    @property
    def layout(self) -> Layout:
        """The prompt as an engine takes it."""
        from codeassist.engine.prompt_cache import Layout

        return Layout(self.prompt.tokens, self.prompt.around_cursor, self.prompt.snippet_ranges)

    def hasty(self, prompt: prompts.Prompt, started_s: float) -> Prepared:
        """Return it with a smaller prompt, laid out since `started_s` of `perf_counter`: the rest is read later."""
        trace = self.trace
        prompt_ms = trace.stage_ms["prompt"] + (perf_counter() - started_s) * 1e3
        notice = f"only {len(prompt.tokens)} tokens were looked at: the rest is still being read"
        trace = replace(
            trace,
            stage_ms={**trace.stage_ms, "prompt": prompt_ms},
            num_prompt_tokens=len(prompt.tokens),
            notices=(*trace.notices, notice),
            is_hasty=True,
        )
        return replace(self, prompt=prompt, trace=trace)


@dataclass(frozen=True, slots=True)
class Prompter:
    """Finds context for requests and lays out prompts for one model.

    `trie` is the tokenizer's. Without one, a half-typed word stays in the prompt: who generates cannot be held to it.
    """

    tokenizer: Tokenizer
    template: Template
    budget: prompts.Budget
    trie: ByteTrie | None = None
    refresh_tokens: int = 8
    snippet_tokens: SnippetTokens = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "snippet_tokens", SnippetTokens(self.tokenizer))

    def prepare(self, request: CompletionRequest, retriever: Retriever, document: DocumentState) -> Prepared:
        """Find snippets and lay out the prompt. Raises what the retriever raises."""
        started = perf_counter()
        policy, max_chars = document.policy, self.budget.snippet_chars
        if policy is None:
            retrieval = retriever.retrieve(request, max_chars)
        else:
            retrieval = policy.retrieve(request, max_chars, retriever)
        snippets = tuple(retrieval.snippets)
        retrieved = perf_counter()
        is_in_word = request.prefix[-1:].isalnum() or request.prefix.endswith("_")
        word = half_word(request.prefix, self.tokenizer, self.trie) if is_in_word and self.trie is not None else None
        before, typed = _before(request.prefix, word)
        texts = document.tokens(self.snippet_tokens).at(before, request.suffix, typed)
        prompt = self._build(request, word, snippets, texts, self.budget)
        stage_ms = {
            **{f"retrieve_{name}": ms for name, ms in retrieval.stage_ms.items()},
            "retrieve": (retrieved - started) * 1e3,
            "prompt": (perf_counter() - retrieved) * 1e3,
        }
        trace = Trace(stage_ms, len(prompt.tokens), late_sources=tuple(retrieval.late_sources))
        return Prepared(request, prompt, snippets, texts, trace, word)

    def cut(self, prepared: Prepared, total: int) -> Prepared:
        """Return the same with a prompt of at most `total` tokens, fewer of them snippets."""
        started = perf_counter()
        budget = prompts.Budget(total, self.budget.snippet_share / 2, self.budget.suffix_share)
        prompt = self._build(prepared.request, prepared.word, prepared.snippets, prepared.texts, budget)
        return prepared.hasty(prompt, started)

    def _build(
        self,
        request: CompletionRequest,
        word: HalfWord | None,
        snippets: tuple[Snippet, ...],
        texts: FileTokens,
        budget: prompts.Budget,
    ) -> prompts.Prompt:
        return prompts.build(
            replace(request, prefix=_before(request.prefix, word)[0]),
            snippets,
            self.template,
            self.tokenizer,
            budget,
            repository=request.repository,
            refresh_tokens=self.refresh_tokens,
            file_tokens=texts,
        )


def _before(prefix: str, word: HalfWord | None) -> tuple[str, str]:
    """What stands before the word that is being typed, and the word."""
    typed = "" if word is None else word.text
    return prefix[: len(prefix) - len(typed)], typed


class AnswerReader:
    """Reads an answer while it is written, and says when it holds what the request asks for.

    What the answer's first token writes of `word` is none of it: the answer begins at the cursor.
    """

    def __init__(self, request: CompletionRequest, word: HalfWord | None = None) -> None:
        self._word = word
        is_block = request.extent == "block"
        self.stop = BlockStop(request.prefix, request.max_lines) if is_block else LineStop(request.max_lines)
        self.confidence = Confidence(request.min_confidence)
        self.tokens: list[AnswerToken] = []

    def read(self, data: bytes, logprob: float) -> bool:
        """Take the next token's bytes and log-probability; return whether more is wanted."""
        if self._word is not None:
            data, self._word = data[len(self._word.left) :], None
        num_read = len(self.stop.text)
        goes_on = self.stop.feed(data)
        self.tokens.append(AnswerToken(self.stop.text[num_read:], math.exp(logprob)))
        return self.confidence.feed(logprob) and goes_on


@dataclass(frozen=True, slots=True)
class Generated:
    """What a generator wrote: to which prompt, the answer as it was read, why it ended, the trace with its own part.

    `ms` is what it took after the prompt stood. `raw_text`: the answer as it came, where the reader was not shown all.
    """

    prepared: Prepared
    answer: AnswerReader
    end: Literal["stop_token", "max_tokens", "cancelled"]
    trace: Trace
    ms: float
    raw_text: str | None = None


class Generator(Protocol):
    """Writes answers to prompts."""

    @property
    def model_name(self) -> str:
        """Return what answers, for people."""
        ...

    @property
    def num_at_once(self) -> int:
        """Return how many jobs are worked on at the same time."""
        ...

    def generate(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
        """Answer jobs, and yield each with what became of it as soon as that is known, in any order.

        A job is prepared when it is taken; as many are taken in advance as are worked on at once. An error is one
        job's own; Cancelled is that of a job whose `cancelled()` before there was anything to show. Who stops iterating
        ends what is under way.
        """
        ...


def completions(generator: Generator, jobs: Iterable[Job]) -> Iterator[tuple[Job, Completion | CodeAssistError]]:
    """Put jobs through the pipeline; yield what becomes of each as `Generator.generate` does."""
    for job, generated in generator.generate(jobs):
        yield job, generated if isinstance(generated, CodeAssistError) else complete(generated, generator.model_name)


def completion_of(generator: Generator, job: Job) -> Completion:
    """Put one job through the pipeline. Raises what became of it instead."""
    ((_, outcome),) = completions(generator, (job,))
    if isinstance(outcome, CodeAssistError):
        raise outcome
    return outcome


def complete(generated: Generated, model_name: str) -> Completion:
    """Cut an answer to what was asked for; an unlikely one becomes empty."""
    stop, confidence = generated.answer.stop, generated.answer.confidence
    is_enough = confidence.is_enough
    trace = generated.trace
    text = stop.cut()
    return Completion(
        text=text if is_enough else "",
        raw_text=stop.text if generated.raw_text is None else generated.raw_text,
        finish_reason=_finish_reason(generated) if is_enough else "unlikely",
        model=model_name,
        snippets=generated.prepared.prompt.snippets,
        confidence=confidence.value,
        sure=_sure(generated, text),
        trace=replace(
            trace,
            stage_ms={**trace.stage_ms, "total": _total_ms(generated)},
            tokens=tuple(generated.answer.tokens),
        ),
    )


def _sure(generated: Generated, text: str) -> str:
    """What of an answer is sure; at least its first word, where the answer is likely enough to be shown."""
    answer = generated.answer
    is_enough = answer.confidence.is_enough
    if not answer.tokens:
        return text if is_enough else ""
    overruled = [act for act in generated.trace.monitor_acts if act.outcome == "overruled" and is_enough]
    known = [range(act.char, act.char + len(act.name)) for act in overruled]
    sure = sure_beginning(text, answer.tokens, generated.prepared.request.min_confidence, known=known)
    return sure or (first_word(text) if is_enough else "")


def _total_ms(generated: Generated) -> float:
    before = generated.prepared.trace.stage_ms
    return before["retrieve"] + before["prompt"] + generated.ms


def _finish_reason(generated: Generated) -> FinishReason:
    stop = generated.answer.stop
    if stop.reached:
        return stop.reason
    return "eos" if generated.end == "stop_token" else generated.end
