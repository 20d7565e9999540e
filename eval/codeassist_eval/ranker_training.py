"""Training of the ranker: a network of a few thousand weights, fitted to rewards and to the order that they give.

Knows no file and no retrieval. The same examples and the same seed give the same ranker on the same machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codeassist.progress import Progress, silent
from codeassist_eval.errors import EvaluationError
from codeassist_eval.ranker_examples import Example
from codeassist_eval.reward_figures import label
from codeassist_indexer.ranking.features import NAMES
from codeassist_indexer.ranking.ranker import LABELS, Ranker, standardised

_LEAST_TASKS = 8
_MOST_NATS = 12.0  # a larger reward is a name that the prompt lacked: how long it is says nothing


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """`width` and half of it are the hidden layers'. `temperature`, in nats: how sharp the order is that is learned."""

    width: int = 48
    epochs: int = 120
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.25
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
    """All candidates in one: rows [n, F], asinh of rewards [n], labels [n], and where each task's begin and end."""

    rows: Tensor
    gains: Tensor
    labels: Tensor
    weights: Tensor
    spans: tuple[slice, ...]


def train_ranker(
    examples: Sequence[Example],
    plan: TrainingPlan | None = None,
    metadata: Mapping[str, str] | None = None,
    progress: Progress = silent,
    begin_with: Ranker | None = None,
) -> Ranker:
    """Fit a ranker; `begin_with` goes on from its weights and its scale of the features.

    Raises EvaluationError for too few examples.
    """
    plan = plan if plan is not None else TrainingPlan()
    useful = [example for example in examples if len(example.rewards)]
    if len(useful) < _LEAST_TASKS:
        raise EvaluationError(
            f"{len(useful)} tasks with candidates are too few to learn from; score at least {_LEAST_TASKS}"
        )
    rows = np.concatenate([example.rows for example in useful])
    mean, scale = _scale_of(rows) if begin_with is None else (begin_with.mean, begin_with.scale)
    batch = _batch(useful, standardised(rows, mean, scale))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        network = _Network(plan.width, plan.dropout)
        if begin_with is not None:
            _set_weights(network, begin_with)
        _fit(network, batch, plan, progress)
    layers = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    first, second, third = [layer.weight.detach().numpy().T.copy() for layer in layers]
    one, two, three = [layer.bias.detach().numpy().copy() for layer in layers]
    about = {"seed": str(plan.seed), "tasks": str(len(useful)), "candidates": str(len(rows)), **(metadata or {})}
    return Ranker(mean, scale, (first, second, third), (one, two, three), about)


def _scale_of(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    deviation = rows.std(axis=0)
    scale = np.where(deviation > 1e-4, 1 / np.maximum(deviation, 0.05), 0.0)
    return rows.mean(axis=0), scale.astype(np.float32)


def _batch(examples: Sequence[Example], rows: NDArray[np.float32]) -> _Batch:
    rewards = np.concatenate([example.rewards for example in examples])
    labels = torch.tensor([LABELS.index(label(float(reward))) for reward in rewards])
    spans: list[slice] = []
    weights: list[float] = []
    for example in examples:
        begin = spans[-1].stop if spans else 0
        spans.append(slice(begin, begin + len(example.rewards)))
        weights += [1 / len(example.rewards)] * len(example.rewards)  # each task counts alike
    clipped = np.clip(rewards, -_MOST_NATS, _MOST_NATS)
    counts = torch.tensor(weights, dtype=torch.float32) / len(examples)
    return _Batch(torch.from_numpy(rows), torch.from_numpy(np.arcsinh(clipped)), labels, counts, tuple(spans))


def _fit(network: _Network, batch: _Batch, plan: TrainingPlan, progress: Progress) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, plan.epochs)
    network.train()
    for epoch in range(plan.epochs):
        progress("training the ranker", epoch, plan.epochs)
        optimizer.zero_grad()
        _loss(network(batch.rows), batch, plan).backward()
        optimizer.step()
        schedule.step()
    network.eval()
    progress("training the ranker", plan.epochs, plan.epochs)


def _loss(out: Tensor, batch: _Batch, plan: TrainingPlan) -> Tensor:
    """The three errors together: of the gain, of the label, and of the order of a task's candidates and "none"."""
    gains, logits = out[:, 0], out[:, 1:]
    of_gain = (functional.smooth_l1_loss(gains, batch.gains, reduction="none") * batch.weights).sum()
    of_label = (functional.cross_entropy(logits, batch.labels, reduction="none") * batch.weights).sum()
    none = torch.zeros(1)
    of_order = torch.stack(
        [
            functional.cross_entropy(
                torch.cat([torch.sinh(gains[span].clamp(-3, 3)), none]) / plan.temperature,
                functional.softmax(torch.cat([torch.sinh(batch.gains[span]), none]) / plan.temperature, dim=0),
            )
            for span in batch.spans
        ]
    ).mean()
    return of_gain + of_label + 0.5 * of_order


def _set_weights(network: _Network, ranker: Ranker) -> None:
    with torch.no_grad():
        for layer, weight, bias in zip(network.layers, ranker.weights, ranker.biases, strict=True):
            assert isinstance(layer, nn.Linear)
            if layer.weight.shape != weight.T.shape:
                raise EvaluationError("the ranker to begin with has another width; train one from nothing")
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
            layer.bias.copy_(torch.from_numpy(bias))
