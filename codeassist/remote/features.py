"""What a server can do beyond completing, found out by asking it for each with a prompt of a few words.

What a server ignores it cannot do: each answer is looked at, not only whether one comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from codeassist.remote.client import CompletionsClient
from codeassist.remote.errors import RemoteError
from codeassist.remote.metrics import read_metrics
from codeassist.remote.openai_api import Answer, CompletionPayload, Dialect, Piece
from codeassist.remote.retry import RetryPolicy

# How a server is told what an answer must look like: vLLM since 0.11 and before, SGLang, llama.cpp's servers; "choice"
# where only whole answers can be listed.
Constraint = Literal["structured_outputs", "guided_regex", "regex", "grammar", "guided_choice"]
_PROMPT = "The colours of the rainbow: red, orange,"
_ONCE = RetryPolicy(max_attempts=1)
_UNLIKELY = "zqx7"
_SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class Features:
    """`constraint` None: answers cannot be constrained. `metrics`: it tells what its prefix cache does."""

    logprobs: bool = False
    echo: bool = False
    suffix: bool = False
    constraint: Constraint | None = None
    metrics: bool = False
    drafts: bool = False


def constraint_fields(kind: Constraint, regex: str, grammar: str, choices: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a request that make the answer match: the same said in each way."""
    match kind:
        case "structured_outputs":
            return {"structured_outputs": {"regex": regex}}
        case "guided_regex":
            return {"guided_regex": regex}
        case "regex":
            return {"regex": regex}
        case "grammar":
            return {"grammar": grammar}
        case "guided_choice":
            return {"guided_choice": list(choices)}


async def detect_features(client: CompletionsClient, model: str, dialect: Dialect) -> Features:
    """Ask for one thing after the other, each with at most eight tokens. Raises nothing for what a server refuses."""
    ask = CompletionPayload(_PROMPT, max_tokens=1)

    async def answer(more: Mapping[str, Any], max_tokens: int = 1) -> Answer | None:
        try:
            return await client.complete(replace(ask, max_tokens=max_tokens, more=more), model, dialect, _ONCE)
        except RemoteError:
            return None

    plain = await answer({})
    echoed = await answer({"echo": True})
    with_suffix = await answer({"suffix": " indigo, violet.\n" * 4})
    metrics = read_metrics(await client.metrics() or "")
    return Features(
        logprobs=await _gives_logprobs(client, model, dialect),
        echo=echoed is not None and echoed.text.startswith(_PROMPT),
        suffix=_is_longer(plain, with_suffix),
        constraint=await _constraint(answer),
        metrics=metrics.num_queried_tokens is not None or metrics.hit_rate is not None,
        drafts=metrics.num_drafted_tokens is not None,
    )


async def _gives_logprobs(client: CompletionsClient, model: str, dialect: Dialect) -> bool:
    found: list[float] = []

    def read(piece: Piece) -> bool:
        found.extend(piece.logprobs)
        return not found

    ask = CompletionPayload(_PROMPT, max_tokens=1, logprobs=True)
    try:
        await client.stream(ask, model, dialect, lambda: read, first_token_s=_SILENT_S, policy=_ONCE)
    except RemoteError:
        return False
    return bool(found)


async def _constraint(answer: Callable[..., Any]) -> Constraint | None:
    kinds: tuple[Constraint, ...] = ("structured_outputs", "guided_regex", "regex", "grammar", "guided_choice")
    for kind in kinds:
        fields = constraint_fields(kind, _UNLIKELY, f'root ::= "{_UNLIKELY}"', (_UNLIKELY,))
        found = await answer(fields, 8)
        if found is not None and found.text.strip() == _UNLIKELY:
            return kind
    return None


def _is_longer(plain: Answer | None, with_suffix: Answer | None) -> bool:
    """Whether the suffix went into the prompt: servers that ignore it count as many tokens as without it."""
    if plain is None or with_suffix is None or plain.num_prompt_tokens is None:
        return False
    return (with_suffix.num_prompt_tokens or 0) > plain.num_prompt_tokens + 4
