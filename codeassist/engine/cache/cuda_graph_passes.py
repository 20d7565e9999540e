"""Short passes of fixed shapes: on a GPU recorded once as CUDA graphs and replayed.

A pass of a few tokens is some hundred small kernels: launched one by one they take longer than the weights take to
read, replayed they do not. Shapes come in steps: rows are padded with the last one, which writes the same state to the
same slot again, and keys are read up to the next thousand.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.engine.layers.attention import FixedShapeView, KVCache
from codeassist.engine.layers.model import Model, Pass

log = logging.getLogger(__name__)

MOST_ROWS = 128
DRAFT_ROWS = 16
"""Passes that extend an answer have so many rows at least: with one shape for a token alone and for a draft, a
row's sums are made in one order, and verifying a draft gives what decoding token by token gives."""
KEYS_STEP = 1024


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A recorded pass. It reads `token_ids` and `slots`, (T,) int64, and leaves `hidden`, (T, D) float32."""

    token_ids: Tensor
    slots: Tensor
    hidden: Tensor
    replay: Callable[[], None]


class CudaGraphPasses:
    """The short passes over one cache. `records` False runs them kernel by kernel, in the same shapes.

    Each number of rows (a power of two) and of keys (a multiple of KEYS_STEP) is recorded when it is first needed,
    which takes about three passes. A recording holds pointers into the cache: it is of no use to another one.
    Made before anything is written to the cache: what is after the last slot is read, to no effect; it must be finite.
    """

    def __init__(self, model: Model, states: KVCache, *, records: bool) -> None:
        self._model = model
        self._states = states
        self._records = records
        self._recorded: dict[tuple[int, int], _Recorded] = {}
        self._memory = torch.cuda.graph_pool_handle() if records else None  # one for all: none runs beside another
        states.k.zero_()
        states.v.zero_()

    @property
    def num_recorded(self) -> int:
        """How many shapes are recorded."""
        return len(self._recorded)

    @staticmethod
    def can_run(num_rows: int) -> bool:
        """Whether a pass is short enough."""
        return 0 < num_rows <= MOST_ROWS

    def run(self, token_ids: Sequence[int], slots: Sequence[int], least_rows: int = 1) -> Tensor:
        """Encode tokens into their slots, which rise, as `Model.forward` does; return (T, D) float32."""
        num_rows = len(token_ids)
        assert self.can_run(num_rows) and len(slots) == num_rows
        num_padded = max(least_rows, 1 << (num_rows - 1).bit_length())
        num_keys = min(self._states.capacity, -(-(slots[-1] + 1) // KEYS_STEP) * KEYS_STEP)
        pad = num_padded - num_rows
        tokens = torch.tensor([*token_ids, *[token_ids[-1]] * pad])
        places = torch.tensor([*slots, *[slots[-1]] * pad])
        device = self._model.device
        if not self._records:
            return self._run(tokens.to(device), places.to(device), num_keys)[:num_rows]
        recorded = self._recorded.get((num_padded, num_keys))
        if recorded is None:
            recorded = self._record(tokens.to(device), places.to(device), num_keys)
            self._recorded[num_padded, num_keys] = recorded
        else:
            recorded.token_ids.copy_(tokens)
            recorded.slots.copy_(places)
        recorded.replay()
        return recorded.hidden[:num_rows].clone()

    def _run(self, token_ids: Tensor, slots: Tensor, num_keys: int) -> Tensor:
        return self._model.run(Pass(token_ids, FixedShapeView(self._states, slots, num_keys)))

    def _record(self, token_ids: Tensor, slots: Tensor, num_keys: int) -> _Recorded:
        # As PyTorch asks: libraries choose their kernels and take their memory before anything is recorded. Each run
        # writes the same states to the same slots.
        beside = torch.cuda.Stream(self._model.device)
        beside.wait_stream(torch.cuda.current_stream(self._model.device))
        with torch.cuda.stream(beside):
            for _ in range(2):
                self._run(token_ids, slots, num_keys)
        torch.cuda.current_stream(self._model.device).wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            hidden = self._run(token_ids, slots, num_keys)
        log.debug("a pass of %d rows over %d keys is recorded", len(token_ids), num_keys)
        return _Recorded(token_ids, slots, hidden, graph.replay)
