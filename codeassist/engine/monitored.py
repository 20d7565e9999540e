"""Choosing a token under a monitor: the best or a sample of those that it does not object to.

Knows token ids and logits only. What is chosen is what masking the logits with all that the monitor would say of any
token gives; but only tokens that the model wants are asked about, so that an answer without objections costs nothing
over the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import torch
from torch import Tensor

from codeassist.monitor.monitor import Mask, Monitor, num_permitted

Choose = Callable[[Tensor], tuple[int, float]]


class MonitoredChoice:
    """Chooses tokens under `monitor` and notes what that took; `choose` is what chooses among the logits left.

    A sample that the monitor objects to is drawn again from what its mask leaves, which is sampling from the masked
    and renormalised distribution. Where masks leave nothing, they do not count.
    """

    def __init__(self, monitor: Monitor, choose: Choose) -> None:
        self._monitor = monitor
        self._choose = choose
        self._draft_ms = 0.0
        self.token_ms: list[float] = []

    def __call__(self, logits: Tensor) -> tuple[int, float]:
        """logits: (V,) float32 → (token id, its log-probability under the model without masks)."""
        wanted = self._choose(logits)
        began, waited_ms = perf_counter(), self._monitor.waited_ms
        token, left = wanted[0], logits
        while token is not None and (mask := self._monitor.objection(token)) is not None:
            left = _masked(left, mask, token)
            token = self._choose(left)[0] if _any_left(left) else None
        self._note(began, waited_ms)
        if token is None or left is logits:
            return wanted
        return token, _logprob(logits, token)

    def ranked(self, logits: Tensor, rank: int, stop_ids: frozenset[int], otherwise: Choose) -> tuple[int, float]:
        """As `decode.choose_ranked`, among those that may come; the best of these where they are fewer, and what
        `otherwise` chooses where there are none."""
        began, waited_ms = perf_counter(), self._monitor.waited_ms
        ranking: list[int] = []
        left = logits.clone()
        while len(ranking) <= rank and _any_left(left):
            token = int(left.argmax())
            mask = self._monitor.objection(token)
            if mask is not None:
                left = _masked(left, mask, token)
                continue
            ranking.append(token)
            left[token] = -torch.inf
            if len(ranking) == 1:
                left[[stop for stop in stop_ids if stop < len(left)]] = -torch.inf
        self._note(began, waited_ms)
        if not ranking:
            return otherwise(logits)
        token = ranking[rank] if rank < len(ranking) else ranking[0]
        return token, _logprob(logits, token)

    def accept(self, token: int) -> None:
        """Tell the monitor that the answer goes on with `token`."""
        self._monitor.accept(token)

    def cut(self, draft: Sequence[int]) -> Sequence[int]:
        """The draft up to the first token that the monitor is known to object to."""
        began = perf_counter()
        permitted = draft[: num_permitted(self._monitor, draft)]
        self._draft_ms = (perf_counter() - began) * 1e3
        return permitted

    def _note(self, began: float, waited_ms: float) -> None:
        took_ms = (perf_counter() - began) * 1e3 - (self._monitor.waited_ms - waited_ms)
        self.token_ms.append(took_ms + self._draft_ms)
        self._draft_ms = 0.0


def _masked(logits: Tensor, mask: Mask, token: int) -> Tensor:
    """logits: (V,) → a copy with -inf where the mask does not allow; what lies beyond the mask is not allowed."""
    allowed = torch.as_tensor(mask.allowed, device=logits.device)
    assert token >= len(allowed) or not mask.allowed[token], "a mask is without the token that it objects to"
    left = torch.full_like(logits, -torch.inf)
    num = min(len(allowed), len(logits))
    left[:num] = logits[:num].masked_fill(~allowed[:num], -torch.inf)
    return left


def _any_left(logits: Tensor) -> bool:
    return float(logits.max()) != -torch.inf


def _logprob(logits: Tensor, token: int) -> float:
    return float(logits[token] - torch.logsumexp(logits, dim=-1))
