"""Prompts that are no completion's, gone on with or scored by a server: what next edits are asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codeassist.remote.fallback import Patience
from codeassist.remote.openai_api import Piece
from codeassist.remote.session import RemoteSession
from codeassist.request import Sent

Note = Callable[[Sent], None]
"""Is told each time that a prompt leaves this machine."""


@dataclass(frozen=True, slots=True)
class RawPrompt:
    """A prompt by its tokens; `num_file_chars` of its text are of the file that is asked about, `num_other_chars` of
    `num_others` pieces of other files. `max_tokens`: how long an answer may be."""

    tokens: tuple[int, ...]
    num_file_chars: int
    num_other_chars: int = 0
    num_others: int = 0
    max_tokens: int = 1


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a server wrote, as far as it was read. `logprob`: of all of its tokens together, None where the server tells
    none. `is_ended`: the model ended it, and nobody else."""

    text: str
    logprob: float | None
    is_ended: bool


async def continuation(
    session: RemoteSession,
    prompt: RawPrompt,
    begin: Callable[[], Callable[[str], bool]],
    patience: Patience,
    note: Note,
) -> Continuation:
    """Have a server go on with a prompt, greedily, as long as a reader wants more. Raises RemoteError.

    `begin` makes the reader of each attempt: it takes the text piece by piece.
    """
    capabilities = session.capabilities
    payload = replace(session.payload_of(prompt.tokens, prompt.max_tokens), logprobs=capabilities.features.logprobs)
    logprobs: list[float] = []

    def begin_reading() -> Callable[[Piece], bool]:
        logprobs.clear()
        read = begin()

        def take(piece: Piece) -> bool:
            logprobs.extend(piece.logprobs)
            return read(piece.text)

        return take

    answer = await session.client.stream(
        payload,
        capabilities.model,
        capabilities.dialect,
        begin_reading,
        first_token_s=patience.first_token_s,
        policy=patience.policy,
        on_sent=lambda: note(_sent(session, prompt)),
    )
    return Continuation(answer.text, sum(logprobs) if logprobs else None, answer.finish_reason == "stop")


async def scores(session: RemoteSession, prompt: RawPrompt, patience: Patience, note: Note) -> tuple[float, ...] | None:
    """Return the log-probability of each token of a prompt but the first; None where the server tells none of given
    text. Raises RemoteError."""
    capabilities, num_tokens = session.capabilities, len(prompt.tokens)
    if not gives_scores(session):
        return None
    payload = replace(session.payload_of(prompt.tokens, 1), logprobs=True, more={"echo": True})
    note(_sent(session, prompt))
    answer = await session.client.complete(payload, capabilities.model, capabilities.dialect, patience.policy)
    if len(answer.logprobs) not in (num_tokens - 1, num_tokens):  # with and without one for what it wrote itself
        return None
    return answer.logprobs[: num_tokens - 1]


def gives_scores(session: RemoteSession) -> bool:
    """Whether a server says how likely given text is: it repeats a prompt of token ids with their probabilities."""
    capabilities = session.capabilities
    return capabilities.takes_ids and capabilities.features.echo and capabilities.features.logprobs


def _sent(session: RemoteSession, prompt: RawPrompt) -> Sent:
    text = session.prompter.tokenizer.decode_bytes(prompt.tokens).decode("utf-8", "replace")
    return Sent(
        url=session.client.endpoint.url,
        num_chars=len(text),
        num_tokens=len(prompt.tokens),
        num_snippets=prompt.num_others,
        num_snippet_chars=prompt.num_other_chars,
        num_file_chars=prompt.num_file_chars,
        num_times=1,
    )
