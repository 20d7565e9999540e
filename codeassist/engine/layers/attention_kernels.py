"""Attention of one pass's tokens over keys and values: one function a kind of pass and device.

Queries are grouped, keys and values never copied; a query at slot i sees the slots 0 … i.
"""

from __future__ import annotations

import functools
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

_TILE = 32  # tokens that attend together: their scores stay in the cache of a core
_FEWEST_KEYS = 384  # MKL's block of a sum: below it the order in which numbers are added follows from their number
_FEWEST_ROWS = 4
_flash_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def attend_run(q: Tensor, k: Tensor, v: Tensor, start: int) -> Tensor:
    """Attention of a run of tokens that stand at slots start … start+T-1, after everything in the cache.

    q: (T, H, D); k, v: (H_kv, start+T, D) with the run's own states already in place → (T, H·D).
    """
    T, H, D = q.shape
    if not has_flash(q):
        if T == 1:
            out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k[None], v[None], enable_gqa=True)
            return out[0].transpose(0, 1).reshape(T, H * D)
        slots = torch.arange(start + T, device=q.device)
        return attend_masked(q, k, v, visible_mask(slots[start:], start + T, q.dtype))
    if T == 1 and q.device.type == "cpu":
        return _attend_tile(q, k, v, start)
    H_kv = k.shape[0]
    group = H // H_kv
    grouped = q.view(T, H_kv, group, D).permute(1, 2, 0, 3)  # (H_kv, G, T, D)
    own = (H_kv, group, T, D)
    out, own_lse = _flash(grouped, k[:, None, start:].expand(own), v[:, None, start:].expand(own), is_causal=True)
    if start:
        # The past needs no mask; the two softmaxes join by their normalisers (log-sum-exp), as in flash decoding.
        past, past_lse = _flash(grouped.reshape(1, H_kv, group * T, D), k[None, :, :start], v[None, :, :start])
        weight = torch.sigmoid(own_lse - past_lse.view(H_kv, group, T))
        out = torch.lerp(past.view(own).float(), out.float(), weight.unsqueeze(-1)).to(q.dtype)
    return out.permute(2, 0, 1, 3).reshape(T, H * D)


def has_flash(q: Tensor) -> bool:
    """Whether runs of such queries attend without a mask: float32 on a CPU, 16 bits on an NVIDIA GPU."""
    if q.device.type == "cuda":
        return q.dtype in (torch.bfloat16, torch.float16) and q.shape[-1] % 8 == 0
    return q.device.type == "cpu" and q.dtype == torch.float32


def _flash(q: Tensor, k: Tensor, v: Tensor, *, is_causal: bool = False) -> tuple[Tensor, Tensor]:
    """Attention, and the log-sum-exp of each row's scores. q, k, v: (B, H, T or N, D) → (B, H, T, D), (B, H, T)."""
    if q.device.type == "cpu":
        return _flash_cpu(q, k, v, is_causal=is_causal)
    found = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal)
    return found[0], found[1][..., : q.shape[2]]


def attend_alone(q: Tensor, k: Tensor, v: Tensor, start: int) -> Tensor:
    """As `attend_run`, and each token gets to the last bit what it would get alone: float32 on a CPU.

    int8 products round what they are given, and blow up to a hundredth what differs in the last bit: a draft that is
    verified by anything else can change the answer. Products over whole tiles of tokens give each row what it gets
    alone wherever the library that multiplies adds up a row's numbers in an order that its neighbours do not change.
    That is tried once for each shape of heads; where it is not so, and where few keys are seen, the tokens attend one
    after the other.
    """
    T, H, D = q.shape
    H_kv = k.shape[0]
    group = H // H_kv
    if T > 1 and start >= _FEWEST_KEYS and rows_are_independent(H_kv, group, D):
        edges = [*range(0, T, _TILE), T]
    else:
        edges = list(range(T + 1))
    tiles = [
        _attend_tile(q[first:last], k[:, : start + last], v[:, : start + last], start + first)
        for first, last in pairwise(edges)
    ]
    return tiles[0] if len(tiles) == 1 else torch.cat(tiles)


def _attend_tile(q: Tensor, k: Tensor, v: Tensor, start: int) -> Tensor:
    """Attention by plain products of a group's heads, so that each key is read once. Shapes as in `attend_run`."""
    T, H, D = q.shape
    H_kv = k.shape[0]
    group = H // H_kv
    grouped = (q * D**-0.5).view(T, H_kv, group, D).permute(1, 2, 0, 3).reshape(H_kv, group * T, D)
    num_rows = group * T
    if num_rows < _FEWEST_ROWS:  # products of one to three rows are other routines, which add up in another order
        grouped = torch.cat([grouped, grouped.new_zeros(H_kv, _FEWEST_ROWS - num_rows, D)], dim=1)
    scores = torch.bmm(grouped, k.transpose(1, 2))
    if T > 1:
        own = scores[:, :num_rows, start:].view(H_kv, group, T, T)
        own.masked_fill_(torch.ones(T, T, dtype=torch.bool).triu_(1), float("-inf"))
    out = torch.bmm(torch.softmax(scores, dim=-1), v)
    return out[:, :num_rows].reshape(H_kv, group, T, D).permute(2, 0, 1, 3).reshape(T, H * D)


@functools.cache
def rows_are_independent(num_kv_heads: int, group: int, head_dim: int) -> bool:
    """Whether, on this machine, a tile of tokens attends to the last bit as its tokens do alone.

    A group is the number of query heads to a key head. Random numbers, sizes from the least to some thousands of keys:
    tens of milliseconds, once a process, when a model is loaded.
    """
    generator = torch.Generator().manual_seed(0)
    num_keys = _FEWEST_KEYS + 1700
    k, v = torch.randn((2, num_kv_heads, num_keys, head_dim), generator=generator)
    for num_tokens in (2, 3, 5, 8, 13, _TILE):
        q = torch.randn((num_tokens, num_kv_heads * group, head_dim), generator=generator)
        for start in (_FEWEST_KEYS, _FEWEST_KEYS + 131, _FEWEST_KEYS + 1024, num_keys - num_tokens):
            stop = start + num_tokens
            together = _attend_tile(q, k[:, :stop], v[:, :stop], start)
            for i in {0, num_tokens // 2, num_tokens - 1}:
                seen = start + i + 1
                alone = _attend_tile(q[i : i + 1], k[:, :seen], v[:, :seen], seen - 1)
                if not torch.equal(alone[0], together[i]):
                    return False
    return True


def attend_masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention of tokens at any slots. q: (T, H, D); k, v: (H_kv, N, D); mask: (T, N) added → (T, H·D)."""
    T, H, D = q.shape
    out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k[None], v[None], attn_mask=mask, enable_gqa=True)
    return out[0].transpose(0, 1).reshape(T, H * D)


def attend_fixed(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """As `attend_masked`, by plain products: a group's heads are rows of one, so that each key is read once.

    For few rows: fused kernels read keys and values again for every head of a group on a GPU, and for each row of a
    mask on a CPU.
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
