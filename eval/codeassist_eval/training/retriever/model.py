"""The static encoder as something to train: its tables in torch, and the losses of both stages.

It is told what a chunk is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from codeassist_indexer.retrieval.query.cursor import LINES_BEFORE
from codeassist_indexer.retrieval.vectors.static_encoder import NUM_SLOTS, StaticWeights

SCALE = 20.0
"""Cosines are multiplied by this before the softmax, as RLCoder does."""

_FIRST_STOP = 0.4


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast each part learns: the fewer examples a number meets, the slower; 0: what it is, it stays."""

    slots: float
    stop: float
    words: float
    directions: float


class TrainableEncoder(nn.Module):
    """R rows of D dimensions, S slots; see `StaticWeights`. Begins as random directions, longer for rarer words.

    A word that was never seen keeps its random direction: texts that share it are then still closer than others.
    """

    def __init__(self, rarity: NDArray[np.float32], num_dims: int, seed: int) -> None:
        """`rarity` (R,): what each row weighs at first."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.directions = nn.Parameter(torch.randn(len(rarity), num_dims, generator=generator) / num_dims**0.5)
        self.log_weights = nn.Parameter(torch.from_numpy(rarity).log())
        self.log_slots = nn.Parameter(_first_slots().log())
        self.query_map = nn.Parameter(torch.eye(num_dims))
        self.stop = nn.Parameter(torch.zeros(num_dims))
        self.stop_bias = nn.Parameter(torch.tensor(_FIRST_STOP))

    @staticmethod
    def of(weights: StaticWeights) -> TrainableEncoder:
        """Return one that goes on from trained weights."""
        lengths = np.maximum(np.linalg.norm(weights.rows, axis=1), 1e-6)
        encoder = TrainableEncoder(lengths, weights.rows.shape[1], 0)
        with torch.no_grad():
            encoder.directions.copy_(torch.from_numpy(weights.rows / lengths[:, None]))
            encoder.log_slots.copy_(torch.from_numpy(weights.slots).log())
            encoder.query_map.copy_(torch.from_numpy(weights.query_map))
            encoder.stop.copy_(torch.from_numpy(weights.stop))
            encoder.stop_bias.fill_(weights.stop_bias)
        return encoder

    @property
    def rows(self) -> Tensor:
        """The table: directions with their words' weights, (R, D)."""
        return self.directions * self.log_weights.exp()[:, None]

    def parameter_groups(self, rates: Rates) -> list[dict[str, Any]]:
        """Return what an optimiser takes."""
        groups = (
            (rates.slots, [self.log_slots]),
            (rates.stop, [self.stop, self.stop_bias]),
            (rates.words, [self.log_weights, self.query_map]),
            (rates.directions, [self.directions]),
        )
        return [{"params": parameters, "lr": rate, "initial_lr": rate} for rate, parameters in groups]

    def weights(self) -> StaticWeights:
        """Return what was learned."""

        def array(tensor: Tensor) -> NDArray[np.float32]:
            return tensor.detach().numpy().copy()

        return StaticWeights(
            array(self.rows),
            array(self.log_slots.exp()),
            array(self.query_map),
            array(self.stop),
            float(self.stop_bias.detach()),
        )

    def encode(self, texts: Sequence[NDArray[np.int64]]) -> Tensor:
        """Return the vectors of texts given as rows, (n, D)."""
        rows, offsets = _joined(texts)
        return F.normalize(F.embedding_bag(rows, self.rows, offsets, mode="sum"), dim=-1)

    def query(self, rows: Sequence[NDArray[np.int64]], slots: Sequence[NDArray[np.int64]]) -> Tensor:
        """Return the vectors of places given as rows with a slot each, (n, D)."""
        joined, offsets = _joined(rows)
        weights = self.log_slots.exp()[_joined(slots)[0]]
        summed = F.embedding_bag(joined, self.rows, offsets, mode="sum", per_sample_weights=weights)
        return F.normalize(summed @ self.query_map, dim=-1)

    def logits(self, queries: Tensor, texts: Tensor) -> Tensor:
        """Return the scaled similarities of queries (q, D) to texts (n, D), and last to the stop: (q, n + 1)."""
        stop = queries @ self.stop + self.stop_bias
        return SCALE * torch.cat([queries @ texts.T, stop[:, None]], dim=-1)


def cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy from target distributions (q, n); what `mask` (q, n) has False is no choice."""
    if mask is not None:
        logits = logits.masked_fill(~mask, -1e9)
    return -(targets * torch.log_softmax(logits, dim=-1)).sum(dim=-1).mean()


def rarity_of_rows(texts: Sequence[NDArray[np.int64]], num_rows: int) -> NDArray[np.float32]:
    """Return for each row log(1 + texts / texts that have it); of rows in none, as of those in one."""
    counts = np.zeros(num_rows, np.int64)
    for rows in texts:
        counts[np.unique(rows)] += 1
    return np.log1p(len(texts) / np.maximum(counts, 1)).astype(np.float32)


def _joined(parts: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    offsets = np.zeros(len(parts), np.int64)
    np.cumsum([len(part) for part in parts[:-1]], out=offsets[1:])
    return torch.from_numpy(np.concatenate(parts)), torch.from_numpy(offsets)


def _first_slots() -> Tensor:
    """Lines count less the farther off they are, and less after the cursor."""
    before = [1 / (1 + 0.25 * distance) for distance in range(LINES_BEFORE)]
    after = [0.5 / (1 + 0.25 * distance) for distance in range(NUM_SLOTS - LINES_BEFORE - 1)]
    return torch.tensor([*before, *after, 1.5])
