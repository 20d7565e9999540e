"""Key/value states of a token sequence, and attention of one pass's tokens over them.

Slot i is position i. Keys are kept twice: unrotated, and rotated to their slot. A moved key is rotated from the
unrotated copy in one step, so rotations never accumulate, however often it moves (PIE, "Let the Code LLM Edit Itself
When You Edit the Code", rotates the rotated key; "When Precision Meets Position" says what repeated low-precision
rotation costs).

    slots   0 … num_slots                 num_slots … capacity
    state   written, owned by the caller   undefined

A kind of pass is a class, a view of the cache: where the tokens write their states, which states each of them sees. A
block of the model knows queries, keys and values only; it hands them to the view, not rotated, and gets what attention
makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.layers.attention_kernels import (
    attend_alone,
    attend_fixed,
    attend_masked,
    attend_run,
    visible_mask,
)
from codeassist.engine.layers.rotary import rotate

_MOVE_BLOCK = 256  # slots moved at a time: bounds the temporary copy to a few MiB


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
        self.rotations = rotations  # (P, D/2) complex64; slots from P on have other positions than their own
        self.capacity = capacity
        self.k_raw = torch.empty(shape, dtype=dtype, device=rotations.device)
        self.k = torch.empty_like(self.k_raw)
        self.v = torch.empty_like(self.k_raw)

    @property
    def num_positions(self) -> int:
        """How long a sequence can be: slots beyond it are for what branches off before."""
        return min(self.capacity, len(self.rotations))

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
        k_raw = states.k_raw.to(self.k_raw)  # from another device, too
        self.v[:, :, here] = states.v
        self.k_raw[:, :, here] = k_raw
        self.k[:, :, here] = rotate(k_raw, self.rotations[here])

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
    """Tokens in one cache. `where`: their slots, `positions` those that they are rotated to, where others."""

    def __init__(self, cache: KVCache, where: slice | Tensor, positions: Tensor | None = None) -> None:
        self._cache = cache
        self._where = where
        self._rotations = cache.rotations[where if positions is None else positions]

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

    `exact_rows`: each token gets to the last bit what it would get alone, on a CPU in float32.
    """

    def __init__(self, cache: KVCache, start: int, stop: int, *, exact_rows: bool = False) -> None:
        super().__init__(cache, slice(start, stop))
        self._start = start
        self._stop = stop
        self._attention = attend_alone if exact_rows else attend_run

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
