"""Completions by a server's model: the pipeline with a server as its generator.

`RemoteSession` lives on an event loop, and can have many requests under way there; `RemoteGenerator` is the pipeline's,
for who lives outside of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

from anyio.from_thread import BlockingPortal

from codeassist.completion.pipeline import AnswerReader, Generated, Job, Prepared, Prompter
from codeassist.completion.stops import Confidence
from codeassist.errors import Cancelled, CodeAssistError
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import Capabilities
from codeassist.remote.names import NameGuard
from codeassist.remote.openai_api import Answer, CompletionPayload, Piece
from codeassist.remote.prompt_text import PromptWriter
from codeassist.remote.retry import RetryPolicy
from codeassist.request import CompletionRequest, Sent

LOOK_S = 0.005  # how often a job under way looks whether it is still wanted: less than a frame of any screen
_OTHER_TEMPERATURE = 0.8  # what an alternative is drawn with: servers do not say what their second choice was


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A prompt as it will leave this machine, and how much of it is text of what."""

    prepared: Prepared
    payload: CompletionPayload
    num_chars: int
    num_file_chars: int


@dataclass(slots=True)
class AnswerCounts:
    """What the answers so far had in common. `num_with_cached`: those whose server told how much it had cached."""

    num_answers: int = 0
    num_retries: int = 0
    num_with_cached: int = 0


@dataclass(slots=True)
class Sending:
    """How often a prompt has left this machine so far through a session, and what the server said of it."""

    outgoing: Outgoing
    session: RemoteSession
    num_times: int = 0
    num_cached_tokens: int | None = None

    def count(self) -> None:
        """Note that it is being sent once more."""
        self.num_times += 1

    @property
    def sent(self) -> Sent | None:
        """What left, None where no connection came about."""
        if not self.num_times:
            return None
        prompt = self.outgoing.prepared.prompt
        return Sent(
            url=self.session.client.endpoint.url,
            num_chars=self.outgoing.num_chars,
            num_tokens=len(prompt.tokens),
            num_snippets=len(prompt.snippets),
            num_snippet_chars=sum(len(used.snippet.text) for used in prompt.snippets),
            num_file_chars=self.outgoing.num_file_chars,
            num_times=self.num_times,
            num_cached_tokens=self.num_cached_tokens,
        )


class RemoteSession:
    """Completes requests with one model of one server. Safe for as many requests at once as the client allows.

    The prompt is the very one that the local engine would see: repository, snippets, then the file, so that the
    server's prefix cache finds the stable parts again. It is sent as token ids where the server takes them; else as
    text in which nothing that came from a repository reads as a marker.
    """

    def __init__(self, client: CompletionsClient, capabilities: Capabilities, prompter: Prompter) -> None:
        self.client = client
        self.capabilities = capabilities
        self.prompter = prompter
        self.answer_counts = AnswerCounts()
        tokenizer = prompter.tokenizer
        self._writer = PromptWriter(tokenizer)
        self._stops = tuple(text for text in prompter.template.stops if text in tokenizer.special)
        self._stop_ids = tuple(sorted({*(tokenizer.special[text] for text in self._stops), *tokenizer.eos_ids}))

    def prepare(self, job: Job) -> Sending:
        """Find snippets, lay out the prompt and write down what will leave."""
        prepared = self.prompter.prepare(job.request, job.retriever, job.document)
        return Sending(self._outgoing(prepared), self)

    async def answer(self, sending: Sending) -> Generated:
        """Ask the server for all of an answer at once. Cancelling closes the connection. Raises RemoteError."""
        sending.count()
        answer = await self.client.complete(
            sending.outgoing.payload, self.capabilities.model, self.capabilities.dialect
        )
        self._count(answer)
        return self._generated(sending.outgoing, answer)

    def _outgoing(self, prepared: Prepared) -> Outgoing:
        request, prompt = prepared.request, prepared.prompt
        tokens = prompt.tokens
        file_tokens = (
            *tokens[prompt.prefix.start : prompt.prefix.stop],
            *tokens[prompt.suffix.start : prompt.suffix.stop],
        )
        is_other = request.alternative > 0
        payload = replace(
            self.payload_of(tokens, request.max_new_tokens),
            temperature=max(request.temperature, _OTHER_TEMPERATURE) if is_other else request.temperature,
            seed=request.seed + request.alternative,
        )
        return Outgoing(prepared, payload, self._num_chars(tokens), self._num_chars(file_tokens))

    def payload_of(self, tokens: tuple[int, ...], max_tokens: int) -> CompletionPayload:
        """Return the question for what comes after a prompt, greedily; the answer ends where a text does."""
        if self.capabilities.adds_bos and tokens[:1] == (self.prompter.tokenizer.bos_id,):
            tokens = tokens[1:]
        return CompletionPayload(
            prompt=tokens if self.capabilities.takes_ids else self._writer.write(tokens),
            max_tokens=max_tokens,
            stop_ids=self._stop_ids,
            stop_texts=self._stops,
        )

    async def stream(
        self,
        sending: Sending,
        first_token_s: float,
        policy: RetryPolicy | None = None,
        guard: NameGuard | None = None,
    ) -> Generated:
        """Ask the server, read while it writes, and stop it where the completion ends. Raises RemoteError.

        `guard` knows names: where the server can be held to them it is.
        """
        request = sending.outgoing.prepared.request
        constraint = self.capabilities.features.constraint
        more = {} if guard is None or constraint is None else guard.constraint(constraint)
        gives_logprobs = self.capabilities.features.logprobs and request.min_confidence > 0
        reading = _Reading(request, self._stops)

        def begin() -> Callable[[Piece], bool]:
            nonlocal reading
            reading = _Reading(request, self._stops)
            return reading.read

        answer = await self.client.stream(
            replace(sending.outgoing.payload, logprobs=gives_logprobs, more=more),
            self.capabilities.model,
            self.capabilities.dialect,
            begin,
            first_token_s=first_token_s,
            policy=policy,
            on_sent=sending.count,
        )
        self._count(answer)
        sending.num_cached_tokens = answer.num_cached_tokens
        generated = self._generated(sending.outgoing, answer, reading.confidence)
        notices = generated.trace.notices
        if request.min_confidence > 0 and not gives_logprobs:
            notices = (
                *notices,
                f"{self.client.endpoint.host} gives no logprobs: editor.min_confidence has no effect",
            )
        request_ms = answer.seconds * 1e3
        stage_ms = {
            **sending.outgoing.prepared.trace.stage_ms,
            "prefill": 0.0,  # the server does not tell it from the first token
            "first_token": request_ms if answer.first_s is None else answer.first_s * 1e3,
            "decode": request_ms,
        }
        trace = replace(generated.trace, notices=notices, stage_ms=stage_ms, sent=sending.sent)
        return replace(generated, trace=trace)

    def _generated(self, outgoing: Outgoing, answer: Answer, confidence: Confidence | None = None) -> Generated:
        """Read an answer that came. `confidence`: of its tokens, where they were told."""
        prepared = outgoing.prepared
        text, stopped = before_marker(answer.text, self._stops)
        reader = AnswerReader(prepared.request)
        reader.stop.feed(text.encode("utf-8", "surrogatepass"))
        reader.confidence = confidence or reader.confidence
        request_ms = answer.seconds * 1e3
        told_prompt, told_new = answer.num_prompt_tokens, answer.num_new_tokens
        trace = replace(
            prepared.trace,
            stage_ms={**prepared.trace.stage_ms, "request": request_ms},
            num_prompt_tokens=len(prepared.prompt.tokens) if told_prompt is None else told_prompt,
            num_cached_tokens=answer.num_cached_tokens or 0,
            num_new_tokens=len(self.prompter.tokenizer.encode(answer.text)) if told_new is None else told_new,
            notices=self.capabilities.notices,
        )
        ended = answer.finish_reason == "length" and not stopped
        return Generated(prepared, reader, "max_tokens" if ended else "stop_token", trace, request_ms, answer.text)

    def _count(self, answer: Answer) -> None:
        self.answer_counts.num_answers += 1
        self.answer_counts.num_retries += answer.num_retries
        self.answer_counts.num_with_cached += answer.num_cached_tokens is not None

    def _num_chars(self, tokens: tuple[int, ...]) -> int:
        return len(self.prompter.tokenizer.decode_bytes(tokens).decode("utf-8", "replace"))


