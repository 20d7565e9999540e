"""Likelihoods of tokens in several texts at once, each read from its first token.

The texts stand one behind the other in the passes of a model, so that its products are over many rows; each sees itself
only. Nothing is kept of a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.engine.layers.attention_kernels import attend_run
from codeassist.engine.layers.model import Model, Pass
from codeassist.engine.layers.rotary import rotate

_PASS_TOKENS = 1024  # what a layer makes of more leaves the processor's cache


@dataclass(frozen=True, slots=True)
class Text:
    """Token ids, and which of them are asked for: positions from 1, rising."""

    tokens: Sequence[int]
    wanted: Sequence[int]


class TextsView:
    """The tokens of whole texts, one behind the other, `sizes` long: a `CacheView` without a cache.

    rotations: (P, D/2) complex64, of positions from 0, P at least the longest text's length.
    """

    def __init__(self, rotations: Tensor, sizes: Sequence[int], dtype: torch.dtype) -> None:
        self._sizes = sizes
        self._rotations = torch.cat([rotations[:size] for size in sizes])
        self._dtype = dtype

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView. Writes nothing."""
        q = rotate(q, self._rotations).to(self._dtype).transpose(0, 1)
        k, v = rotate(k, self._rotations).to(self._dtype), v.to(self._dtype)
        parts = zip(q.split(self._sizes), k.split(self._sizes, dim=1), v.split(self._sizes, dim=1), strict=True)
        return torch.cat([attend_run(*part, 0) for part in parts])


def token_logprobs(model: Model, texts: Sequence[Text]) -> list[list[float]]:
    """Return, for each text, the log-probability in nats of each token that is asked for, given those before it."""
    found: list[list[float]] = []
    for batch in _batches(texts):
        sizes = [len(text.tokens) for text in batch]
        tokens = torch.tensor([token for text in batch for token in text.tokens], device=model.device)
        hidden = model.run(Pass(tokens, TextsView(model.rotations, sizes, model.dtype)))
        for text, states in zip(batch, hidden.split(sizes), strict=True):
            before = torch.tensor(text.wanted, dtype=torch.int64, device=model.device) - 1
            logprobs = torch.log_softmax(model.logits(states[before]), dim=-1)
            asked = torch.tensor([text.tokens[place] for place in text.wanted], dtype=torch.int64, device=model.device)
            found.append(logprobs.gather(1, asked[:, None])[:, 0].tolist())
    return found


def _batches(texts: Sequence[Text]) -> Iterator[list[Text]]:
    """Yield the texts in their order, as many at once as fit into a pass."""
    batch: list[Text] = []
    room = _PASS_TOKENS
    for text in texts:
        if batch and len(text.tokens) > room:
            yield batch
            batch, room = [], _PASS_TOKENS
        batch.append(text)
        room -= len(text.tokens)
    if batch:
        yield batch
