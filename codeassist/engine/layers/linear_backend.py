"""Linear backends, one class a kernel: it reads a model's matrices and makes the layers that multiply by them.

Everything that depends on the kernel is asked of the backend, nowhere else: the dtype between products, how an
embedding is read, where a norm's scale is applied, and whether drafted tokens must attend one by one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from codeassist.engine.layers.linear import Int8Linear, Linear, LinearMaker, Norm, PlainLinear, StackedLinear
from codeassist.engine.loading.weights import Weights

_HEAD_ROWS = 1 << 15  # rows of the output matrix packed together: several cores can share the work

Projection = Callable[[Tensor], Tensor]
"""(T, D) float32 → (T, O)."""


class LinearBackend(Protocol):
    """The matrices of one model on one device.

    `dtype` is that of activations between products, and of the cache.
    `row_wise_attention`: products magnify what differs in the last bit, so that drafted tokens must attend one by one
    to get exactly what they would get alone (`attention.attend_row_wise`).
    """

    row_wise_attention: ClassVar[bool]
    dtype: torch.dtype

    def __init__(self, weights: Weights, device: torch.device) -> None: ...

    @property
    def name(self) -> str:
        """What reports call the kernel."""
        ...

    @staticmethod
    def can_run(weights: Weights, device: torch.device) -> bool:
        """Whether this kernel multiplies by weights as they are stored there, on this device."""
        ...

    def embedding(self) -> Projection:
        """Return what turns token ids, (T,) int64, into their rows, (T, D) float32."""
        ...

    def linear(self, name: str, order: Tensor | None = None) -> Linear:
        """Return the layer of `name.weight` and, where there is one, `name.bias`, its rows in `order`."""
        ...

    def head(self, name: str) -> Linear:
        """Return the output matrix `name`, which has no bias."""
        ...

    def after_norm(self, norm: Norm, linear: Linear) -> Projection:
        """Return `linear` of `norm`, as one step."""
        ...

    def wait(self) -> None:
        """Wait until every layer is made; a pass does not need this, it waits for what it uses."""
        ...


class PlainBackend:
    """Products in the dtype that the weights are stored in: torch's own, on any device."""

    row_wise_attention: ClassVar[bool] = False

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._weights = weights
        self._device = device
        self.dtype = weights.get("embed").dtype

    @property
    def name(self) -> str:
        """The dtype's name."""
        return str(self.dtype).removeprefix("torch.")

    @staticmethod
    def can_run(weights: Weights, device: torch.device) -> bool:
        """Whether the weights are plain numbers."""
        return "embed.scale" not in weights.names

    def embedding(self) -> Projection:
        """See LinearBackend."""
        rows = self._weights.get("embed").to(self._device)
        self._weights.remap()  # rows are read as they are needed, from a mapping that nothing else reads
        return lambda token_ids: rows[token_ids].float()

    def linear(self, name: str, order: Tensor | None = None) -> Linear:
        """See LinearBackend."""
        bias = _bias(self._weights, name, order)
        weight = _ordered(self._weights.get(name + ".weight"), order).to(self._device)
        return PlainLinear(weight, None if bias is None else bias.to(self._device))

    def head(self, name: str) -> Linear:
        """See LinearBackend."""
        return PlainLinear(self._weights.get(name).to(self._device), None)

    def after_norm(self, norm: Norm, linear: Linear) -> Projection:
        """See LinearBackend."""
        return lambda x: linear(norm(x))

    def wait(self) -> None:
        """Nothing is made later."""


class Int8Backend:
    """int8 weights and activations on a CPU, float32 between products. Layers are packed on other threads."""

    row_wise_attention: ClassVar[bool] = True

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._weights = weights
        self._maker = LinearMaker()
        self.dtype = torch.float32

    @property
    def name(self) -> str:
        """int8."""
        return "int8"

    @staticmethod
    def can_run(weights: Weights, device: torch.device) -> bool:
        """Whether the weights are int8 rows with a scale each."""
        return "embed.scale" in weights.names

    def embedding(self) -> Projection:
        """See LinearBackend."""
        rows, scale = self._weights.get("embed"), self._weights.get("embed.scale")
        self._weights.remap()  # rows are read as they are needed, from a mapping that nothing else reads
        return lambda token_ids: rows[token_ids].float() * scale[token_ids].unsqueeze(1)

    def linear(self, name: str, order: Tensor | None = None) -> Linear:
        """See LinearBackend."""
        return self._maker.make(functools.partial(self._packed, name, order))

    def head(self, name: str) -> Linear:
        """See LinearBackend. In parts, so that several cores share the work of packing it."""
        num_rows = self._weights.config.vocab_size
        parts = [slice(start, start + _HEAD_ROWS) for start in range(0, num_rows, _HEAD_ROWS)]
        return StackedLinear([self._maker.make(functools.partial(self._packed_rows, name, part)) for part in parts])

    def after_norm(self, norm: Norm, linear: Linear) -> Projection:
        """See LinearBackend. The norm's scale of a row is applied with the row's own, after the product."""
        return lambda x: linear(*norm.split(x))

    def wait(self) -> None:
        """See LinearBackend."""
        self._maker.wait()

    def _packed(self, name: str, order: Tensor | None) -> Linear:
        weight, scale = (_ordered(self._weights.get(f"{name}.{kind}"), order) for kind in ("weight", "scale"))
        layer = Int8Linear(weight, scale, _bias(self._weights, name, order))
        self._weights.remap()  # what was packed need not stay in memory twice
        return layer

    def _packed_rows(self, name: str, rows: slice) -> Linear:
        layer = Int8Linear(self._weights.get(name)[rows], self._weights.get(name + ".scale")[rows], None)
        self._weights.remap()
        return layer


LINEAR_BACKENDS: tuple[type[LinearBackend], ...] = (Int8Backend, PlainBackend)
"""Every kernel; the first that can run a model's weights is taken."""


def open_backend(weights: Weights, device: torch.device) -> LinearBackend:
    """The kernel for weights as they are stored, on a device."""
    return next(backend for backend in LINEAR_BACKENDS if backend.can_run(weights, device))(weights, device)


def _ordered(tensor: Tensor, order: Tensor | None) -> Tensor:
    return tensor if order is None else tensor[order]


def _bias(weights: Weights, name: str, order: Tensor | None) -> Tensor | None:
    return _ordered(weights.get(name + ".bias"), order).float() if name + ".bias" in weights.names else None
