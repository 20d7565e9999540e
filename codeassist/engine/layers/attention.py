"""Attention of new tokens over a cache: grouped queries, no copies of keys or values.

Knows no positions beyond slot order: a query at slot i sees the slots 0 … i.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_flash_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


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