class RemoteGenerator:
    """A session as the pipeline's generator, for threads outside of the event loop that `portal` leads to.

    Prompts are made on the caller's thread, in the jobs' order, and leave in that order, so that those which share a
    beginning follow each other into the server's cache. `answer` asks for one, and says how: all at once, or streamed
    with a patience. What is under way ends when a job is cancelled, or nobody iterates any more.
    """

    def __init__(
        self,
        session: RemoteSession,
        portal: BlockingPortal,
        num_at_once: int = 1,
        answer: Callable[[Job, Sending], Awaitable[Generated]] | None = None,
    ) -> None:
        self.session = session
        self.num_at_once = num_at_once
        self._portal = portal
        self._answer = answer or self._whole

    @property
    def model_name(self) -> str:
        """Return the server's name for its model."""
        return self.session.capabilities.model

    def generate(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
        """Answer jobs, up to `num_at_once` at a time, as `Generator` says."""
        under_way: dict[Future[Generated], Job] = {}
        try:
            for job in jobs:
                try:
                    sending = self.session.prepare(job)
                except CodeAssistError as error:
                    yield job, error
                    continue
                under_way[self._portal.start_task_soon(self._answer, job, sending)] = job
                yield from _finished(under_way, self.num_at_once - 1)
            yield from _finished(under_way, 0)
        finally:
            for future in under_way:
                future.cancel()

    async def _whole(self, job: Job, sending: Sending) -> Generated:
        return await self.session.answer(sending)


def _finished(
    under_way: dict[Future[Generated], Job], most_left: int
) -> Iterator[tuple[Job, Generated | CodeAssistError]]:
    """Yield what is done, and wait until at most `most_left` are under way."""
    while True:
        done, _ = wait(under_way, LOOK_S if len(under_way) > most_left else 0.0, FIRST_COMPLETED)
        for future, job in tuple(under_way.items()):
            if future in done:
                del under_way[future]
                try:
                    generated = future.result()
                except CodeAssistError as error:
                    yield job, error
                else:
                    yield job, generated
            elif job.cancelled():
                del under_way[future]
                future.cancel()
                yield job, Cancelled("the request was superseded")
        if len(under_way) <= most_left:
            return


class _Reading:
    """Reads one streamed answer and says when it has what is wanted of it."""

    def __init__(self, request: CompletionRequest, stops: tuple[str, ...]) -> None:
        self._answer = AnswerReader(request)
        self._stops = stops
        self._text = ""

    @property
    def confidence(self) -> Confidence:
        """Return how likely the tokens were whose probabilities the server told."""
        return self._answer.confidence

    def read(self, piece: Piece) -> bool:
        """Take what was written next; return whether more of it is wanted."""
        self._text += piece.text
        self._answer.stop.feed(piece.text.encode("utf-8", "surrogatepass"))
        for logprob in piece.logprobs:
            if not self.confidence.feed(logprob):
                return False
        return not self._answer.stop.reached and not before_marker(self._text, self._stops)[1]


def before_marker(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """The text before the first stop that the server wrote out instead of ending there, and whether one stood."""
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return (text[: min(found)], True) if found else (text, False)
