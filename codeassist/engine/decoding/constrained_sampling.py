"""Choosing a token under a monitor: the best or a sample of those that it does not object to.

What is chosen is what masking the logits with all that the monitor would say of any token gives; but only tokens that
the model wants are asked about, so that an answer without objections costs nothing over the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from codeassist.monitor.monitor import Mask, Monitor, num_permitted

Choose = Callable[[Tensor], tuple[int, float]]


class MonitoredChoice:
    """Chooses tokens under `monitor` and notes what that took; `pick` picks among the logits that are left.

    A sample that the monitor objects to is drawn again from what its mask leaves, which is sampling from the masked
    and renormalised distribution. Where masks leave nothing, they do not count.
    """

    def __init__(self, monitor: Monitor, choose: Choose, pick: Callable[[Tensor], int]) -> None:
        self._monitor = monitor
        self._choose = choose
        self._pick = pick
        self._draft_ms = 0.0
        self.token_ms: list[float] = []

    def __call__(self, logits: Tensor) -> tuple[int, float]:
        """logits: (V,) float32 → (token id, its log-probability under the model without masks)."""
        wanted, wanted_logprob = self._choose(logits)
        began, waited_ms = perf_counter(), self._monitor.waited_ms
        token, left = wanted, logits
        while (mask := self._monitor.objection(token)) is not None:
            masked = _masked(left, mask, token)
            if masked is None:
                token = wanted
                break
            left = masked
            token = self._pick(left)
        self._note(began, waited_ms)
        if token == wanted:
            return wanted, wanted_logprob
        return token, wanted_logprob + float(logits[token] - logits[wanted])

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
                masked = _masked(left, mask, token)
                if masked is None:
                    break
                left = masked
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


def best_permitted(logits: Tensor, monitor: Monitor) -> Tensor | None:
    """logits: (V,) → the same, with -inf for what the monitor objects to, up to the best that it does not object to;
    None where nothing is left."""
    left = logits
    while _any_left(left):
        token = int(left.argmax())
        mask = monitor.objection(token)
        if mask is None:
            return left
        masked = _masked(left, mask, token)
        if masked is None:
            return None
        left = masked
    return None


def _masked(logits: Tensor, mask: Mask, token: int) -> Tensor | None:
    """logits: (V,) → a copy with -inf where the mask does not allow, and beyond the mask; None where nothing is left.

    Few tokens are copied or struck out, whichever are fewer: a pass over a mask of the vocabulary takes two to three
    times as long (151,936 tokens, 2 busy cores, 2026-11-21).
    """
    allowed = mask.allowed[: len(logits)]
    assert token >= len(allowed) or not allowed[token], "a mask is without the token that it objects to"
    num_allowed = int(np.count_nonzero(allowed))
    if 2 * num_allowed < len(allowed):
        ids = torch.as_tensor(np.flatnonzero(allowed), device=logits.device)
        left, kept = torch.full_like(logits, -torch.inf), logits[ids]
        left[ids] = kept
        return left if num_allowed and _any_left(kept) else None
    left = logits.clone()
    left[torch.as_tensor(np.flatnonzero(~allowed), device=logits.device)] = -torch.inf
    left[len(allowed) :] = -torch.inf
    return left if _any_left(left) else None


def _any_left(logits: Tensor) -> bool:
    return float(logits.max()) != -torch.inf


def _logprob(logits: Tensor, token: int) -> float:
    return float(logits[token] - torch.logsumexp(logits, dim=-1))
