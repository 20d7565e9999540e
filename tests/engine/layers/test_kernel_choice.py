"""Which int8 product a model is loaded with: measured once on a machine, kept, and never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from codeassist.engine.layers import kernel_choice
from codeassist.engine.layers.int8_products import INT8_PRODUCTS, FbgemmProduct, OneDnnProduct
from codeassist.engine.layers.kernel_choice import KERNELS_FILE, fastest, fastest_int8, known_figures

BOTH = pytest.mark.skipif(
    not all(product.can_run() for product in INT8_PRODUCTS), reason="only one int8 product runs on this machine"
)
FIGURES = {"fbgemm": {"1": 0.2, "4": 0.3, "48": 0.9}, "oneDNN": {"1": 0.2, "4": 0.2, "48": 0.5}}


@BOTH
def test_it_is_measured_once_and_kept_for_just_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(products: object) -> dict[str, dict[str, float]]:
        measured.append(1)
        return FIGURES

    monkeypatch.setattr(kernel_choice, "measure", measure)
    assert [fastest_int8(tmp_path) for _ in range(3)] == [OneDnnProduct] * 3
    assert len(measured) == 1
    kept = tmp_path / KERNELS_FILE
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "machine": "another"}))
    assert known_figures(tmp_path) is None
    fastest_int8(tmp_path)
    assert len(measured) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"machine": 3}', '{"ms": {"fbgemm": 1}}', "{" * 9000])
def test_a_damaged_file_is_measured_again(tmp_path: Path, text: str) -> None:
    (tmp_path / KERNELS_FILE).write_text(text)
    assert known_figures(tmp_path) is None


@BOTH
def test_a_folder_that_cannot_be_written_costs_a_measurement_only(tmp_path: Path) -> None:
    assert fastest_int8(tmp_path / "missing") in INT8_PRODUCTS


@BOTH
def test_the_least_time_of_a_typical_answer_wins() -> None:
    assert fastest(FIGURES) is OneDnnProduct
    assert fastest({**FIGURES, "oneDNN": {"1": 0.3, "4": 0.2, "48": 0.8}}) is FbgemmProduct


@BOTH
def test_both_products_give_the_same_to_a_step_of_rounding() -> None:
    generator = torch.Generator().manual_seed(11)
    weight = torch.randint(-127, 128, (64, 256), dtype=torch.int8, generator=generator)
    scale = torch.rand(64, generator=generator) / 100
    x = torch.randn((5, 256), generator=generator)
    largest = x.abs().amax(dim=-1, keepdim=True)
    first, second = (product(weight, scale)(x, largest) for product in INT8_PRODUCTS)
    assert (first - second).norm() / first.norm() < 0.002
