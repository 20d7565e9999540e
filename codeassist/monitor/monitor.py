"""What the decoder asks while it writes: whether a token may come next, and else which ones may.

A monitor that is not sure says nothing: then the model's choice stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Which tokens may come next. `allowed`: (V,) bool; tokens beyond it (padding of a model's vocabulary) may not.

    `cost`: what the others lose of their log-probability, in nats; with a finite one they may come all the same.
    """

    allowed: NDArray[np.bool_]
    cost: float = inf


class Monitor(Protocol):
    """Watches one answer, token by token.

    The decoder asks about the token that it is about to take. So a monitor need not work out what it would say of all
    the others: only when it objects to one, it says which ones are left; of those the decoder takes another one and
    asks again. In the end every token that was asked about is the best of those that no monitor objects to. A token
    that a mask with a finite cost is without pays that once, and comes if it is still the best.
    """

    @property
    def waited_ms(self) -> float:
        """How long `objection` has waited so far for what it needed to know."""
        ...

    def objection(self, token: int, logprob: float) -> Mask | None:
        """Return a mask without `token` if it must not come next; None if it may, or if that is not known.

        `logprob`: the model's own, for the record. What forbids the token goes before what only makes it cost
        something. May wait a little for an analysis.
        """
        ...

    def whole_names(self, token: int) -> Sequence[Sequence[int]]:
        """Say which names `token` might begin where the one that was wanted is forbidden: the tokens of each, none
        where it begins none, or only one."""
        ...

    @property
    def after_name(self) -> NDArray[np.bool_]:
        """Which tokens do not go on with a name: (V,)."""
        ...

    def foresees_objection(self, token: int) -> bool:
        """Say whether `objection` would object to `token`, as far as that is known now. Never waits, but has begun
        what it would have to wait for."""
        ...

    def begin_within(self, written: bytes) -> None:
        """Hear, before the first token, that it begins with `written`, which stands before the cursor already, and goes
        on behind it. A mask may then be empty. The last word counts."""
        ...

    def accept(self, token: int) -> None:
        """Hear that the answer goes on with `token`, or with a draft of it."""
        ...

    def rollback(self, num_tokens: int) -> None:
        """Hear that the last tokens were a draft only: the answer ends before them."""
        ...


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
