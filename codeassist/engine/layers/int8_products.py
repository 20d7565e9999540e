"""Products of int8 matrices: one class a library.

Weights are symmetric per output row, activations symmetric per token, sums are int32: a row's result does not depend on
the rows beside it, so that verifying drafted tokens in one pass gives what decoding them one by one gives.
"""

from __future__ import annotations

import functools
import warnings
from typing import ClassVar, Protocol

import torch
from torch import Tensor


class Int8Product(Protocol):
    """A packed matrix. weight: (O, I) int8; scale: (O,) float32. The packed copy is all that stays in memory."""

    name: ClassVar[str]

    def __init__(self, weight: Tensor, scale: Tensor) -> None: ...

    @staticmethod
    def can_run() -> bool:
        """Whether this machine and this torch build have it."""
        ...

    def __call__(self, x: Tensor, largest: Tensor) -> Tensor:
        """The product of x / largest. x: (T, I) float32; largest: (T, 1), each row's largest magnitude → (T, O)."""
        ...


class FbgemmProduct:
    """torch's own for servers with AVX2 or better. Packing takes long: 100 MB a second and core."""

    name: ClassVar[str] = "fbgemm"

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._levels = activation_levels()
        self._packed = _pack(weight, scale)

    @staticmethod
    def can_run() -> bool:
        """See Int8Product."""
        return int8_supported()

    def __call__(self, x: Tensor, largest: Tensor) -> Tensor:
        """See Int8Product."""
        return torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x / largest, 1.0 / self._levels, self._levels + 1, self._packed
        )


class OneDnnProduct:
    """oneDNN's, where sums are exact (VNNI or better): the more rows, the faster beside fbgemm's.

    Its activations are bytes around 128, so that -127 … 127 is all there is.
    """

    name: ClassVar[str] = "oneDNN"

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(weight, [1, weight.shape[1]])
        self._scale = scale.float()
        self._zero_points = torch.zeros(len(scale), dtype=torch.int64)
        self._middle = torch.tensor(128.5)  # the half rounds what is cut to a byte

    @staticmethod
    def can_run() -> bool:
        """See Int8Product."""
        return torch.backends.mkldnn.is_available() and int8_supported() and activation_levels() == 127

    def __call__(self, x: Tensor, largest: Tensor) -> Tensor:
        """See Int8Product."""
        steps = torch.addcdiv(self._middle, x, largest, value=127).to(torch.uint8)
        return torch.ops.onednn.qlinear_pointwise(
            steps,
            1 / 127,
            128,
            self._packed,
            self._scale,
            self._zero_points,
            None,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )


INT8_PRODUCTS: tuple[type[Int8Product], ...] = (FbgemmProduct, OneDnnProduct)


def _pack(weight: Tensor, scale: Tensor) -> torch.ScriptObject:
    """Pack (O, I) int8 rows with their (O,) scales for fbgemm."""
    zero_points = torch.zeros(len(scale), dtype=torch.int64)
    with warnings.catch_warnings():
        # torch 2.13 announces the removal of quantized tensors, without a successor for per-row activations yet.
        warnings.simplefilter("ignore", UserWarning)
        quantized = torch._make_per_channel_quantized_tensor(  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
            weight, scale.double(), zero_points, 0
        )
        if torch.backends.quantized.engine != "fbgemm":  # a setting of the whole process; nothing else here uses it
            torch.backends.quantized.engine = "fbgemm"
        return torch.ops.quantized.linear_prepack(quantized, None)


@functools.cache
def int8_supported() -> bool:
    """Whether this torch build has the fbgemm int8 kernels (x86 with AVX2 or better)."""
    return "fbgemm" in torch.backends.quantized.supported_engines


@functools.cache
def activation_levels() -> int:
    """How many levels an activation may have on each side of zero: 127 where int8 products are exact, else 110.

    Without VNNI the kernels add two products in 16 bits, which saturate. Whether they do here is tried, not looked
    up. Qwen2.5-Coder-0.5B against float32 on 1,024 tokens of code, AVX2 machine, 2026-11-21: levels 63 (never
    saturates) KL 0.022, 80 0.015, 95 0.012, 110 0.0081, 127 0.0091.
    """
    packed = _pack(torch.full((1, 64), 127, dtype=torch.int8), torch.ones(1))
    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
        torch.ones(1, 64), 1.0 / 127, 128, packed
    )
    return 127 if abs(product.item() - 64 * 127) < 1 else 110
