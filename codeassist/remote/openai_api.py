"""What is sent to a completions server and what comes back. Pure: values to JSON values and back.

Servers differ in what they take beyond OpenAI's fields; a `Dialect` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_MOST_STOP_TEXTS = 4  # as many as OpenAI takes
_LEAST_LIKELY = 1e6  # no logprob is so far from 0


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. `extra` goes into every request, `streaming_extra` into those whose answers are streamed:
    who stops reading at a line's end never sees the last event, which has the counts elsewhere.

    Greedy decoding must mean greedy: vLLM and SGLang apply the repetition penalty of a model's generation_config.json,
    and llama-cpp-python one of 1.1, unless the request says otherwise.
    """

    name: str
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    streaming_extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    takes_stop_ids: bool = False
    most_stop_texts: int = _MOST_STOP_TEXTS


_COUNTS = {"stream_options": {"include_usage": True}}
_COUNTS_ALWAYS = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
UNKNOWN = Dialect("unknown", streaming_extra=_COUNTS)
# By what `/models` says of the owner.
_BY_OWNER: dict[str, Dialect] = {
    "vllm": Dialect("vllm", {"repetition_penalty": 1.0}, _COUNTS_ALWAYS, takes_stop_ids=True),
    "sglang": Dialect("sglang", {"repetition_penalty": 1.0}, _COUNTS_ALWAYS, takes_stop_ids=True),
    "llamacpp": Dialect(
        "llama-server",
        {"repeat_penalty": 1.0, "cache_prompt": True},
        {**_COUNTS, "timings_per_token": True},
        most_stop_texts=16,
    ),
    "me": Dialect("llama-cpp-python", {"repeat_penalty": 1.0}, _COUNTS, most_stop_texts=16),
    "library": Dialect("ollama", streaming_extra=_COUNTS),
}


def dialect_of(owner: str | None) -> Dialect:
    """Return the dialect of the server that calls its models' owner so."""
    return _BY_OWNER.get(owner or "", UNKNOWN)


@dataclass(frozen=True, slots=True)
class CompletionPayload:
    """One prompt, as text or as token ids, and how to go on from it. `stop_ids` and `stop_texts` end the answer.

    `logprobs` asks for those of the answer's tokens; `more` are fields of the server's own.
    """

    prompt: str | tuple[int, ...] = field(repr=False)
    max_tokens: int
    stop_ids: tuple[int, ...] = ()
    stop_texts: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    logprobs: bool = False
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server wrote. A count is None where the server does not tell; `num_retries` are attempts that failed.

    `first_s` is how long the first text of a streamed answer took, None where none came. `logprobs`: of the tokens that
    the server tells one of, in their order, those of a repeated prompt too; none of a streamed answer, whose pieces
    have them.
    """

    text: str
    finish_reason: str
    num_prompt_tokens: int | None = None
    num_cached_tokens: int | None = None
    num_new_tokens: int | None = None
    num_retries: int = 0
    seconds: float = 0.0
    first_s: float | None = None
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One event of a streamed answer. Counts are of the whole answer so far, None where the event has none."""

    text: str
    logprobs: tuple[float, ...] = ()
    finish_reason: str | None = None
    num_prompt_tokens: int | None = None
    num_cached_tokens: int | None = None
    num_new_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model that a server lists. `max_tokens` is the longest prompt and answer together, where it says so."""

    name: str
    owner: str | None
    max_tokens: int | None


class NotAnAnswer(ValueError):  # noqa: N818 — what was read, not what failed
    """JSON that is not what was asked for; the text says what is wrong with it."""


def request_body(ask: CompletionPayload, model: str, dialect: Dialect, *, stream: bool = False) -> dict[str, Any]:
    """The JSON object of a request."""
    body: dict[str, Any] = {
        "model": model,
        "prompt": ask.prompt if isinstance(ask.prompt, str) else list(ask.prompt),
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "seed": ask.seed,
        "stream": stream,
        **({"logprobs": 1} if ask.logprobs else {}),
        **dialect.extra,
        **(dialect.streaming_extra if stream else {}),
        **ask.more,
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
    prompt, cached, new = _counts(response)
    return Answer(text, reason if isinstance(reason, str) else "", prompt, cached, new, logprobs=_logprobs(choice))


def read_piece(value: object) -> Piece:
    """Read the JSON value of one event of a stream; the last one has counts and no choices. Raises NotAnAnswer."""
    event = _object(value, "an event")
    choices = event.get("choices")
    if not isinstance(choices, list):
        complaint = event.get("error") or event.get("message")
        raise NotAnAnswer(f"an event has no choices{f' but says {str(complaint)[:200]}' if complaint else ''}")
    prompt, cached, new = _counts(event)
    if not choices:
        return Piece("", (), None, prompt, cached, new)
    choice = _object(cast("list[object]", choices)[0], "a choice")
    text = choice.get("text")
    if not isinstance(text, str):
        raise NotAnAnswer("an event has no text")
    reason = choice.get("finish_reason")
    return Piece(text, _logprobs(choice), reason if isinstance(reason, str) else None, prompt, cached, new)


def _logprobs(choice: Mapping[str, Any]) -> tuple[float, ...]:
    """What a choice tells of its tokens; the first of a prompt has none."""
    found = choice.get("logprobs")
    told = cast("dict[str, Any]", found).get("token_logprobs") if isinstance(found, dict) else None
    listed = cast("list[object]", told) if isinstance(told, list) else []
    return tuple(min(0.0, float(one)) for one in listed if isinstance(one, int | float) and abs(one) < _LEAST_LIKELY)


def _counts(response: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Tokens of the prompt, of it cached, and new; llama-server says what it reused in `timings`."""
    found = response.get("usage")
    usage = _object(found, "usage") if found is not None else {}
    told = usage.get("prompt_tokens_details")
    details = _object(told, "prompt_tokens_details") if told is not None else {}
    cached = _count(details.get("cached_tokens"))
    prompt, new = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    timings = response.get("timings")
    if isinstance(timings, dict):
        times = cast("dict[str, Any]", timings)
        cached = _count(times.get("cache_n")) if cached is None else cached
        read = _count(times.get("prompt_n"))
        if prompt is None and cached is not None and read is not None:
            prompt = cached + read
        new = _count(times.get("predicted_n")) if new is None else new
    return prompt, cached, new


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
