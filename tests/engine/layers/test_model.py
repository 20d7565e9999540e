"""Our forward pass against transformers', on tiny random models of every family."""

from __future__ import annotations

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.layers.int8_products import INT8_PRODUCTS, Int8Product, activation_levels, int8_supported
from codeassist.engine.layers.linear import Int8Linear, PlainLinear
from codeassist.engine.layers.model import Model
from codeassist.errors import Cancelled
from tests.engine.conftest import MakeModel
from tests.tiny_models import FAMILIES, ROPE_SCALINGS

IDS = torch.randint(0, 500, (120,), generator=torch.Generator().manual_seed(7))


def logits_of(model: Model, ids: torch.Tensor, chunk: int = 1000) -> torch.Tensor:
    cache = model.new_cache(256)
    parts = [
        model.logits(
            model.forward(ids[start : start + chunk], torch.arange(start, min(start + chunk, len(ids))), cache)
        )
        for start in range(0, len(ids), chunk)
    ]
    return torch.cat(parts)


@pytest.mark.parametrize("rope", ROPE_SCALINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_transformers(tiny: MakeModel, family: str, rope: str) -> None:
    ours, theirs = tiny(family, rope)
    with torch.no_grad():
        wanted = theirs(IDS[None]).logits[0]
    torch.testing.assert_close(logits_of(ours, IDS), wanted, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    "overrides",
    [
        {"tie_word_embeddings": True},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
    ],
)
def test_variants_equal_transformers(tiny: MakeModel, overrides: dict[str, object]) -> None:
    ours, theirs = tiny("qwen2", **overrides)
    with torch.no_grad():
        wanted = theirs(IDS[None]).logits[0]
    torch.testing.assert_close(logits_of(ours, IDS), wanted, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_any_chunking_gives_the_same(tiny: MakeModel, family: str, chunk: int) -> None:
    ours, _ = tiny(family)
    torch.testing.assert_close(logits_of(ours, IDS, chunk), logits_of(ours, IDS), rtol=1e-4, atol=1e-4)


def test_scattered_slots_see_what_stands_before_them(tiny: MakeModel) -> None:
    """Re-encoding scattered slots of a whole cache changes nothing: they see what they saw."""
    ours, _ = tiny("qwen2")
    cache = ours.new_cache(256)
    hidden = ours.forward(IDS, torch.arange(120), cache)
    slots = torch.tensor([3, 4, 5, 40, 77, 78, 119])
    again = ours.forward(IDS[slots], slots, cache)
    torch.testing.assert_close(again, hidden[slots], rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not int8_supported(), reason="this torch build has no fbgemm int8 kernels")
@pytest.mark.parametrize("family", FAMILIES)
def test_int8_stays_near_float32(tiny: MakeModel, family: str) -> None:
    plain, quantised = tiny(family)[0], tiny(family, weight_format="int8")[0]
    wanted, got = logits_of(plain, IDS), logits_of(quantised, IDS)
    error = (got - wanted).norm() / wanted.norm()
    # Gaussian weights saturate 16-bit sums more than trained ones do (see activation_levels): 0.16 without VNNI.
    assert error < 0.2, f"relative error {error:.3f}"


RUNNABLE = [product for product in INT8_PRODUCTS if product.can_run()]


@pytest.mark.parametrize("product", RUNNABLE)
def test_int8_rows_do_not_depend_on_their_neighbours(product: type[Int8Product]) -> None:
    """What makes verifying drafts lossless: a row alone gives, to the bit, what it gives among others."""
    generator = torch.Generator().manual_seed(3)
    weight = torch.randint(-127, 128, (48, 96), dtype=torch.int8, generator=generator)
    scale = torch.rand(48, generator=generator) / 100
    linear = Int8Linear(weight, scale, torch.randn(48, generator=generator), product)
    x = torch.randn(9, 96, generator=generator) * torch.logspace(-3, 3, 9).unsqueeze(1)
    together = linear(x)
    for row in range(9):
        assert torch.equal(linear(x[row : row + 1])[0], together[row])


@pytest.mark.parametrize("product", RUNNABLE)
def test_int8_product_is_near_the_float_one(product: type[Int8Product]) -> None:
    generator = torch.Generator().manual_seed(4)
    weight = torch.randn(256, 512, generator=generator)
    scale = weight.abs().amax(dim=1) / 127
    quantised = (weight / scale.unsqueeze(1)).round().to(torch.int8)
    x = torch.randn(5, 512, generator=generator)
    wanted = PlainLinear(weight, None)(x)
    got = Int8Linear(quantised, scale, None, product)(x)
    assert (got - wanted).norm() / wanted.norm() < 0.03
    assert activation_levels() in range(32, 128)


def test_a_stop_between_layers_is_obeyed(tiny: MakeModel) -> None:
    ours, _ = tiny("llama")
    looks: list[int] = []

    def stop_at_second_look() -> bool:
        looks.append(1)
        return len(looks) >= 2

    with pytest.raises(Cancelled):
        ours.forward(IDS[:4], torch.arange(4), ours.new_cache(16), stop_at_second_look)
    assert len(looks) == 2


def test_two_caches_do_not_touch_each_other(tiny: MakeModel) -> None:
    ours, _ = tiny("qwen2")
    one, two = LiveCache(ours, 64), LiveCache(ours, 64)
    first, _ = one.sync(IDS[:30].tolist())
    two.sync(IDS[50:100].tolist())
    again, report = one.sync(IDS[:30].tolist())
    assert report.num_encoded == 1
    torch.testing.assert_close(again, first, rtol=1e-4, atol=1e-4)
