"""Several ways to go on after what a live cache holds, which share its states and the passes that go on with them.

slots      0 … what the cache holds     beyond, as each is free
state      seen by every branch         one branch's own
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.layers.model import Model, Pass
from codeassist.engine.layers.tree_view import MaskedView, on_the_way


class Past(Protocol):
    """What an answer goes on from: a `LiveCache`, or one of several branches behind it."""

    @property
    def model(self) -> Model:
        """Return the model whose states these are."""
        ...

    @property
    def num_tokens(self) -> int:
        """Return how many tokens there are."""
        ...

    @property
    def room(self) -> int:
        """Return for how many more there is room."""
        ...

    def truncate(self, length: int) -> None:
        """Forget the tokens from `length` on."""
        ...

    def look_ahead(self, num_past: int, token_ids: Sequence[int], parents: Sequence[int | None]) -> Tensor:
        """As `LiveCache.look_ahead`."""
        ...


class Branches:
    """`num_branches` ways to go on after all that `live` holds, which must not change meanwhile.

    Where there is no more room in the cache, a branch has none.
    """

    def __init__(self, live: LiveCache, num_branches: int) -> None:
        self.live = live
        self.num_shared = len(live.tokens)
        self.each = tuple(Branch(self) for _ in range(num_branches))

    def extend(self, wanted: Sequence[tuple[Branch, Sequence[int]]]) -> list[Tensor]:
        """Encode tokens after everything in each of some branches, in one pass; return their hidden states: (T, D)
        float32 for each. All of them must have room."""
        free = self.free_slots()
        token_ids: list[int] = []
        slots: list[int] = []
        positions: list[int] = []
        seen: list[list[int]] = []
        for branch, tokens in wanted:
            for token in tokens:
                slot = free[len(slots)]
                token_ids.append(token)
                slots.append(slot)
                positions.append(branch.num_tokens)
                branch.slots.append(slot)
                seen.append(list(branch.slots))
        visible = self.visible(seen, slots)
        hidden = self._run(token_ids, slots, positions, visible)
        return list(torch.split(hidden, [len(tokens) for _, tokens in wanted]))

    def look_ahead(self, slots: Sequence[int], token_ids: Sequence[int], parents: Sequence[int | None]) -> Tensor:
        """As `LiveCache.look_ahead`, after what is shared and a branch's first own `slots`."""
        free = self.free_slots()[: len(parents)]
        visible = self.visible([slots] * len(parents), free)
        depths = on_the_way(visible, free, parents)
        return self._run(token_ids, free, [self.num_shared + len(slots) + depth for depth in depths], visible)

    def free_slots(self) -> list[int]:
        """The slots behind what is shared that no branch holds."""
        held = {slot for branch in self.each for slot in branch.slots}
        return [slot for slot in range(self.num_shared, self.live.states.capacity) if slot not in held]

    def visible(self, seen: Sequence[Sequence[int]], written: Sequence[int]) -> Tensor:
        """Which keys each of T tokens sees: what is shared, and the slots `seen`. (T, N) bool, with room for the slots
        `written`, too."""
        last = max(slot for slots in (*seen, written) for slot in slots)
        visible = torch.zeros(len(seen), last + 1, dtype=torch.bool)
        visible[:, : self.num_shared] = True
        for row, slots in enumerate(seen):
            visible[row, list(slots)] = True
        return visible

    def _run(self, token_ids: Sequence[int], slots: list[int], positions: list[int], visible: Tensor) -> Tensor:
        model = self.live.model
        view = MaskedView(self.live.states, torch.tensor(slots, device=model.device), positions, visible)
        return model.run(Pass(torch.tensor(list(token_ids), device=model.device), view))


class Branch:
    """One of several ways to go on. `slots`: its own, in the order of its tokens. See `Past`."""

    def __init__(self, branches: Branches) -> None:
        self.slots: list[int] = []
        self._branches = branches

    @property
    def model(self) -> Model:
        """See Past."""
        return self._branches.live.model

    @property
    def num_tokens(self) -> int:
        """See Past."""
        return self._branches.num_shared + len(self.slots)

    @property
    def room(self) -> int:
        """See Past: its share of what is free."""
        positions = self._branches.live.states.num_positions - self.num_tokens
        return min(positions, len(self._branches.free_slots()) // len(self._branches.each))

    def truncate(self, length: int) -> None:
        """See Past. What is shared stays."""
        del self.slots[length - self._branches.num_shared :]

    def look_ahead(self, num_past: int, token_ids: Sequence[int], parents: Sequence[int | None]) -> Tensor:
        """See Past."""
        return self._branches.look_ahead(self.slots[: num_past - self._branches.num_shared], token_ids, parents)
