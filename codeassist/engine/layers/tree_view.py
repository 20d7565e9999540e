"""Views of tokens that do not see all that stands before them: several ways to go on, read in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from codeassist.engine.layers.attention import KVCache, OneCacheView
from codeassist.engine.layers.attention_kernels import attend_fixed


class MaskedView(OneCacheView):
    """Tokens in slots `where`, rotated to their `positions`. visible: (T, N) bool, which of the first N slots each of
    them sees, its own included."""

    def __init__(self, cache: KVCache, where: slice | Tensor, positions: Sequence[int], visible: Tensor) -> None:
        super().__init__(cache, where, torch.tensor(positions, device=cache.rotations.device))
        mask = torch.zeros(visible.shape).masked_fill_(~visible, float("-inf"))
        self._mask = mask.to(cache.k.device)
        self._stop = visible.shape[1]

    def attend(self, layer_idx: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See CacheView."""
        q = self._write(layer_idx, q, k, v)
        keys, values = self._cache.k[layer_idx, :, : self._stop], self._cache.v[layer_idx, :, : self._stop]
        return attend_fixed(q, keys, values, self._mask)


class TreeView(MaskedView):
    """Several ways to go on after the first `num_past` slots, at once, in slots from `first_slot` on.

    parents: for each token the number of the one that it goes on from, None: from the past. A token sees the past and
    the tokens on its way, and stands where it would stand if there were no other ways ("SpecInfer").
    """

    def __init__(self, cache: KVCache, num_past: int, first_slot: int, parents: Sequence[int | None]) -> None:
        stop = first_slot + len(parents)
        visible = torch.zeros(len(parents), stop, dtype=torch.bool)
        visible[:, :num_past] = True
        depths = on_the_way(visible, range(first_slot, stop), parents)
        super().__init__(cache, slice(first_slot, stop), [num_past + depth for depth in depths], visible)


def on_the_way(visible: Tensor, slots: Sequence[int], parents: Sequence[int | None]) -> list[int]:
    """Let each token of a tree, in these slots, see itself and what is on its way; return how many tokens that is for
    each, without itself. Mutates `visible`: (T, N) bool."""
    depths: list[int] = []
    for row, parent in enumerate(parents):
        if parent is not None:
            visible[row] |= visible[parent]
        visible[row, slots[row]] = True
        depths.append(0 if parent is None else depths[parent] + 1)
    return depths
