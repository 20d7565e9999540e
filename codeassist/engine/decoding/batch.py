"""Several sequences continued at once, each in a cache of its own: every weight is read once for all of them.

What a batch saves, drafts would save again. For machines that work through many prompts; whoever types waits for one
answer, which `decode.py` gives sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.reuse import common_prefix
from codeassist.engine.decoding.decode import Chooser, Decoded, DecodeParams
from codeassist.engine.layers.attention import BatchView
from codeassist.engine.layers.model import Model, Pass


@dataclass(slots=True)
class Continued:
    """One prompt in its cache, and what has been written after it.

    `hidden`: (1, D), the last token's state, as `LiveCache.sync` returns it. `first_logits`: as `decode` takes them.
    `accept` is told each token and its
    log-probability and says whether to go on; a token that it refuses is still part of the answer.
    """

    cache: LiveCache
    hidden: Tensor
    params: DecodeParams
    accept: Callable[[int, float], bool]
    first_logits: Tensor | None = None
    answer: Decoded = field(default_factory=Decoded)
    _choose: Chooser = field(init=False)
    is_done: bool = False

    def __post_init__(self) -> None:
        assert not self.params.first_rank, "alternatives are for who waits for one answer"
        self._choose = Chooser(self.params)

    def take(self, logits: Tensor) -> None:
        """Choose the next token. logits: (V,) float32. Mutates the answer; `is_done` says whether it has ended."""
        if self.first_logits is not None:
            logits, self.first_logits = self.first_logits, None
        token, logprob = self._choose(logits)
        if token in self.params.stop_ids:
            self.answer.end, self.is_done = "stop_token", True
            return
        self.answer.tokens.append(token)
        self.answer.logprobs.append(logprob)
        if not self.accept(token, logprob):
            self.answer.end, self.is_done = "refused", True
        else:
            room = self.cache.states.capacity - len(self.cache.tokens)
            self.is_done = len(self.answer.tokens) >= self.params.max_new_tokens or not room


def decode_together(model: Model, sequences: Sequence[Continued]) -> None:
    """Continue all sequences until each has ended; those that end leave the batch. Mutates answers and caches."""
    active: list[Continued] = list(sequences)
    while active:
        logits = model.logits(torch.cat([sequence.hidden for sequence in active]))
        for sequence, row in zip(active, logits, strict=True):
            sequence.take(row)
        active = [sequence for sequence in active if not sequence.is_done]
        if active:
            hidden = extend_each(model, [s.answer.tokens[-1] for s in active], [s.cache for s in active])
            for number, sequence in enumerate(active):
                sequence.hidden = hidden[number : number + 1]
                sequence.answer.num_passes += 1


def extend_each(model: Model, token_ids: Sequence[int], caches: Sequence[LiveCache]) -> Tensor:
    """Encode one token after each cache, in one pass; return their hidden states: (B, D) float32."""
    places = [len(cache.tokens) for cache in caches]
    view = BatchView([cache.states for cache in caches], places)
    hidden = model.run(Pass(torch.tensor(token_ids, device=model.device), view))
    for cache, place, token in zip(caches, places, token_ids, strict=True):
        cache.tokens.append(token)
        if cache.num_exact == place:
            cache.num_exact = place + 1
    return hidden


def copy_prefix(source: LiveCache, target: LiveCache, prompt: Sequence[int]) -> None:
    """Copy the exact states that `source` has in common with `prompt` into `target`, if they are more than it has."""
    wanted = list(prompt)
    length = min(common_prefix(source.tokens, wanted), source.num_exact)
    if length <= min(common_prefix(target.tokens, wanted), target.num_exact):
        return
    ours, theirs = target.states, source.states
    for own, other in ((ours.k_raw, theirs.k_raw), (ours.k, theirs.k), (ours.v, theirs.v)):
        own[:, :, :length] = other[:, :, :length]
    target.truncate(0)
    target.tokens.extend(prompt[:length])
    target.num_exact = length
