"""Completions by a server's model: the local session's flow with a server in the engine's place.

Knows no editor and no benchmark. `prepare` and `finish` do what stands before and after the request, so that a caller
can have many requests under way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from codeassist.completion.confidence import Confidence
from codeassist.completion.snippet_order import SnippetOrder
from codeassist.completion.stops import BlockStop, LineStop
from codeassist.prompts import prompt as prompts
from codeassist.prompts.templates import Template
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import Capabilities
from codeassist.remote.names import NameGuard
from codeassist.remote.openai_api import Answer, CompletionPayload, Piece
from codeassist.remote.prompt_text import PromptWriter
from codeassist.remote.retry import RetryPolicy
from codeassist.request import Completion, CompletionRequest, FinishReason, Retriever, Sent, UsedSnippet
from codeassist.tokenization.file_tokens import KnownTokens
from codeassist.tokenization.tokens import Tokenizer

_OTHER_TEMPERATURE = 0.8  # what an alternative is drawn with: servers do not say what their second choice was


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, and what its completion will say about how it came to be."""

    request: CompletionRequest
    ask: CompletionPayload
    num_tokens: int
    snippets: tuple[UsedSnippet, ...]
    stage_ms: dict[str, float]
    num_chars: int
    num_file_chars: int
    late_sources: tuple[str, ...] = ()


@dataclass(slots=True)
class AnswerCounts:
    """What the answers so far had in common. `num_with_cached`: those whose server told how much it had cached."""

    num_answers: int = 0
    num_retries: int = 0
    num_with_cached: int = 0


@dataclass(slots=True)
class Sending:
    """How often a prompt has left this machine so far, and what the server said of it."""

    prepared: Prepared
    url: str
    num_times: int = 0
    num_cached_tokens: int | None = None

    def count(self) -> None:
        """Note that it is being sent once more."""
        self.num_times += 1

    @property
    def sent(self) -> Sent | None:
        """What left, None where no connection came about."""
        prepared = self.prepared
        if not self.num_times:
            return None
        return Sent(
            url=self.url,
            num_chars=prepared.num_chars,
            num_tokens=prepared.num_tokens,
            num_snippets=len(prepared.snippets),
            num_snippet_chars=sum(len(used.snippet.text) for used in prepared.snippets),
            num_file_chars=prepared.num_file_chars,
            num_times=self.num_times,
            num_cached_tokens=self.num_cached_tokens,
        )


