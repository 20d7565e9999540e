"""How near a quantised model stays to its float32 self: the likeliest next token, and the divergence, on real code.

Both models read the same text, and only they are compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist_eval.engines.local_engine import LocalEngine
from codeassist_eval.tasks.task import Task

_TEXT_TOKENS = 1000  # a text: long enough for real contexts, short enough for several files


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`top1_agreement`: percent of positions at which both find the same token likeliest. KL divergences in nats."""

    num_tokens: int
    top1_agreement: float
    kl_mean: float
    kl_median: float
    weight_format: str
    activation_levels: int | None


def measure_accuracy(engine: LocalEngine, tasks: Sequence[Task], num_tokens: int, progress: Progress) -> Accuracy:
    """Compare the format that the settings choose with float32 on the first `num_tokens` tokens of the tasks' files."""
    from codeassist.engine.layers.int8_products import activation_levels

    chosen = open_session(engine.settings, engine.model, progress)
    plain_model = dataclasses.replace(engine.settings.model, format="float32")
    plain = open_session(dataclasses.replace(engine.settings, model=plain_model), engine.model, progress)
    kernel = chosen.engine.model.backend.name
    texts = _texts(chosen, tasks, num_tokens)
    agreed: list[torch.Tensor] = []
    divergence: list[torch.Tensor] = []
    for done, text in enumerate(texts):
        wanted, got = _logprobs(plain, text), _logprobs(chosen, text)
        agreed.append(wanted.argmax(-1) == got.argmax(-1))
        divergence.append((wanted.exp() * (wanted - got)).sum(-1))
        progress("reading code with both models", done + 1, len(texts))
    kl = torch.cat(divergence)
    return Accuracy(
        num_tokens=len(kl),
        top1_agreement=100 * torch.cat(agreed).float().mean().item(),
        kl_mean=kl.mean().item(),
        kl_median=kl.median().item(),
        weight_format=kernel,
        activation_levels=activation_levels() if kernel.startswith("int8") else None,
    )


def _texts(session: Session, tasks: Sequence[Task], num_tokens: int) -> list[list[int]]:
    """Runs of at most _TEXT_TOKENS tokens from the files of different tasks, `num_tokens` together."""
    texts: list[list[int]] = []
    seen: set[str] = set()
    for task in tasks:
        left = num_tokens - sum(map(len, texts))
        if left <= 0:
            break
        if task.prefix[:200] in seen:
            continue
        seen.add(task.prefix[:200])
        tokens = session.tokenizer.encode(task.prefix)[: min(_TEXT_TOKENS, session.engine.max_tokens, left)]
        if tokens:
            texts.append(tokens)
    return texts


def _logprobs(session: Session, tokens: list[int]) -> torch.Tensor:
    """(T, V) float32 log-probabilities of what follows each token."""
    model = session.engine.model
    hidden = model.forward(torch.tensor(tokens), torch.arange(len(tokens)), model.new_cache(len(tokens)))
    return torch.log_softmax(model.logits(hidden), dim=-1)
