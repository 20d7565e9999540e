"""Attention of the tokens of one pass over a cache: where they write their states, which states each of them sees.

One class a kind of pass. A block of the model knows queries, keys and values only; it hands them to the view, not
rotated, and gets what attention makes of them. Queries are grouped, keys and values never copied; a query at slot i
sees the slots 0 … i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.layers.kv_cache import KVCache, rotate

_flash_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


class CacheView(Protocol):
    """The slots of one pass's tokens. Good for all layers of that pass."""

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write the tokens' keys and values of one layer; return what their queries see: (T, H·D).

        q: (H, T, D), k and v: (H_kv, T, D), not rotated. Mutates the slots of these tokens in that layer alone.
        """
        ...


class _OneCache:
    """Tokens of one sequence. `where`: their slots; `rotations`: (T, D/2) complex64, those slots'."""

    def __init__(self, cache: KVCache, where: slice | Tensor) -> None:
        self._cache = cache
        self._where = where
        self._rotations = cache.rotations[where]

    def _write(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write keys and values to their slots; return the queries, rotated: (T, H, D)."""
        cache, where, rotations = self._cache, self._where, self._rotations
        dtype = cache.k.dtype
        k = k.to(dtype)
        cache.k_raw[layer_idx, :, where] = k
        cache.k[layer_idx, :, where] = rotate(k, rotations).to(dtype)
        cache.v[layer_idx, :, where] = v.to(dtype)
        return rotate(q, rotations).to(dtype).transpose(0, 1)


class RunView(_OneCache):
    """Slots [start, stop), after everything else in the cache that counts.

    `row_wise`: each token attends by itself, and gets to the last bit what it would get alone.
    """

    def __init__(self, cache: KVCache, start: int, stop: int, *, row_wise: bool = False) -> None:
        super().__init__(cache, slice(start, stop))
        self._start = start
        self._stop = stop
        self._attention = attend_row_wise if row_wise else attend_run

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        q = self._write(layer_idx, q, k, v)
        keys, values = self._cache.k[layer_idx, :, : self._stop], self._cache.v[layer_idx, :, : self._stop]
        return self._attention(q, keys, values, self._start)


class ScatteredView(_OneCache):
    """Slots anywhere, rising: each token sees every slot up to its own."""

    def __init__(self, cache: KVCache, slots: Sequence[int]) -> None:
        where = torch.tensor(slots, device=cache.k.device)
        super().__init__(cache, where)
        self._num_keys = slots[-1] + 1
        self._mask = visible_mask(where, self._num_keys, cache.k.dtype)

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        q = self._write(layer_idx, q, k, v)
        keys, values = self._cache.k[layer_idx, :, : self._num_keys], self._cache.v[layer_idx, :, : self._num_keys]
        return attend_masked(q, keys, values, self._mask)


class FixedShapeView(_OneCache):
    """A few slots, with shapes that follow from their number and `num_keys` alone: for CUDA graphs.

    slots: (T,) int64 on the device, all below `num_keys`. A token may come several times with the same slot. No value
    is read on the host.
    """

    def __init__(self, cache: KVCache, slots: Tensor, num_keys: int) -> None:
        super().__init__(cache, slots)
        self._num_keys = num_keys
        self._mask = visible_mask(slots, num_keys, torch.float32)

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        q = self._write(layer_idx, q, k, v)
        keys, values = self._cache.k[layer_idx, :, : self._num_keys], self._cache.v[layer_idx, :, : self._num_keys]
        return attend_fixed(q, keys, values, self._mask)


class BatchView:
    """One token of each of several sequences: row b stands at slots[b] of caches[b], after everything there."""

    def __init__(self, caches: Sequence[KVCache], slots: Sequence[int]) -> None:
        self._caches = caches
        self._slots = slots
        self._rotations = torch.stack([cache.rotations[slot] for cache, slot in zip(caches, slots, strict=True)])

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        dtype = self._caches[0].k.dtype
        k, v = k.to(dtype), v.to(dtype)
        rotated = rotate(k, self._rotations).to(dtype)
        q = rotate(q, self._rotations).to(dtype).transpose(0, 1)
        contexts: list[Tensor] = []
        for row, (cache, slot) in enumerate(zip(self._caches, self._slots, strict=True)):
            cache.k_raw[layer_idx, :, slot] = k[:, row]
            cache.k[layer_idx, :, slot] = rotated[:, row]
            cache.v[layer_idx, :, slot] = v[:, row]
            seen = slice(0, slot + 1)
            contexts.append(
                attend_run(q[row : row + 1], cache.k[layer_idx, :, seen], cache.v[layer_idx, :, seen], slot)
            )
        return torch.cat(contexts)


def view_of(cache: KVCache, slots: Sequence[int]) -> RunView | ScatteredView:
    """The view of rising slots of one cache, the slots before which hold states."""
    is_run = slots[-1] + 1 - slots[0] == len(slots)
    return RunView(cache, slots[0], slots[-1] + 1) if is_run else ScatteredView(cache, slots)


def attend_run(q: Tensor, k: Tensor, v: Tensor, start: int) -> Tensor:
    """Attention of a run of tokens that stand at slots start … start+T-1, after everything in the cache.

    q: (T, H, D); k, v: (H_kv, start+T, D) with the run's own states already in place → (T, H·D).
    """
    T, H, D = q.shape
    if q.device.type != "cpu" or q.dtype != torch.float32:
        if T == 1:
            out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k[None], v[None], enable_gqa=True)
            return out[0].transpose(0, 1).reshape(T, H * D)
        slots = torch.arange(start + T, device=q.device)
        return attend_masked(q, k, v, visible_mask(slots[start:], start + T, q.dtype))
    H_kv = k.shape[0]
    group = H // H_kv
    grouped = q.view(T, H_kv, group, D).permute(1, 2, 0, 3)  # (H_kv, G, T, D)
    if T == 1:
        # One row a head: the group's heads are rows of one product, so that a key is read once a group.
        out, _ = _flash_cpu(grouped.reshape(1, H_kv, group, D), k[None], v[None])
        return out.reshape(1, H * D)
    own = (H_kv, group, T, D)
    out, own_lse = _flash_cpu(grouped, k[:, None, start:].expand(own), v[:, None, start:].expand(own), is_causal=True)
    if start:
        # The past needs no mask; the two softmaxes join by their normalisers (log-sum-exp), as in flash decoding.
        past, past_lse = _flash_cpu(grouped.reshape(1, H_kv, group * T, D), k[None, :, :start], v[None, :, :start])
        weight = torch.sigmoid(own_lse - past_lse.view(H_kv, group, T))
        out = torch.lerp(past.view(own), out, weight.unsqueeze(-1))
    return out.permute(2, 0, 1, 3).reshape(T, H * D)


def attend_row_wise(q: Tensor, k: Tensor, v: Tensor, start: int) -> Tensor:
    """As `attend_run`, each token by itself: it gets to the last bit what it would get alone, and takes longer.

    int8 products round what they are given, and blow up to a hundredth what differs in the last bit: a draft that is
    verified by anything else can change the answer.
    """
    rows = [attend_run(q[i : i + 1], k[:, : start + i + 1], v[:, : start + i + 1], start + i) for i in range(len(q))]
    return torch.cat(rows)


def attend_masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention of tokens at any slots. q: (T, H, D); k, v: (H_kv, N, D); mask: (T, N) added → (T, H·D)."""
    T, H, D = q.shape
    out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k[None], v[None], attn_mask=mask, enable_gqa=True)
    return out[0].transpose(0, 1).reshape(T, H * D)


def attend_fixed(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """As `attend_masked`, by plain products: a group's heads are rows of one, so that each key is read once.

    For few rows on a GPU, where fused kernels read keys and values again for every head of a group.
    """
    T, H, D = q.shape
    H_kv = k.shape[0]
    group = H // H_kv
    grouped = q.view(T, H_kv, group, D).permute(1, 2, 0, 3).reshape(H_kv, group * T, D)
    scores = torch.matmul(grouped * D**-0.5, k.transpose(1, 2)).view(H_kv, group, T, -1)
    weights = torch.softmax(scores.float() + mask, dim=-1).to(v.dtype)
    out = torch.matmul(weights.view(H_kv, group * T, -1), v)
    return out.view(H_kv, group, T, D).permute(2, 0, 1, 3).reshape(T, H * D)


def visible_mask(slots: Tensor, num_keys: int, dtype: torch.dtype) -> Tensor:
    """Additive mask: a query at slot s sees keys 0 … s. slots: (T,) int64 → (T, N) of 0 and −inf."""
    hidden = torch.arange(num_keys, device=slots.device) > slots.unsqueeze(1)
    return torch.zeros(hidden.shape, dtype=dtype, device=slots.device).masked_fill_(hidden, float("-inf"))
