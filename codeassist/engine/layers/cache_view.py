"""Where the tokens of one pass write their states, and which states each of them sees: one class a kind of pass.

A block of the model knows queries, keys and values only; it hands them to the view, unrotated, and gets what attention
makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from codeassist.engine.layers.attention import attend_fixed, attend_masked, attend_row_wise, attend_run, visible_mask
from codeassist.engine.layers.kv_cache import KVCache
from codeassist.engine.layers.rope import rotate


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
