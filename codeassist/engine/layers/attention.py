"""Key/value states of a token sequence, and attention of one pass's tokens over them.

Slot i is position i. Keys are kept twice: unrotated, and rotated to their slot. A moved key is rotated from the
unrotated copy in one step, so rotations never accumulate, however often it moves (PIE, "Let the Code LLM Edit Itself
When You Edit the Code", rotates the rotated key; "When Precision Meets Position" says what repeated low-precision
rotation costs).

A head's channels stand in pairs (2i, 2i+1), so that a rotation is one complex product; the model orders its query and
key rows so when it loads them (dot products do not notice).

    slots   0 … num_slots                 num_slots … capacity
    state   written, owned by the caller   undefined

A kind of pass is a class, a view of the cache: where the tokens write their states, which states each of them sees. A
block of the model knows queries, keys and values only; it hands them to the view, not rotated, and gets what attention
makes of them. Queries are grouped, keys and values never copied; a query at slot i sees the slots 0 … i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig

_MOVE_BLOCK = 256  # slots moved at a time: bounds the temporary copy to a few MiB
_flash_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


@dataclass(frozen=True, slots=True)
class Move:
    """Slots [src, src+length) become [dst, dst+length)."""

    src: int
    dst: int
    length: int


@dataclass(frozen=True, slots=True)
class States:
    """States outside a cache, free of position. k_raw, v: (L, H_kv, T, D)."""

    k_raw: Tensor
    v: Tensor

    @property
    def num_bytes(self) -> int:
        """Bytes that both tensors take."""
        return self.k_raw.numel() * self.k_raw.element_size() * 2


class KVCache:
    """States of up to `capacity` tokens. k_raw, k, v: (L, H_kv, C, D) in `dtype` on `device`.

    The memory is reserved at once and, on a CPU, becomes resident only as slots are written.
    """

    def __init__(self, config: ModelConfig, rotations: Tensor, capacity: int, dtype: torch.dtype) -> None:
        shape = (config.num_layers, config.num_kv_heads, capacity, config.head_dim)
        self.rotations = rotations  # (P, D/2) complex64, P ≥ capacity
        self.capacity = capacity
        self.k_raw = torch.empty(shape, dtype=dtype, device=rotations.device)
        self.k = torch.empty_like(self.k_raw)
        self.v = torch.empty_like(self.k_raw)

    @property
    def bytes_per_slot(self) -> int:
        """Bytes that one slot takes."""
        num_layers, num_kv_heads, _, head_dim = self.k.shape
        return 3 * num_layers * num_kv_heads * head_dim * self.k.element_size()

    def move(self, moves: Sequence[Move]) -> None:
        """Move runs of slots, all at once, in place, and rotate the moved keys to their new slots.

        `moves` are in rising order of src and of dst and do not overlap (an order-preserving alignment). Slots that
        no move writes keep what stood there. Runs that move left go first, in rising order, then runs that move
        right, in falling order: no run then overwrites one that has yet to move.
        """
        for move in moves:
            if move.dst < move.src:
                for offset in range(0, move.length, _MOVE_BLOCK):
                    self._move_block(move, offset, min(offset + _MOVE_BLOCK, move.length))
        for move in reversed(moves):
            if move.dst > move.src:
                for end in range(move.length, 0, -_MOVE_BLOCK):
                    self._move_block(move, max(0, end - _MOVE_BLOCK), end)

    def _move_block(self, move: Move, start: int, end: int) -> None:
        src, dst = slice(move.src + start, move.src + end), slice(move.dst + start, move.dst + end)
        self.v[:, :, dst] = self.v[:, :, src].clone()
        raw = self.k_raw[:, :, src].clone()
        self.k_raw[:, :, dst] = raw
        self.k[:, :, dst] = rotate(raw, self.rotations[dst])

    def export(self, start: int, end: int) -> States:
        """Copy the states of slots [start, end) out."""
        return States(self.k_raw[:, :, start:end].clone(), self.v[:, :, start:end].clone())

    def place(self, start: int, states: States) -> None:
        """Write exported states at slots start …, rotated to their new place."""
        here = slice(start, start + states.v.shape[2])
        self.v[:, :, here] = states.v
        self.k_raw[:, :, here] = states.k_raw
        self.k[:, :, here] = rotate(states.k_raw, self.rotations[here])

    def check(self, num_slots: int) -> None:
        """Assert that the rotated keys of the first `num_slots` slots are freshly rotated ones, to rounding."""
        if num_slots == 0:
            return
        fresh = rotate(self.k_raw[:, :, :num_slots], self.rotations[:num_slots]).to(self.k.dtype)
        rounding = 4 * torch.finfo(self.k.dtype).eps
        largest = fresh.abs().amax()
        drift = (fresh.float() - self.k[:, :, :num_slots].float()).abs()
        assert bool((drift <= rounding * largest.float()).all()), "rotated keys drifted from their unrotated copies"


class CacheView(Protocol):
    """The slots of one pass's tokens. Good for all layers of that pass."""

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write the tokens' keys and values of one layer; return what their queries see: (T, H·D).

        q: (H, T, D), k and v: (H_kv, T, D), not rotated. Mutates the slots of these tokens in that layer alone.
        """
        ...


class OneCacheView:
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


class RunView(OneCacheView):
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


class ScatteredView(OneCacheView):
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


class FixedShapeView(OneCacheView):
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


def rotation_table(config: ModelConfig, num_positions: int, device: torch.device) -> Tensor:
    """Rotations for positions 0 … num_positions-1: (P, D/2) complex64, angles computed in float64.

    float32 angles lose their relative-position property as positions grow ("When Precision Meets Position"), so the
    product position × frequency is taken in float64 and only the resulting unit vector is rounded.
    """
    angles = torch.outer(torch.arange(num_positions, dtype=torch.float64), frequencies(config))
    magnitude = 1.0 if config.rope_scaling is None else config.rope_scaling.magnitude
    rotations = torch.ones((num_positions, config.head_dim // 2), dtype=torch.complex128)  # what does not rotate
    rotations[:, : config.rotary_dim // 2] = torch.polar(torch.full_like(angles, magnitude), angles)
    return rotations.to(torch.complex64).to(device)


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotate interleaved channels. x: (..., T, D) float; rotations: (T, D/2) complex64 → float32 (..., T, D)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotations).flatten(-2)


def interleaved_order(num_heads: int, head_dim: int, rotary_dim: int) -> Tensor:
    """Row order that turns half-split heads (i with i + R/2) into interleaved ones (2i with 2i+1): (H·D,) int64.

    Of the R numbers of a head that rotate; the others stay.
    """
    halves = torch.arange(rotary_dim).view(2, rotary_dim // 2).t().reshape(-1)
    one_head = torch.cat([halves, torch.arange(rotary_dim, head_dim)])
    return (torch.arange(num_heads).unsqueeze(1) * head_dim + one_head).reshape(-1)


def frequencies(config: ModelConfig) -> Tensor:
    """Radians a position for each pair of channels that rotates, stretched as configured: (R/2,) float64."""
    half = config.rotary_dim // 2
    plain = config.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    scaling = config.rope_scaling
    return plain if scaling is None else scaling.stretched(plain, config.rope_theta)
