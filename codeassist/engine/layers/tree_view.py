"""The view of a tree of tokens: several ways to go on, read in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from codeassist.engine.layers.attention import KVCache, OneCacheView
from codeassist.engine.layers.attention_kernels import attend_masked


class TreeView(OneCacheView):
    """Several ways to go on after the first `num_past` slots, at once, in slots from `first_slot` on.

    parents: for each token the number of the one that it goes on from, None: from the past. A token sees the past and
    the tokens on its way, and stands where it would stand if there were no other ways ("SpecInfer").
    """

    def __init__(self, cache: KVCache, num_past: int, first_slot: int, parents: Sequence[int | None]) -> None:
        stop = first_slot + len(parents)
        super().__init__(cache, slice(first_slot, stop))
        visible = torch.zeros(len(parents), stop, dtype=torch.bool)
        visible[:, :num_past] = True
        positions: list[int] = []
        for row, parent in enumerate(parents):
            if parent is not None:
                visible[row] |= visible[parent]
            visible[row, first_slot + row] = True
            positions.append(num_past if parent is None else positions[parent] + 1)
        self._rotations = cache.rotations[torch.tensor(positions, device=cache.rotations.device)]
        mask = torch.zeros(visible.shape, dtype=cache.k.dtype).masked_fill_(~visible, float("-inf"))
        self._mask = mask.to(cache.k.device)
        self._stop = stop

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        q = self._write(layer_idx, q, k, v)
        keys, values = self._cache.k[layer_idx, :, : self._stop], self._cache.v[layer_idx, :, : self._stop]
        return attend_masked(q, keys, values, self._mask)
