"""Completions by a server's model: the local session's flow with a server in the engine's place.

Knows no editor and no benchmark. `prepare` and `finish` do what stands before and behind the request, so that a caller
can have many requests under way.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from codeassist import prompt as prompts
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import Capabilities
from codeassist.remote.prompt_text import PromptWriter
from codeassist.remote.wire import Answer, Ask
from codeassist.request import Completion, CompletionRequest, FinishReason, Retriever, UsedSnippet
from codeassist.stops import BlockStop, LineStop
from codeassist.templates import Template
from codeassist.tokens import Tokenizer


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, and what its completion will say about how it came to be."""

    request: CompletionRequest
    ask: Ask
    num_tokens: int
    snippets: tuple[UsedSnippet, ...]
    stage_ms: dict[str, float]


@dataclass(slots=True)
class Tally:
    """What the answers so far had in common. `num_with_cached`: those whose server told how much it had cached."""

    num_answers: int = 0
    num_retries: int = 0
    num_with_cached: int = 0


class RemoteSession:
    """Completes requests with one model of one server. Safe for as many requests at once as the client allows.

    The prompt is the very one that the local engine would see: stable parts first, so that the server's prefix cache
    finds them again. It is sent as token ids where the server takes them; else as text in which nothing that came from
    a repository reads as a marker.
    """

    def __init__(
        self,
        client: CompletionsClient,
        capabilities: Capabilities,
        tokenizer: Tokenizer,
        template: Template,
        budget: prompts.Budget,
        repository: str = "workspace",
    ) -> None:
        self.client = client
        self.capabilities = capabilities
        self.tokenizer = tokenizer
        self.template = template
        self.budget = budget
        self.repository = repository
        self.tally = Tally()
        self._writer = PromptWriter(tokenizer)
        self._stops = tuple(text for text in template.stops if text in tokenizer.special)
        self._stop_ids = tuple(sorted({*(tokenizer.special[text] for text in self._stops), *tokenizer.eos_ids}))

    async def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Complete one request. Cancelling closes the connection. Raises RemoteError."""
        prepared = self.prepare(request, retriever)
        return self.finish(prepared, await self.send(prepared))

    def prepare(self, request: CompletionRequest, retriever: Retriever) -> Prepared:
        """Find snippets and lay out the prompt."""
        started = perf_counter()
        retrieval = retriever.retrieve(request, self.budget.snippet_chars)
        retrieved = perf_counter()
        prompt = prompts.build(
            request, retrieval.snippets, self.template, self.tokenizer, self.budget, repository=self.repository
        )
        tokens = prompt.tokens
        if self.capabilities.adds_bos and tokens[:1] == (self.tokenizer.bos_id,):
            tokens = tokens[1:]
        ask = Ask(
            prompt=tokens if self.capabilities.takes_ids else self._writer.write(tokens),
            max_tokens=request.max_new_tokens,
            stop_ids=self._stop_ids,
            stop_texts=self._stops,
            temperature=request.temperature,
            seed=request.seed,
        )
        stage_ms = {
            **{f"retrieve_{name}": ms for name, ms in retrieval.stage_ms.items()},
            "retrieve": (retrieved - started) * 1e3,
            "prompt": (perf_counter() - retrieved) * 1e3,
        }
        return Prepared(request, ask, len(prompt.tokens), prompt.snippets, stage_ms)

    async def send(self, prepared: Prepared) -> Answer:
        """Ask the server. Raises RemoteError."""
        answer = await self.client.complete(prepared.ask, self.capabilities.model, self.capabilities.dialect)
        self.tally.num_answers += 1
        self.tally.num_retries += answer.num_retries
        self.tally.num_with_cached += answer.num_cached_tokens is not None
        return answer

    def finish(self, prepared: Prepared, answer: Answer) -> Completion:
        """Cut the answer to its lines and say what it took."""
        text, stopped = self._before_marker(answer.text)
        request = prepared.request
        block = request.extent == "block"
        stop = BlockStop(request.prefix, request.max_lines) if block else LineStop(request.max_lines)
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
        )

    def _before_marker(self, text: str) -> tuple[str, bool]:
        """The text before the first stop that the server wrote out instead of ending there, and whether one stood."""
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        return (text[: min(found)], True) if found else (text, False)


def _finish_reason(told: str, stop: LineStop | BlockStop, stopped: bool) -> FinishReason:
    if stop.reached:
        return stop.reason
    return "max_tokens" if told == "length" and not stopped else "eos"
