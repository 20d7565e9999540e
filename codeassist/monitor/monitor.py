"""What the decoder asks while it writes: whether a token may come next, and else which ones may.

Knows no text and no name. A monitor that is not sure says nothing: then the model's choice stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Which tokens may come next. `allowed`: (V,) bool; tokens beyond it (padding of a model's vocabulary) may not."""

    allowed: NDArray[np.bool_]


class Monitor(Protocol):
    """Watches one answer, token by token.

    The decoder asks about the token that it is about to take. So a monitor need not work out what it would say of all
    the others: only when it objects to one, it says which ones are left; of those the decoder takes another one and
    asks again. In the end every token that was asked about is the best of those that no monitor objects to.
    """

    @property
    def waited_ms(self) -> float:
        """How long `objection` has waited so far for what it needed to know."""
        ...

    def objection(self, token: int) -> Mask | None:
        """Return a mask without `token` if it must not come next; None if it may, or if that is not known.

        May wait a little for an analysis.
        """
        ...

    def foresees_objection(self, token: int) -> bool:
        """Say whether `objection` would object to `token`, as far as that is known now. Never waits, but has begun
        what it would have to wait for."""
        ...

    def accept(self, token: int) -> None:
        """Hear that the answer goes on with `token`, or with a draft of it."""
        ...

    def rollback(self, num_tokens: int) -> None:
        """Hear that the last tokens were a draft only: the answer ends before them."""
        ...


class Together:
    """Several monitors as one: a token may come next if none of them objects."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = monitors

    @property
    def waited_ms(self) -> float:
        """How long all of them have waited."""
        return sum(monitor.waited_ms for monitor in self._monitors)

    def objection(self, token: int) -> Mask | None:
        """Return what all those that object to `token` leave; None if none does."""
        masks = [mask for monitor in self._monitors if (mask := monitor.objection(token)) is not None]
        if len(masks) < 2:
            return masks[0] if masks else None
        size = min(len(mask.allowed) for mask in masks)
        return Mask(np.logical_and.reduce([mask.allowed[:size] for mask in masks]))

    def foresees_objection(self, token: int) -> bool:
        """Say whether any of them would object; each has begun what it would have to wait for."""
        foreseen = [monitor.foresees_objection(token) for monitor in self._monitors]
        return any(foreseen)

    def accept(self, token: int) -> None:
        """Tell all of them."""
        for monitor in self._monitors:
            monitor.accept(token)

    def rollback(self, num_tokens: int) -> None:
        """Tell all of them."""
        for monitor in self._monitors:
            monitor.rollback(num_tokens)


def num_permitted(monitor: Monitor, draft: Sequence[int]) -> int:
    """How many tokens of a draft stand before the first one that the monitor is known to object to.

    The monitor is where it was afterwards.
    """
    for number, token in enumerate(draft):
        if monitor.foresees_objection(token):
            monitor.rollback(number)
            return number
        monitor.accept(token)
    monitor.rollback(len(draft))
    return len(draft)
