"""What each kernel takes for the products of a model's layers, by the number of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.layers.int8_products import INT8_PRODUCTS, Int8Product
from codeassist.engine.layers.kernel_choice import timed

_BEYOND_CACHES = 256 << 20  # bytes of int8 weights that no processor keeps at hand
_GROUP = 32  # numbers of a row that share a scale in the 4-bit formats of GGUF
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class KernelFigures:
    """`ms`: by kernel, milliseconds of all layers' products for each of `rows`."""

    rows: tuple[int, ...]
    ms: dict[str, list[float]]


def measure_kernels(config: ModelConfig, rows: Sequence[int], report: Report) -> KernelFigures:
    """Multiply by random matrices of the shapes of a model's layers, every kernel in turn.

    So many layers are made as no cache holds; the time is that of all of the model's.
    """
    shapes = layer_shapes(config)
    layer_bytes = sum(num_out * num_in for num_out, num_in in shapes)
    num_made = min(config.num_layers, -(-_BEYOND_CACHES // layer_bytes))
    generator = torch.Generator().manual_seed(0)
    kernels: dict[str, list[Callable[[Tensor], Tensor]]] = {}
    for number in range(num_made):
        for num_out, num_in in shapes:
            weight = torch.randint(-127, 128, (num_out, num_in), dtype=torch.int8, generator=generator)
            for name, product in _products(weight).items():
                kernels.setdefault(name, []).append(product)
        report("packing", number + 1, num_made)
    widths = [num_in for _ in range(num_made) for _, num_in in shapes]
    figures = KernelFigures(tuple(rows), {name: [] for name in kernels})
    for number, num_rows in enumerate(rows, 1):
        inputs = {width: torch.randn((num_rows, width), generator=generator) for width in set(widths)}

        def multiply(products: Sequence[Callable[[Tensor], Tensor]], inputs: dict[int, Tensor] = inputs) -> None:
            for product, width in zip(products, widths, strict=True):
                product(inputs[width])

        with torch.inference_mode():
            taken = timed({name: partial(multiply, products) for name, products in kernels.items()})
        for name, ms in taken.items():
            figures.ms[name].append(ms * config.num_layers / num_made)
        report("multiplying", number, len(rows))
    return figures


def layer_shapes(config: ModelConfig) -> list[tuple[int, int]]:
    """The matrices of one layer as (O, I): query, key and value; output; gate and up; down."""
    heads = config.num_heads * config.head_dim
    kv = 2 * config.num_kv_heads * config.head_dim
    up = config.d_ff * (2 if config.gated_mlp else 1)
    return [(heads + kv, config.d_model), (config.d_model, heads), (up, config.d_model), (config.d_model, config.d_ff)]


def _products(weight: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """One matrix, (O, I) int8, as each kernel wants it, by the kernel's name."""
    scale = torch.full((len(weight),), 0.01)
    products: dict[str, Callable[[Tensor], Tensor]] = {
        f"int8 {product.name}": partial(_int8, product(weight, scale)) for product in INT8_PRODUCTS if product.can_run()
    }
    num_out, num_in = weight.shape
    if num_in % _GROUP == 0 and num_out % 16 == 0:
        nibbles = (weight.int() + 128) >> 4
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(nibbles, 1)
        scales = torch.full((num_in // _GROUP, num_out, 2), 0.01, dtype=torch.bfloat16)
        products["int4 in groups of 32"] = partial(_int4, packed, scales)
    products["bfloat16"] = partial(_bfloat16, weight.bfloat16())
    return products


def _int8(product: Int8Product, x: Tensor) -> Tensor:
    return product(x, x.abs().amax(dim=-1, keepdim=True))


def _int4(packed: Tensor, scales: Tensor, x: Tensor) -> Tensor:
    return torch.ops.aten._weight_int4pack_mm_for_cpu(x.bfloat16(), packed, _GROUP, scales)


def _bfloat16(weight: Tensor, x: Tensor) -> Tensor:
    return F.linear(x.bfloat16(), weight)
