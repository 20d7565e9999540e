"""What is sent to a completions server and what comes back. Pure: values to JSON values and back.

Knows no connection. Servers differ in what they take beyond OpenAI's fields; a `Dialect` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_MOST_STOP_TEXTS = 4  # as many as OpenAI takes


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. `extra` goes into every request.

    Greedy decoding must mean greedy: vLLM and SGLang apply the repetition penalty of a model's generation_config.json,
    and llama-cpp-python one of 1.1, unless the request says otherwise.
    """

    name: str
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    takes_stop_ids: bool = False
    most_stop_texts: int = _MOST_STOP_TEXTS


UNKNOWN = Dialect("unknown")
# By what `/models` says of the owner.
_BY_OWNER: dict[str, Dialect] = {
    "vllm": Dialect("vllm", {"repetition_penalty": 1.0}, takes_stop_ids=True),
    "sglang": Dialect("sglang", {"repetition_penalty": 1.0}, takes_stop_ids=True),
    "llamacpp": Dialect("llama-server", {"repeat_penalty": 1.0, "cache_prompt": True}, most_stop_texts=16),
    "me": Dialect("llama-cpp-python", {"repeat_penalty": 1.0}, most_stop_texts=16),
    "library": Dialect("ollama"),
}


def dialect_of(owner: str | None) -> Dialect:
    """Return the dialect of the server that calls its models' owner so."""
    return _BY_OWNER.get(owner or "", UNKNOWN)


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt, as text or as token ids, and how to go on from it. `stop_ids` and `stop_texts` end the answer."""

    prompt: str | tuple[int, ...] = field(repr=False)
    max_tokens: int
    stop_ids: tuple[int, ...] = ()
    stop_texts: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server wrote. A count is None where the server does not tell; `num_retries` are attempts that failed."""

    text: str
    finish_reason: str
    num_prompt_tokens: int | None = None
    num_cached_tokens: int | None = None
    num_new_tokens: int | None = None
    num_retries: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model that a server lists. `max_tokens` is the longest prompt and answer together, where it says so."""

    name: str
    owner: str | None
    max_tokens: int | None


class NotAnAnswer(ValueError):  # noqa: N818 — what was read, not what failed
    """JSON that is not what was asked for; the text says what is wrong with it."""


def request_body(ask: Ask, model: str, dialect: Dialect) -> dict[str, Any]:
    """The JSON object of a request."""
    body: dict[str, Any] = {
        "model": model,
        "prompt": ask.prompt if isinstance(ask.prompt, str) else list(ask.prompt),
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "seed": ask.seed,
        "stream": False,
        **dialect.extra,
    }
    if dialect.takes_stop_ids and ask.stop_ids:
        body["stop_token_ids"] = list(ask.stop_ids)
    elif ask.stop_texts:
        body["stop"] = list(ask.stop_texts[: dialect.most_stop_texts])
    return body


def read_answer(value: object) -> Answer:
    """Read the JSON value of a response. Raises NotAnAnswer."""
    response = _object(value, "the answer")
    choices = response.get("choices")
    if not isinstance(choices, list) or not choices:
        raise NotAnAnswer("the answer has no choices")
    choice = _object(cast("list[object]", choices)[0], "the first choice")
    text = choice.get("text")
    if not isinstance(text, str):
        raise NotAnAnswer("the first choice has no text")
    reason = choice.get("finish_reason")
    found = response.get("usage")
    usage = _object(found, "usage") if found is not None else {}
    told = usage.get("prompt_tokens_details")
    details = _object(told, "prompt_tokens_details") if told is not None else {}
    return Answer(
        text=text,
        finish_reason=reason if isinstance(reason, str) else "",
        num_prompt_tokens=_count(usage.get("prompt_tokens")),
        num_cached_tokens=_count(details.get("cached_tokens")),
        num_new_tokens=_count(usage.get("completion_tokens")),
    )


def read_models(value: object) -> tuple[ServedModel, ...]:
    """Read what `/models` answers. Raises NotAnAnswer."""
    listed = _object(value, "the list of models").get("data")
    if not isinstance(listed, list):
        raise NotAnAnswer("the list of models has no data")
    models: list[ServedModel] = []
    for item in cast("list[object]", listed):
        model = _object(item, "a model")
        name, owner = model.get("id"), model.get("owned_by")
        if not isinstance(name, str):
            raise NotAnAnswer("a model has no id")
        models.append(ServedModel(name, owner if isinstance(owner, str) else None, _longest(model)))
    return tuple(models)


def _longest(model: Mapping[str, Any]) -> int | None:
    """vLLM and SGLang say `max_model_len`; llama-server says in `meta` how long a context it was started with."""
    meta = model.get("meta")
    of_context = cast("dict[str, Any]", meta).get("n_ctx") if isinstance(meta, dict) else None
    return _count(model.get("max_model_len")) or _count(of_context) or None


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotAnAnswer(f"{what} is no JSON object")
    return cast("dict[str, Any]", value)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
