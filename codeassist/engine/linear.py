"""Linear layers: plain ones in the weights' dtype, and int8 weights with int8 activations on a CPU.

Knows no model. The int8 product is torch's own (fbgemm): weights are symmetric per output row, activations symmetric
per token, so a row's result does not depend on the rows beside it: verifying drafted tokens in one pass gives what
decoding them one by one gives.
"""

from __future__ import annotations

import functools
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


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
        """x: (T, I) in the weights' dtype → (T, O)."""
        return F.linear(x if row_scale is None else x * row_scale, self.weight, self.bias)


class Int8Linear:
    """int8 weights, int8 activations, int32 sums, float32 results.

    weight: (O, I) int8; scale: (O,) float32; bias: (O,) float32 or None. The packed copy is all that stays in memory.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        num_rows = weight.shape[0]
        quantized = torch._make_per_channel_quantized_tensor(  # pyright: ignore[reportPrivateUsage]
            weight, scale.double(), torch.zeros(num_rows, dtype=torch.int64), 0
        )
        with _fbgemm():
            self.packed = torch.ops.quantized.linear_prepack(quantized, None)
        self.bias = bias
        self.levels = activation_levels()

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) float32 → (T, O) float32."""
        largest = torch.linalg.vector_norm(x, torch.inf, dim=-1, keepdim=True).clamp_min_(1e-30)
        out = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x / largest, 1.0 / self.levels, self.levels + 1, self.packed
        )
        if row_scale is not None:
            largest = largest * row_scale
        return out.mul_(largest) if self.bias is None else torch.addcmul(self.bias, out, largest)


class _fbgemm:  # noqa: N801 — reads as what it does in a with statement
    """Packs for torch's fbgemm kernels, whatever quantized engine the process has chosen."""

    def __enter__(self) -> None:
        self.previous = torch.backends.quantized.engine
        torch.backends.quantized.engine = "fbgemm"

    def __exit__(self, *_: object) -> None:
        torch.backends.quantized.engine = self.previous


@functools.cache
def int8_supported() -> bool:
    """Whether this torch build has the fbgemm int8 kernels (x86 with AVX2 or better)."""
    return "fbgemm" in torch.backends.quantized.supported_engines


@functools.cache
def activation_levels() -> int:
    """How many levels an activation may have on each side of zero: 127 where int8 products are exact, else 63.

    Without VNNI the kernels add two products in 16 bits, which saturate: 4.5% of the outputs of a random 4864×896
    layer are wrong at 127 levels, none at 63 (AVX2 machine, 2026-11-21). So it is tried, not looked up.
    """
    worst = torch.full((1, 64), 127, dtype=torch.int8)
    quantized = torch._make_per_channel_quantized_tensor(  # pyright: ignore[reportPrivateUsage]
        worst, torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.int64), 0
    )
    with _fbgemm():
        packed = torch.ops.quantized.linear_prepack(quantized, None)
    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
        torch.ones(1, 64), 1.0 / 127, 128, packed
    )
    return 127 if abs(product.item() - 64 * 127) < 1 else 63
