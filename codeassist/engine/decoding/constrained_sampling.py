"""Choosing a token under a monitor: the best of those that it does not object to.

What is chosen is what masking the logits with all that the monitor would say of any token gives; but only tokens that
the model wants are asked about, so that an answer without objections costs nothing over the vocabulary. Of a sample
the best is that of perturbed logits ("Gumbel-max trick"): the masked, weighed and renormalised distribution exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codeassist.monitor.monitor import Mask, Monitor, num_permitted

Names = Sequence[Sequence[int]]
Choose = Callable[[Tensor], tuple[int, float]]


class MonitoredChoice:
    """Chooses tokens under `monitor` and notes what that took; `perturb` gives the logits whose best one is chosen.

    Where masks leave nothing, they do not count. Where the likeliest name is forbidden, `weigh` says which of the
    others is the likeliest as a whole; `planned` are its tokens that are still to come. `token_ms` is what each token
    took, `weighing_ms` what each weighing of names took of that.
    """

    def __init__(
        self, monitor: Monitor, perturb: Callable[[Tensor], Tensor], weigh: Callable[[Tensor, Names], Sequence[int]]
    ) -> None:
        self._monitor = monitor
        self._perturb = perturb
        self._weigh = weigh
        self._draft_ms = 0.0
        self.token_ms: list[float] = []
        self.weighing_ms: list[float] = []
        self.planned: list[int] = []

    def __call__(self, logits: Tensor) -> tuple[int, float]:
        """logits: (V,) float32 → (token id, its log-probability under the model without masks)."""
        scores = self._perturb(logits)
        norm = torch.logsumexp(logits, dim=-1)
        began, waited_ms = perf_counter(), self._monitor.waited_ms
        permitted = best_permitted(scores, self._monitor, lambda token: float(logits[token] - norm))
        token = int((scores if permitted is None else permitted).argmax())
        planned, self.planned = self.planned, []
        if planned and permitted is not None and float(permitted[planned[0]]) > -torch.inf:
            token, self.planned = planned[0], planned[1:]
        elif permitted is not None and scores is logits and token != int(scores.argmax()):
            names = self._monitor.whole_names(token)
            if len(names) > 1:
                weighing = perf_counter()
                token, *self.planned = self._weigh(logits, names)
                self.weighing_ms.append((perf_counter() - weighing) * 1e3)
        self._note(began, waited_ms)
        return token, float(logits[token] - norm)

    def ranked(self, logits: Tensor, rank: int, stop_ids: frozenset[int], otherwise: Choose) -> tuple[int, float]:
        """As `decode.choose_ranked`, among those that may come; the best of these where they are fewer, and what
        `otherwise` chooses where there are none."""
        norm = torch.logsumexp(logits, dim=-1)
        began, waited_ms = perf_counter(), self._monitor.waited_ms
        ranking: list[int] = []
        scores = logits.clone()
        while len(ranking) <= rank:
            permitted = best_permitted(scores, self._monitor, lambda token: float(logits[token] - norm))
            if permitted is None:
                break
            token = int(permitted.argmax())
            ranking.append(token)
            scores[token] = -torch.inf
            if len(ranking) == 1:
                scores[[stop for stop in stop_ids if stop < len(scores)]] = -torch.inf
        self._note(began, waited_ms)
        if not ranking:
            return otherwise(logits)
        token = ranking[rank] if rank < len(ranking) else ranking[0]
        return token, float(logits[token] - norm)

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


def best_permitted(scores: Tensor, monitor: Monitor, logprob: Callable[[int], float]) -> Tensor | None:
    """scores: (V,) → the same, with -inf for what the monitor forbids, and less for what costs something, up to the
    best that it does not object to; None where nothing is left. `logprob` is a token's in the model."""
    left: Tensor | None = scores
    has_paid: NDArray[np.bool_] | None = None
    while left is not None and float(left.max()) != -torch.inf:
        token = int(left.argmax())
        mask = monitor.objection(token, logprob(token))
        if mask is None or (mask.cost < torch.inf and has_paid is not None and has_paid[token]):
            return left
        if mask.cost == torch.inf:
            left = _masked(left, mask, token)
            continue
        has_paid = np.zeros(len(left), dtype=np.bool_) if has_paid is None else has_paid
        pays = ~has_paid
        pays[: len(mask.allowed)] &= ~mask.allowed[: len(left)]
        left = left.clone()
        left[torch.as_tensor(np.flatnonzero(pays), device=left.device)] -= mask.cost
        has_paid |= pays
    return None


def _masked(logits: Tensor, mask: Mask, token: int) -> Tensor | None:
    """logits: (V,) float32 → a copy with -inf where the mask does not allow, and beyond the mask; None where nothing is
    left.

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
        return left if num_allowed and float(kept.max()) != -torch.inf else None
    left = logits.clone()
    left[torch.as_tensor(np.flatnonzero(~allowed), device=logits.device)] = -torch.inf
    left[len(allowed) :] = -torch.inf
    return left if float(left.max()) != -torch.inf else None
