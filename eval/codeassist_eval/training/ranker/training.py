"""Training of the ranker: a network of a few thousand weights, fitted to rewards and to the order that they give.

First on rewards guessed from names, of which there are many, then on measured ones. The same examples and the same seed
give the same ranker on the same machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codeassist.progress import Progress, silent
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.one_thread import one_thread
from codeassist_eval.training.ranker.examples import Example
from codeassist_eval.training.rewards.name_rewards import fit_name_worth, guess_rewards
from codeassist_eval.training.rewards.reward_figures import label
from codeassist_indexer.retrieval.ranking.features import NAMES
from codeassist_indexer.retrieval.ranking.ranker import Ranker, standardised
from codeassist_indexer.retrieval.ranking.selection import LABELS

_LEAST_TASKS = 8
_MOST_NATS = 12.0  # a larger reward is a name that the prompt lacked: how long it is says nothing


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """`width` and half of it are the hidden layers'. `temperature`, in nats: how sharp the order is that is learned.

    `guessed_epochs` over guessed rewards come first, with `learning_rate`; then `epochs` over measured ones, with a
    third of it where the first were made, `tasks_at_once` tasks a step.
    """

    width: int = 64
    guessed_epochs: int = 12
    epochs: int = 40
    tasks_at_once: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.2
    temperature: float = 1.5
    seed: int = 0


class _Network(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(len(NAMES), width), nn.Linear(width, width // 2), nn.Linear(width // 2, 1 + len(LABELS))]
        )
        self.dropout = dropout

    def forward(self, rows: Tensor) -> Tensor:
        hidden = rows
        for layer in self.layers[:-1]:
            hidden = functional.dropout(functional.relu(layer(hidden)), self.dropout, self.training)
        return self.layers[-1](hidden)


@dataclass(frozen=True, slots=True)
class _Batch:
    """T tasks with up to M candidates each: rows [T, M, F], asinh of rewards [T, M], labels [T, M], which exist."""

    rows: Tensor
    gains: Tensor
    labels: Tensor
    is_there: Tensor


def train_ranker(
    measured: Sequence[Example],
    guessed: Sequence[Example] = (),
    plan: TrainingPlan | None = None,
    metadata: Mapping[str, str] | None = None,
    progress: Progress = silent,
    begin_with: Ranker | None = None,
) -> Ranker:
    """Fit a ranker to the measured rewards; of the `guessed` examples only the facts about names count.

    `begin_with` goes on from its weights and its scale of the features. Raises EvaluationError for too few examples.
    """
    plan = plan if plan is not None else TrainingPlan()
    measured = [example for example in measured if len(example.rewards)]
    guessed = [example for example in guessed if len(example.names)]
    if len(measured) < _LEAST_TASKS:
        raise EvaluationError(
            f"{len(measured)} tasks with candidates are too few to learn from; score at least {_LEAST_TASKS}"
        )
    mean, scale = _scale_of([*measured, *guessed]) if begin_with is None else (begin_with.mean, begin_with.scale)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(plan.seed)
        network = _Network(plan.width, plan.dropout)
        if begin_with is not None:
            _set_weights(network, begin_with)
        if guessed:
            worth = fit_name_worth(
                np.concatenate([example.names for example in measured]),
                np.concatenate([example.rewards for example in measured]),
            )
            with_rewards = [replace(example, rewards=guess_rewards(example.names, worth)) for example in guessed]
            steps = _Steps(with_rewards, mean, scale, plan, plan.guessed_epochs, label_weight=0.0)
            _fit(network, steps, plan.learning_rate, plan, progress)
        rate = plan.learning_rate if not guessed and begin_with is None else plan.learning_rate / 3
        _fit(network, _Steps(measured, mean, scale, plan, plan.epochs, label_weight=1.0), rate, plan, progress)
    layers = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    first, second, third = [layer.weight.detach().numpy().T.copy() for layer in layers]
    one, two, three = [layer.bias.detach().numpy().copy() for layer in layers]
    about = {
        "seed": str(plan.seed),
        "measured_tasks": str(len(measured)),
        "measured_candidates": str(sum(len(example.rewards) for example in measured)),
        "guessed_tasks": str(len(guessed)),
        **(metadata or {}),
    }
    return Ranker(mean, scale, (first, second, third), (one, two, three), about)


def _scale_of(examples: Sequence[Example]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows = np.concatenate([example.rows for example in examples])
    deviation = rows.std(axis=0)
    scale = np.where(deviation > 1e-4, 1 / np.maximum(deviation, 0.05), 0.0)
    return rows.mean(axis=0), scale.astype(np.float32)


class _Steps:
    """The batches of some epochs, drawn anew in each; every task counts alike in its batch."""

    def __init__(
        self,
        examples: Sequence[Example],
        mean: NDArray[np.float32],
        scale: NDArray[np.float32],
        plan: TrainingPlan,
        epochs: int,
        label_weight: float,
    ) -> None:
        self.label_weight = label_weight
        self._epochs = epochs
        self._size = plan.tasks_at_once
        self._whole = _padded(examples, mean, scale)
        self._num_tasks = len(examples)

    def __len__(self) -> int:
        return self._epochs * -(-self._num_tasks // self._size)

    def __iter__(self) -> Iterator[_Batch]:
        whole = self._whole
        for _ in range(self._epochs):
            for drawn in torch.randperm(self._num_tasks).split(self._size):
                yield _Batch(whole.rows[drawn], whole.gains[drawn], whole.labels[drawn], whole.is_there[drawn])


def _padded(examples: Sequence[Example], mean: NDArray[np.float32], scale: NDArray[np.float32]) -> _Batch:
    num_tasks, most = len(examples), max(len(example.rewards) for example in examples)
    rows = np.zeros((num_tasks, most, len(NAMES)), dtype=np.float32)
    gains = np.zeros((num_tasks, most), dtype=np.float32)
    labels = np.zeros((num_tasks, most), dtype=np.int64)
    is_there = np.zeros((num_tasks, most), dtype=np.bool_)
    for number, example in enumerate(examples):
        size = len(example.rewards)
        rows[number, :size] = standardised(example.rows, mean, scale)
        gains[number, :size] = np.arcsinh(np.clip(example.rewards, -_MOST_NATS, _MOST_NATS))
        labels[number, :size] = [LABELS.index(label(float(reward))) for reward in example.rewards]
        is_there[number, :size] = True
    return _Batch(*(torch.from_numpy(each) for each in (rows, gains, labels, is_there)))


def _fit(network: _Network, steps: _Steps, rate: float, plan: TrainingPlan, progress: Progress) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, len(steps)))
    network.train()
    for number, batch in enumerate(steps):
        progress("training the ranker", number, len(steps))
        optimizer.zero_grad()
        _loss(network(batch.rows), batch, steps.label_weight, plan.temperature).backward()
        optimizer.step()
        schedule.step()
    network.eval()
    progress("training the ranker", len(steps), len(steps))


def _loss(out: Tensor, batch: _Batch, label_weight: float, temperature: float) -> Tensor:
    """The errors together: of the gain, of the label, and of the order of a task's candidates and "none"."""
    gains, logits = out[..., 0], out[..., 1:]
    share = batch.is_there / batch.is_there.sum(dim=1, keepdim=True) / len(gains)
    of_gain = (functional.smooth_l1_loss(gains, batch.gains, reduction="none") * share).sum()
    of_label = functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), reduction="none")
    mine, wanted = (
        _with_none(torch.sinh(each.clamp(-3.2, 3.2)), batch.is_there) / temperature for each in (gains, batch.gains)
    )
    of_order = functional.cross_entropy(mine, functional.softmax(wanted, dim=1))
    return of_gain + label_weight * (of_label * share.flatten()).sum() + 0.5 * of_order


def _with_none(gains: Tensor, is_there: Tensor) -> Tensor:
    """Append the gain of choosing none, which is 0, and make what does not exist the last of all."""
    return functional.pad(gains.masked_fill(~is_there, -1e4), (0, 1))


def _set_weights(network: _Network, ranker: Ranker) -> None:
    with torch.no_grad():
        for layer, weight, bias in zip(network.layers, ranker.weights, ranker.biases, strict=True):
            assert isinstance(layer, nn.Linear)
            if layer.weight.shape != weight.T.shape:
                raise EvaluationError("the ranker to begin with has another width; train one from nothing")
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
            layer.bias.copy_(torch.from_numpy(bias))
