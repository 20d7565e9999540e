"""Training: batches of rows, one step after the other, reproducible by seed, and going on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch.nn.utils import clip_grad_norm_

from codeassist_eval.training.edits.lora import LoraModel
from codeassist_eval.training.edits.rows import Row
from codeassist_eval.training.optimiser_state import State


@dataclass(frozen=True, slots=True)
class LoraPlan:
    """How the adapter is trained. Rows longer than `most_tokens` are left out."""

    rank: int = 8
    rows: int = 2400
    batch: int = 8
    rate: float = 3e-4
    warmup_steps: int = 8
    most_tokens: int = 480
    save_every_s: float = 180.0
    seed: int = 0

    @property
    def alpha(self) -> float:
        """Twice the rank, so that another rank wants no other rate."""
        return 2.0 * self.rank

    def rate_at(self, step: int, num_steps: int) -> float:
        """The learning rate of a step: up in the first ones, then in a line down to a tenth."""
        return self.rate * min(1.0, (step + 1) / self.warmup_steps) * (1 - 0.9 * step / num_steps)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was made: `loss` is a counted token's, in nats; `tokens_per_s` of the step's rows."""

    number: int
    of: int
    rows: int
    loss: float
    tokens_per_s: float


def train(
    model: LoraModel,
    rows: Sequence[Row],
    plan: LoraPlan,
    begin: State | None,
    note: Callable[[Step], None],
    save: Callable[[State], None],
) -> None:
    """Train on all rows once. Changes `model`. `save` is given what it can go on from, now and then and at the end."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.0)
    first = 0
    if begin is not None:
        model.adapters.load_state_dict(begin.model)
        optimiser.load_state_dict(begin.optimiser)
        first = begin.step
    num_steps = -(-len(rows) // plan.batch)
    saved = perf_counter()
    for number in range(first, num_steps):
        started = perf_counter()
        batch = rows[number * plan.batch : (number + 1) * plan.batch]
        for group in optimiser.param_groups:
            group["lr"] = plan.rate_at(number, num_steps)
        optimiser.zero_grad()
        counted = sum(sum(row.weights[1:]) for row in batch)
        loss = 0.0
        for row in batch:
            share = model.loss(row.tokens, row.weights) / counted
            share.backward()
            loss += share.item()
        clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        num_tokens = sum(len(row.tokens) for row in batch)
        note(Step(number + 1, num_steps, len(batch), loss, num_tokens / (perf_counter() - started)))
        if perf_counter() - saved > plan.save_every_s or number + 1 == num_steps:
            save(State(number + 1, model.adapters.state_dict(), optimiser.state_dict()))
            saved = perf_counter()
