"""Exported folders: transformers loads them and computes what it computes from the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from codeassist.engine.loading.safetensors_folder import hf_name
from codeassist.engine.loading.tensor_layout import model_tensors
from codeassist.engine.loading.weights import open_source, open_weights, prepare
from codeassist.errors import ModelError
from codeassist.tokenization.tokens import Tokenizer
from tests.engine.loading.hf_folder import export_hf_folder
from tests.tiny_models import CODE, FAMILIES, ROPE_SCALINGS, build_model, save_gguf, save_model

IDS = torch.tensor([[5, 77, 300, 41, 6, 8, 77, 300, 12, 90, 333, 2]])


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


def load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


@pytest.mark.parametrize("rope", ROPE_SCALINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_from_a_folder(family: str, rope: str, tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", family, rope)
    export_hf_folder(tmp_path / "hf", tmp_path / "out", "float32")
    assert torch.equal(logits(load(tmp_path / "out")), logits(model))


@pytest.mark.parametrize("family", FAMILIES)
def test_from_gguf_and_its_conversion(family: str, tmp_path: Path) -> None:
    model = build_model(family)
    save_gguf(tmp_path / "m.gguf", family, model)
    export_hf_folder(tmp_path / "m.gguf", tmp_path / "out", "float32")
    loaded = load(tmp_path / "out")
    assert torch.allclose(logits(loaded), logits(model), atol=1e-4)  # norm_eps is float32 in GGUF
    converted = prepare(tmp_path / "m.gguf", "float32", tmp_path / "cache", "ab" * 32, lambda done, total: None)
    export_hf_folder(converted, tmp_path / "again", "float32")
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        tmp_path / "out" / "model.safetensors"
    ).read_bytes()
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path / "out"), Tokenizer.load(tmp_path / "out")
    assert theirs.encode(CODE, add_special_tokens=False) == ours.encode(CODE)
    assert set(ours.eos_ids) == set(
        json.loads((tmp_path / "out" / "generation_config.json").read_text())["eos_token_id"]
    )


def test_frequency_factors_reach_transformers(tmp_path: Path) -> None:
    """A GGUF file of Llama 3.1 carries factors; they say the same as the formula."""
    model = build_model("llama", "llama3")
    plain = build_model("llama")
    inv_freq, plain_inv_freq = (m.model.rotary_emb.inv_freq for m in (model, plain))
    save_gguf(tmp_path / "m.gguf", "llama", model, extra={"rope_freqs.weight": plain_inv_freq / inv_freq})
    export_hf_folder(tmp_path / "m.gguf", tmp_path / "out", "float32")
    assert torch.allclose(logits(load(tmp_path / "out")), logits(model), atol=1e-4)
    assert not torch.allclose(logits(plain), logits(model), atol=1e-2)


def test_int8_is_multiplied_out(tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", "qwen2")
    converted = prepare(tmp_path / "hf", "int8", tmp_path / "cache", "ab" * 32, lambda done, total: None)
    export_hf_folder(converted, tmp_path / "out", "float32")
    weights = open_weights(converted)
    row = weights.get("layers.1.qkv.weight")[64 + 32 + 3].float() * weights.get("layers.1.qkv.scale")[64 + 32 + 3]
    loaded = load(tmp_path / "out")
    assert torch.equal(loaded.model.layers[1].self_attn.v_proj.weight[3], row)
    assert torch.cosine_similarity(logits(loaded), logits(model), dim=-1).min() > 0.99


def test_dtype_is_told(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    export_hf_folder(tmp_path / "hf", tmp_path / "out", "bfloat16")
    assert load(tmp_path / "out").dtype == torch.bfloat16


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    with pytest.raises(ModelError, match="not empty"):
        export_hf_folder(tmp_path / "hf", tmp_path / "hf", "float32")
    with pytest.raises(ModelError, match="cannot write"):
        export_hf_folder(tmp_path / "hf", tmp_path / "hf" / "config.json", "float32")


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_gguf_reads_as_transformers_reads_it(family: str, tmp_path: Path) -> None:
    """Every quantised tensor, under the name that it is exported by. (All of SmolLM2's agree too; that takes 20 s.)"""
    path = tmp_path / "m.gguf"
    model = build_model(family)
    save_gguf(path, family, model, "Q4_1")
    source = open_source(path)
    theirs: dict[str, torch.Tensor] = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    parts = [part for spec in model_tensors(source.config) for part in spec.parts]
    names = {part.name: hf_name(part.name, source.config.architecture) for part in parts}
    assert set(names.values()) == set(theirs)
    for part in parts:
        assert torch.equal(source.read_rows(part.name, 0, part.num_rows), theirs[names[part.name]]), part.name
