"""Linear layers, the norms before them, and the linear backends: one class a kernel.

A backend reads a model's matrices and makes the layers that multiply by them. Everything that depends on the kernel is
asked of it, nowhere else: the dtype between products, how an embedding is read, where a norm's scale is applied, and
whether a row must be given to the last bit what it would be given alone.

Packing int8 weights takes most of the time to load a model: layers can be made in the background, in the order in which
a pass needs them, while the index is brought up to date and snippets are found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.layers.int8_products import Int8Product
from codeassist.engine.layers.kernel_choice import fastest_int8
from codeassist.engine.loading.weights import Weights

_HEAD_ROWS = 1 << 15  # rows of the output matrix packed together: several cores can share the work

Projection = Callable[[Tensor], Tensor]
"""(T, D) float32 → (T, O)."""


class Linear(Protocol):
    """y = x Wᵀ + b."""

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) → (T, O). `row_scale`: (T, 1) multiplies each row of x (before the bias is added)."""
        ...


class PlainLinear:
    """A linear layer in the dtype of its weights. weight: (O, I); bias: (O,) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight = weight
        self.bias = None if bias is None else bias.to(weight.dtype)

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) of any float dtype → (T, O) in the weights'."""
        scaled = x if row_scale is None else x * row_scale
        return F.linear(scaled.to(self.weight.dtype), self.weight, self.bias)


class Int8Linear:
    """int8 weights, int8 activations, int32 sums, float32 results, by the library that `product` packs them for.

    weight: (O, I) int8; scale: (O,) float32; bias: (O,) float32 or None. The packed copy is all that stays in memory.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, product: type[Int8Product]) -> None:
        self._product = product(weight, scale)
        self.bias = bias

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) float32 → (T, O) float32."""
        # Not vector_norm(x, inf): it is 12 to 40 times slower on 256 rows (torch 2.13, AVX2, 2026-11-21).
        largest = x.abs().amax(dim=-1, keepdim=True).clamp_min_(1e-30)
        out = self._product(x, largest)
        if row_scale is not None:
            largest = largest * row_scale
        return out.mul_(largest) if self.bias is None else torch.addcmul(self.bias, out, largest)


class StackedLinear:
    """Linear layers over the same input whose outputs stand side by side: one large matrix, packed in parts."""

    def __init__(self, parts: Sequence[Linear]) -> None:
        self.parts = parts

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) → (T, sum of the parts' O)."""
        return torch.cat([part(x, row_scale) for part in self.parts], dim=-1)


class LinearMaker:
    """Makes linear layers with as many threads as torch uses, first come first made."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=torch.get_num_threads(), thread_name_prefix="pack")
        self._futures: list[Future[Linear]] = []

    def make(self, job: Callable[[], Linear]) -> Linear:
        """Return at once a layer that `job` makes later; its first use waits for it, and raises what `job` raised."""
        future = self._pool.submit(job)
        self._futures.append(future)
        return lambda x, row_scale=None: future.result()(x, row_scale)

    def close(self) -> None:
        """Take note that no more layers follow: the threads end with the last one.

        libgomp counts the threads that ever multiplied; where they are more than there are cores, those that wait for
        each other in a product go to sleep at once, and a pass takes a quarter longer.
        """
        self._pool.shutdown(wait=False)

    def wait(self) -> None:
        """Wait until every layer is made. Raises what making one of them raised."""
        for future in self._futures:
            future.result()

    def __del__(self) -> None:
        # A model that is given up (Ctrl-C while it loads) is not finished first.
        self._pool.shutdown(wait=False, cancel_futures=True)


class Norm:
    """RMS norm, or layer norm where the family has one. Computes in float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, eps: float, *, centred: bool) -> None:
        self.weight, self.bias, self.eps, self.centred = weight.float(), bias, eps, centred

    def __call__(self, x: Tensor) -> Tensor:
        """x: (…, D) float32 → the same shape."""
        if self.centred:
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return (y, s) with norm(x) = y · s, s: (T, 1) or None: a linear layer takes s after its product."""
        if self.centred:
            return self(x), None
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * self.weight, torch.rsqrt(mean_square.add_(self.eps))


class LinearBackend(Protocol):
    """The matrices of one model on one device.

    `dtype` is that of activations between products, and of the cache.
    `exact_rows`: products magnify what differs in the last bit, so that drafted tokens must get from attention exactly
    what they would get alone (`attention_kernels.attend_alone`).
    """

    exact_rows: ClassVar[bool]
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

    def close(self) -> None:
        """Take note that every layer has been asked for."""
        ...

    def wait(self) -> None:
        """Wait until every layer is made; a pass does not need this, it waits for what it uses."""
        ...


class PlainBackend:
    """Products in the dtype that the weights are stored in: torch's own, on any device."""

    exact_rows: ClassVar[bool] = False

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

    def close(self) -> None:
        """Nothing is made later."""

    def wait(self) -> None:
        """Nothing is made later."""


class Int8Backend:
    """int8 weights and activations on a CPU, float32 between products. Layers are packed on other threads."""

    exact_rows: ClassVar[bool] = True

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._weights = weights
        self._product = fastest_int8(weights.path.parent)
        self._maker = LinearMaker()
        self.dtype = torch.float32

    @property
    def name(self) -> str:
        """int8, and the library that multiplies."""
        return f"int8 ({self._product.name})"

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

    def close(self) -> None:
        """See LinearBackend."""
        self._maker.close()

    def wait(self) -> None:
        """See LinearBackend."""
        self._maker.wait()

    def _packed(self, name: str, order: Tensor | None) -> Linear:
        weight, scale = (_ordered(self._weights.get(f"{name}.{kind}"), order) for kind in ("weight", "scale"))
        layer = Int8Linear(weight, scale, _bias(self._weights, name, order), self._product)
        self._weights.remap()  # what was packed need not stay in memory twice
        return layer

    def _packed_rows(self, name: str, rows: slice) -> Linear:
        weight, scale = self._weights.get(name)[rows], self._weights.get(name + ".scale")[rows]
        layer = Int8Linear(weight, scale, None, self._product)
        self._weights.remap()
        return layer


def _ordered(tensor: Tensor, order: Tensor | None) -> Tensor:
    return tensor if order is None else tensor[order]


def _bias(weights: Weights, name: str, order: Tensor | None) -> Tensor | None:
    return _ordered(weights.get(name + ".bias"), order).float() if name + ".bias" in weights.names else None
