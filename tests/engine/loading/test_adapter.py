"""An adapter merged at conversion: the model that transformers has once the same products are added to its matrices."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from codeassist.engine.layers.model import Model
from codeassist.engine.loading.weights import open_weights, prepare
from codeassist.errors import ModelError
from tests.tiny_models import save_model

_PROJECTIONS = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}  # fmt: skip


def test_a_merged_adapter_gives_the_logits_of_the_changed_matrices(tmp_path: Path) -> None:
    theirs = save_model(tmp_path, "qwen2")
    generator = torch.Generator().manual_seed(20261130)
    tensors: dict[str, torch.Tensor] = {}
    for layer in range(2):
        for name, projection in _PROJECTIONS.items():
            weight = theirs.get_parameter(f"model.layers.{layer}.{projection}.weight")
            first = torch.randint(-127, 128, (3, weight.shape[1]), generator=generator, dtype=torch.int8)
            second = torch.randint(-127, 128, (weight.shape[0], 3), generator=generator, dtype=torch.int8)
            scale = torch.tensor([2e-6, 4e-6, 6e-6])
            stem = f"layers.{layer}.{name}.weight"
            tensors |= {f"{stem}.a": first, f"{stem}.b": second, f"{stem}.scale": scale}
            with torch.no_grad():
                weight += second.float() @ torch.diag(scale) @ first.float()
    save_file(tensors, tmp_path / "adapter.safetensors")
    folder = prepare(
        tmp_path, "float32", tmp_path / "cache", "a" * 64, lambda *_: None, tmp_path / "adapter.safetensors"
    )
    plain = prepare(tmp_path, "float32", tmp_path / "cache", "b" * 64, lambda *_: None)
    ids = torch.arange(40) * 7 % 500
    with torch.inference_mode():
        wanted = theirs(ids[None]).logits[0].float()
    ours, without = (_logits(each, ids) for each in (folder, plain))
    assert torch.allclose(ours, wanted, atol=2e-3)
    assert not torch.allclose(without, wanted, atol=0.1)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "an adapter of nothing"),
        ({"9.q.weight.a": (3, 64), "9.q.weight.b": (64, 3), "9.q.weight.scale": (3,)}, "another model's adapter"),
        ({"0.q.weight.a": (3, 64), "0.q.weight.b": (64, 3)}, "another model's adapter"),
        ({"0.q.weight.a": (3, 64), "0.q.weight.b": (32, 3), "0.q.weight.scale": (3,)}, "for another shape"),
        ({"0.q.weight.a": (3, 64), "0.q.weight.b": (64, 2), "0.q.weight.scale": (3,)}, "for another shape"),
        ({"0.q.weight.a": (3, 64), "0.q.weight.b": (64, 3), "0.q.weight.scale": (2,)}, "for another shape"),
    ],
)
def test_an_adapter_of_another_model_is_refused(
    tmp_path: Path, tensors: dict[str, tuple[int, ...]], message: str
) -> None:
    save_model(tmp_path, "qwen2")
    save_file(
        {f"layers.{name}": torch.zeros(shape) for name, shape in tensors.items()}, tmp_path / "adapter.safetensors"
    )
    with pytest.raises(ModelError, match=message):
        prepare(tmp_path, "float32", tmp_path / "cache", "a" * 64, lambda *_: None, tmp_path / "adapter.safetensors")


def test_a_file_that_is_no_adapter_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, "qwen2")
    (tmp_path / "adapter.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(ModelError, match="no adapter"):
        prepare(tmp_path, "float32", tmp_path / "cache", "a" * 64, lambda *_: None, tmp_path / "adapter.safetensors")


def _logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    model = Model(open_weights(folder), torch.device("cpu"), max_positions=64)
    cache = model.new_cache(64)
    return model.logits(model.forward(ids, torch.arange(len(ids)), cache))
