"""Several sequences continued at once, each in a cache of its own: every weight is read once for all of them.

Knows token ids and caches; knows no text, no monitors, and no drafts: what a batch saves, drafts would save again. For
machines that work through many prompts; whoever types waits for one answer, which `decode.py` gives sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from codeassist.engine.cache.alignment import common_prefix
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import Chooser, Decoded, DecodeParams
from codeassist.engine.layers.attention import attend_run
from codeassist.engine.layers.kv_cache import KVCache
from codeassist.engine.layers.linear import Linear
from codeassist.engine.layers.model import Layer, Model, Norm
from codeassist.engine.layers.rope import rotate


@dataclass(slots=True)
class Continued:
    """One prompt in its cache, and what has been written behind it.

    `hidden`: (1, D), the last token's state, as `LiveCache.sync` returns it. `accept` is told each token and its
    log-probability and says whether to go on; a token that it refuses is still part of the answer.
    """

    cache: LiveCache
    hidden: Tensor
    params: DecodeParams
    accept: Callable[[int, float], bool]
    answer: Decoded = field(default_factory=Decoded)
    _choose: Chooser = field(init=False)
    is_done: bool = False

    def __post_init__(self) -> None:
        assert not self.params.first_rank, "alternatives are for who waits for one answer"
        self._choose = Chooser(self.params)

    def take(self, logits: Tensor) -> None:
        """Choose the next token. logits: (V,) float32. Mutates the answer; `is_done` says whether it has ended."""
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


@torch.inference_mode()
def extend_each(model: Model, token_ids: Sequence[int], caches: Sequence[LiveCache]) -> Tensor:
    """Encode one token behind each cache, in one pass; return their hidden states: (B, D) float32."""
    device = model.device
    places = [len(cache.tokens) for cache in caches]
    rotations = model.rotations[torch.tensor(places, device=device)]
    x = model.embed_tokens(torch.tensor(token_ids, device=device))
    states = [cache.states for cache in caches]
    for index, layer in enumerate(model.layers):
        x = x + layer.out(_attention(model, layer, index, x, rotations, places, states))
        x = x + layer.down(_activated(model, layer, x))
    for cache, place, token in zip(caches, places, token_ids, strict=True):
        cache.tokens.append(token)
        if cache.num_exact == place:
            cache.num_exact = place + 1
    return model.norm(x)


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


def _attention(
    model: Model,
    layer: Layer,
    index: int,
    x: Tensor,
    rotations: Tensor,
    places: Sequence[int],
    states: Sequence[KVCache],
) -> Tensor:
    """x: (B, D), row b of the sequence whose states are states[b] → (B, H·D)."""
    config = model.config
    heads = _after_norm(model, layer.attn_norm, layer.qkv, x).view(len(x), -1, config.head_dim).transpose(0, 1)
    num_queries, num_keys = config.num_heads, config.num_kv_heads
    q, k, v = heads[:num_queries], heads[num_queries : num_queries + num_keys], heads[num_queries + num_keys :]
    if layer.q_norm is not None and layer.k_norm is not None:
        q, k = layer.q_norm(q.float()), layer.k_norm(k.float())
    k = k.to(model.dtype)
    rotated = rotate(k, rotations).to(model.dtype)
    q = rotate(q, rotations).to(model.dtype).transpose(0, 1)
    contexts: list[Tensor] = []
    for row, (place, cache) in enumerate(zip(places, states, strict=True)):
        cache.k_raw[index, :, place] = k[:, row]
        cache.k[index, :, place] = rotated[:, row]
        cache.v[index, :, place] = v[:, row].to(model.dtype)
        seen = slice(0, place + 1)
        contexts.append(attend_run(q[row : row + 1], cache.k[index, :, seen], cache.v[index, :, seen], place))
    return torch.cat(contexts)


def _activated(model: Model, layer: Layer, x: Tensor) -> Tensor:
    up = _after_norm(model, layer.mlp_norm, layer.up, x)
    if not model.config.gated_mlp:
        return model.activation(up)
    gate, up = up.chunk(2, dim=-1)
    return model.activation(gate).mul_(up)


def _after_norm(model: Model, norm: Norm, linear: Linear, x: Tensor) -> Tensor:
    if model.is_int8:
        return linear(*norm.split(x))
    return linear(norm(x).to(model.dtype))