class RemoteSession:
    """Completes requests with one model of one server. Safe for as many requests at once as the client allows.

    The prompt is the very one that the local engine would see: repository, snippets, then the file, so that the
    server's prefix cache finds the stable parts again; with `sticky`, snippets stay where they stood in a document's
    last prompt. It is sent as token ids where the server takes them; else as text in which nothing that came from a
    repository reads as a marker.
    """

    def __init__(
        self,
        client: CompletionsClient,
        capabilities: Capabilities,
        tokenizer: Tokenizer,
        template: Template,
        budget: prompts.Budget,
        repository: str = "workspace",
        sticky: SnippetOrder | None = None,
        known_tokens: KnownTokens | None = None,
    ) -> None:
        self.client = client
        self.capabilities = capabilities
        self.tokenizer = tokenizer
        self.template = template
        self.budget = budget
        self.repository = repository
        self.answer_counts = AnswerCounts()
        self._sticky = sticky
        self._known_tokens = known_tokens
        self._writer = PromptWriter(tokenizer)
        self._stops = tuple(text for text in template.stops if text in tokenizer.special)
        self._stop_ids = tuple(sorted({*(tokenizer.special[text] for text in self._stops), *tokenizer.eos_ids}))

    async def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Complete one request. Cancelling closes the connection. Raises RemoteError."""
        prepared = self.prepare(request, retriever)
        return self.finish(prepared, await self.send(prepared))

    def prepare(self, request: CompletionRequest, retriever: Retriever, document: str | None = None) -> Prepared:
        """Find snippets and lay out the prompt. `document` names what the request is one of many of."""
        started = perf_counter()
        retrieval = retriever.retrieve(request, self.budget.snippet_chars)
        snippets = retrieval.snippets
        texts = None
        if document is not None and self._sticky is not None:
            snippets = self._sticky.arrange(document, snippets)
        if document is not None and self._known_tokens is not None:
            texts = self._known_tokens.of(document, request.prefix, request.suffix)
        retrieved = perf_counter()
        prompt = prompts.build(
            request,
            snippets,
            self.template,
            self.tokenizer,
            self.budget,
            repository=self.repository,
            file_tokens=texts,
        )
        tokens = prompt.tokens
        file_tokens = [*tokens[prompt.prefix.start : prompt.prefix.stop]]
        file_tokens += tokens[prompt.suffix.start : prompt.suffix.stop]
        num_tokens, num_chars = len(tokens), self._num_chars(tokens)
        if self.capabilities.adds_bos and tokens[:1] == (self.tokenizer.bos_id,):
            tokens = tokens[1:]
        is_other = request.alternative > 0
        ask = CompletionPayload(
            prompt=tokens if self.capabilities.takes_ids else self._writer.write(tokens),
            max_tokens=request.max_new_tokens,
            stop_ids=self._stop_ids,
            stop_texts=self._stops,
            temperature=max(request.temperature, _OTHER_TEMPERATURE) if is_other else request.temperature,
            seed=request.seed + request.alternative,
        )
        stage_ms = {
            **{f"retrieve_{name}": ms for name, ms in retrieval.stage_ms.items()},
            "retrieve": (retrieved - started) * 1e3,
            "prompt": (perf_counter() - retrieved) * 1e3,
        }
        return Prepared(
            request,
            ask,
            num_tokens,
            prompt.snippets,
            stage_ms,
            num_chars,
            self._num_chars(tuple(file_tokens)),
            retrieval.late_sources,
        )

    async def send(self, prepared: Prepared) -> Answer:
        """Ask the server. Raises RemoteError."""
        answer = await self.client.complete(prepared.ask, self.capabilities.model, self.capabilities.dialect)
        self._count(answer)
        return answer

    async def stream(
        self,
        sending: Sending,
        first_token_s: float,
        policy: RetryPolicy | None = None,
        guard: NameGuard | None = None,
    ) -> Completion:
        """Ask the server, read while it writes, and stop it where the completion ends. Raises RemoteError.

        `guard` knows names: where the server can be held to them it is, and the answer is cut before a wrong one.
        """
        prepared = sending.prepared
        request = prepared.request
        constraint = self.capabilities.features.constraint
        more = {} if guard is None or constraint is None else guard.constraint(constraint)
        gives_logprobs = self.capabilities.features.logprobs and request.min_confidence > 0
        reading = _Reading(request, self._stops)

        def begin() -> Callable[[Piece], bool]:
            nonlocal reading
            reading = _Reading(request, self._stops)
            return reading.read

        answer = await self.client.stream(
            replace(prepared.ask, logprobs=gives_logprobs, more=more),
            self.capabilities.model,
            self.capabilities.dialect,
            begin,
            first_token_s=first_token_s,
            policy=policy,
            on_sent=sending.count,
        )
        self._count(answer)
        sending.num_cached_tokens = answer.num_cached_tokens
        completion = self.finish(prepared, answer)
        if guard is not None:
            completion = replace(completion, text=guard.cut(completion.text), monitor_acts=guard.acts)
        if not reading.confidence.is_enough:
            completion = replace(completion, text="", finish_reason="unlikely")
        notices = completion.notices
        if request.min_confidence > 0 and not gives_logprobs:
            notices = (
                *notices,
                f"{self.client.endpoint.host} gives no logprobs: editor.min_confidence has no effect",
            )
        total_ms = completion.stage_ms["total"]
        request_ms = answer.seconds * 1e3
        first_ms = request_ms if answer.first_s is None else answer.first_s * 1e3
        return replace(
            completion,
            confidence=reading.confidence.value,
            notices=notices,
            stage_ms={
                **prepared.stage_ms,
                "prefill": 0.0,  # the server does not tell it from the first token
                "first_token": first_ms,
                "decode": request_ms,
                "total": total_ms,
            },
            sent=sending.sent,
        )

    def finish(self, prepared: Prepared, answer: Answer) -> Completion:
        """Cut the answer to its lines and say what it took."""
        text, stopped = before_marker(answer.text, self._stops)
        stop = _stop_of(prepared.request)
        stop.feed(text.encode("utf-8", "surrogatepass"))
        request_ms = answer.seconds * 1e3
        told = answer.num_new_tokens
        return Completion(
            text=stop.cut(),
            raw_text=answer.text,
            finish_reason=_finish_reason(answer.finish_reason, stop, stopped),
            model=self.capabilities.model,
            num_prompt_tokens=prepared.num_tokens if answer.num_prompt_tokens is None else answer.num_prompt_tokens,
            num_cached_tokens=answer.num_cached_tokens or 0,
            num_new_tokens=len(self.tokenizer.encode(answer.text)) if told is None else told,
            stage_ms={
                **prepared.stage_ms,
                "request": request_ms,
                "total": prepared.stage_ms["retrieve"] + prepared.stage_ms["prompt"] + request_ms,
            },
            snippets=prepared.snippets,
            notices=self.capabilities.notices,
            late_sources=prepared.late_sources,
        )

    def _count(self, answer: Answer) -> None:
        self.answer_counts.num_answers += 1
        self.answer_counts.num_retries += answer.num_retries
        self.answer_counts.num_with_cached += answer.num_cached_tokens is not None

    def _num_chars(self, tokens: tuple[int, ...]) -> int:
        return len(self.tokenizer.decode_bytes(tokens).decode("utf-8", "replace"))


class _Reading:
    """Reads one streamed answer and says when it has what is wanted of it."""

    def __init__(self, request: CompletionRequest, stops: tuple[str, ...]) -> None:
        self.confidence = Confidence(request.min_confidence)
        self._stop = _stop_of(request)
        self._stops = stops
        self._text = ""

    def read(self, piece: Piece) -> bool:
        """Take what was written next; return whether more of it is wanted."""
        self._text += piece.text
        self._stop.feed(piece.text.encode("utf-8", "surrogatepass"))
        for logprob in piece.logprobs:
            if not self.confidence.feed(logprob):
                return False
        return not self._stop.reached and not before_marker(self._text, self._stops)[1]


def before_marker(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """The text before the first stop that the server wrote out instead of ending there, and whether one stood."""
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _stop_of(request: CompletionRequest) -> LineStop | BlockStop:
    if request.extent == "block":
        return BlockStop(request.prefix, request.max_lines)
    return LineStop(request.max_lines)


def _finish_reason(told: str, stop: LineStop | BlockStop, stopped: bool) -> FinishReason:
    if stop.reached:
        return stop.reason
    return "max_tokens" if told == "length" and not stopped else "eos"
