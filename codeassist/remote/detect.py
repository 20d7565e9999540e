"""What a server can do, found out by asking it. Nothing of this is configured.

It asks with a text of its own. Three short requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from codeassist.errors import ModelError
from codeassist.prompts.templates import Template, is_trained, recognise, without_fim
from codeassist.remote.client import CompletionsClient
from codeassist.remote.errors import RefusedError, RemoteError
from codeassist.remote.features import Features
from codeassist.remote.openai_api import Answer, CompletionPayload, Dialect, ServedModel, dialect_of
from codeassist.remote.prompt_text import PromptWriter
from codeassist.remote.retry import RetryPolicy
from codeassist.tokenization.tokens import Tokenizer

_FIRST_CONTACT = RetryPolicy(max_attempts=3)  # who named a wrong address wants to know soon
_ONCE = RetryPolicy(max_attempts=1)
# Digits, indentation, prose, names, words of several scripts, an emoji: tokenizers of different models make different
# numbers of tokens of these, by several in a hundred.
_SAMPLE = """\
def größe(x: int, maxRetryCount: int = 1234567890) -> dict[str, list[float]]:
\t\tif x >= 0xDEADBEEF and not isinstance(self._internalBufferSize, (tuple, list)):
            raise ValueError(f"{x!r} 漢字 🙂 https://example.org/a?b=c&d=%20e")  # naïve\r

    The quick brown fox jumps over the lazy dog; characteristically, internationalization is straightforward.
    Съешь ещё этих мягких французских булок. 色は匂へど散りぬるを
    SELECT COUNT(*) FROM `users` WHERE created_at >= '2026-11-21T12:34:56Z' GROUP BY country_code;
    public static <T extends Comparable<? super T>> void sort(List<T> list) { ... }\n\n\n\n        }}}));
"""
_AFTER_MARKER = "def f(x):\n    return x\n"  # short: a CPU reads a hundred tokens a second
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one server does with one model.

    `template`: how its prompts are laid out. `takes_ids`: prompts can be sent as token ids. `adds_bos`: it puts the
    token that begins a text in front of a prompt by itself. `max_tokens` is the longest prompt and answer together,
    None where it does not say. `features` are none until they have been asked for (`features.detect_features`).
    """

    model: str
    template: Template
    dialect: Dialect
    takes_ids: bool
    adds_bos: bool
    max_tokens: int | None
    notices: tuple[str, ...] = ()
    features: Features = field(default_factory=Features)


async def detect(
    client: CompletionsClient, wanted: str | None, tokenizer: Tokenizer, template: Template | None = None
) -> Capabilities:
    """Ask the server for its models and with which prompts it can be asked.

    `template`: the one to be used; None for that of the tokenizer's tokens, without fill-in-the-middle where what the
    server calls its model says that it was not trained with them.

    Raises ModelError where the model is not there, has another tokenizer, or cannot be given the template's markers;
    RemoteError where the server does not answer.
    """
    url = client.endpoint.url
    served = await _served(client, wanted)
    dialect = dialect_of(served.owner)
    notices: list[str] = []
    if template is None:
        template = recognise(tokenizer.special)
        if template.fim is not None and not is_trained((served.name,)):
            notices.append(_untrained(served.name, template))
            template = without_fim(template)
    plain = await _count(client, served.name, dialect, _SAMPLE)
    num_sample = len(tokenizer.encode(_SAMPLE))
    if plain not in (None, num_sample, num_sample + 1):
        raise ModelError(
            f"{url}: {served.name} makes {plain} tokens of a text of which the tokenizer given makes {num_sample}: it "
            "is the tokenizer of another model; name the right one (--tokenizer)"
        )
    prompt = _with_markers(tokenizer, template)
    as_ids = await _count_ids(client, served.name, dialect, prompt)
    takes_ids = as_ids in (len(prompt), len(prompt) + 1)  # who counts otherwise read them as something else
    if not takes_ids:
        text = PromptWriter(tokenizer).write(prompt)
        read = await _count(client, served.name, dialect, text)
        if read is None:
            notices.append(f"{url} does not count a prompt's tokens: whether it reads markers could not be checked")
        elif read not in (len(prompt), len(prompt) + 1):
            raise ModelError(
                f"{url}: {served.name} reads the markers of {template.name} prompts as plain text, and takes no token "
                "ids; use a server that does one of both"
            )
    adds_bos = as_ids == len(prompt) + 1 if takes_ids else plain == num_sample + 1
    return Capabilities(served.name, template, dialect, takes_ids, adds_bos, served.max_tokens, tuple(notices))


def _untrained(model: str, template: Template) -> str:
    return (
        f"{model} owns the tokens of fill-in-the-middle and was not trained with them: it does not see what stands "
        f'after the cursor ([models.X] template = "{template.name}" in your config.toml, X being remote.tokenizer, has '
        "them used all the same)"
    )


async def _served(client: CompletionsClient, wanted: str | None) -> ServedModel:
    """The model of that name, or the only one. A server that lists none is taken at the user's word."""
    try:
        models = await client.models(_FIRST_CONTACT)
    except RefusedError:
        if wanted is None:
            raise
        return ServedModel(wanted, None, None)
    names = [model.name for model in models]
    named = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    if wanted is None and len(models) == 1:
        return models[0]
    if wanted is None:
        raise ModelError(f"{client.endpoint.url} serves {named or 'no model'}; name one of them (--model)")
    found = next((model for model in models if model.name == wanted), None)
    if found is None:
        raise ModelError(f"{client.endpoint.url} does not serve {wanted}; it serves {named or 'no model'}")
    return found


def _with_markers(tokenizer: Tokenizer, template: Template) -> list[int]:
    """A short text after each of the template's markers, as ids; the sample where there are none."""
    tokens: list[int] = []
    for marker in template.markers:
        tokens += (tokenizer.special[marker], *tokenizer.encode(_AFTER_MARKER))
    return tokens or tokenizer.encode(_SAMPLE)


async def _count(client: CompletionsClient, model: str, dialect: Dialect, prompt: str) -> int | None:
    return (await _ask(client, model, dialect, prompt)).num_prompt_tokens


async def _count_ids(client: CompletionsClient, model: str, dialect: Dialect, prompt: list[int]) -> int | None:
    """How many tokens the server says a prompt of ids has; None where it does not take one."""
    try:
        return (await _ask(client, model, dialect, tuple(prompt), _ONCE)).num_prompt_tokens
    except RemoteError:  # some servers fail with 500 instead of refusing
        return None


async def _ask(
    client: CompletionsClient,
    model: str,
    dialect: Dialect,
    prompt: str | tuple[int, ...],
    policy: RetryPolicy = _FIRST_CONTACT,
) -> Answer:
    return await client.complete(CompletionPayload(prompt, max_tokens=1), model, dialect, policy)
