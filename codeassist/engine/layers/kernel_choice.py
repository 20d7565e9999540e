"""Which int8 product is the fastest on this machine: measured once, kept beside the converted models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from codeassist.engine.layers.int8_products import INT8_PRODUCTS, FbgemmProduct, Int8Product

KERNELS_FILE = "kernels.json"
_SHAPE = (9728, 896)  # of the largest matrix of a small model's layer: 8.7 MB
_COPIES = 4  # so many of them are beyond what a core keeps at hand
_REPEATS = 9
_TYPICAL = {1: 6, 4: 3, 48: 1}
"""Passes of one answer by their rows: plain decoding, verified drafts, what was typed and what moved in the prompt."""
_CLEAR_GAIN = 0.85


def fastest_int8(folder: Path) -> type[Int8Product]:
    """Return the product for this machine, measuring it first unless `folder` has the figures of just this machine.

    A folder that cannot be written costs the next start another measurement (a few tenths of a second).
    """
    products = [product for product in INT8_PRODUCTS if product.can_run()]
    if len(products) < 2:
        return products[0] if products else FbgemmProduct
    figures = known_figures(folder)
    if figures is None:
        figures = measure(products)
        _keep(folder, figures)
    return fastest(figures)


def fastest(figures: Mapping[str, Mapping[str, float]]) -> type[Int8Product]:
    """Return fbgemm's product, or one that clearly takes less for the passes of a typical answer: another product than
    fbgemm's takes more memory and one small operation more."""
    limit = _typical_ms(figures.get(FbgemmProduct.name, {}))
    quickest = min(
        (product for product in INT8_PRODUCTS if product.can_run()),
        key=lambda product: _typical_ms(figures.get(product.name, {})),
    )
    return quickest if _typical_ms(figures.get(quickest.name, {})) < _CLEAR_GAIN * limit else FbgemmProduct


def known_figures(folder: Path) -> Mapping[str, Mapping[str, float]] | None:
    """What was measured on this machine: by the product's name, milliseconds by the number of rows; None: nothing."""
    try:
        kept: Any = json.loads((folder / KERNELS_FILE).read_text(encoding="utf-8"))
        if kept["machine"] != _machine():
            return None
        return {
            str(name): {str(rows): float(ms) for rows, ms in by_rows.items()} for name, by_rows in kept["ms"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def measure(products: Sequence[type[Int8Product]]) -> dict[str, dict[str, float]]:
    """Milliseconds of each product of a layer's largest matrix by the number of rows; they take turns."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(-127, 128, (_COPIES, *_SHAPE), dtype=torch.int8, generator=generator)
    scale = torch.rand(_SHAPE[0], generator=generator) / 100
    made = {product.name: [product(weight, scale) for weight in weights] for product in products}
    figures: dict[str, dict[str, float]] = {product.name: {} for product in products}
    for rows in _TYPICAL:
        x = torch.randn((rows, _SHAPE[1]), generator=generator)
        largest = x.abs().amax(dim=-1, keepdim=True)

        def multiply(layers: Sequence[Int8Product], x: torch.Tensor = x, largest: torch.Tensor = largest) -> None:
            for layer in layers:
                layer(x, largest)

        for name, ms in timed({name: lambda layers=layers: multiply(layers) for name, layers in made.items()}).items():
            figures[name][str(rows)] = ms / _COPIES
    return figures


def timed(work: Mapping[str, Callable[[], None]], repeats: int = _REPEATS) -> dict[str, float]:
    """Milliseconds of each piece of work, the least of `repeats`; they take turns, after one that does not count.

    What else runs on the machine only ever adds to a time.
    """
    seen: dict[str, list[float]] = {name: [] for name in work}
    for repeat in range(repeats + 1):
        for name, job in work.items():
            started = perf_counter()
            job()
            if repeat:
                seen[name].append((perf_counter() - started) * 1e3)
    return {name: min(each) for name, each in seen.items()}


def _typical_ms(by_rows: Mapping[str, float]) -> float:
    return sum(passes * by_rows.get(str(rows), float("inf")) for rows, passes in _TYPICAL.items())


def _machine() -> str:
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"


def _keep(folder: Path, figures: Mapping[str, Mapping[str, float]]) -> None:
    kept = json.dumps({"machine": _machine(), "ms": figures}, indent=1)
    partial = folder / f".{KERNELS_FILE}.{os.getpid()}"
    with suppress(OSError):
        partial.write_text(kept, encoding="utf-8")
        partial.replace(folder / KERNELS_FILE)
