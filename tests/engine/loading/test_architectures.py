"""Architectures beside the Llama-shaped ones: logits equal to transformers', from both kinds of files, and on a cache
whose middle changes. What is refused says why, truly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from transformers import (
    GemmaConfig,
    GemmaForCausalLM,
    Glm4Config,
    Glm4ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    GraniteMoeHybridConfig,
    GraniteMoeHybridForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
)

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.configuration.families import FAMILIES, family_of
from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.layers.model import Model
from codeassist.engine.loading.gguf_file import GgufFile
from codeassist.engine.loading.weights import open_weights, prepare
from codeassist.errors import ModelError
from tests.tiny_models import add_tokenizer, train_tokenizer

torch.set_num_threads(1)

CPU = torch.device("cpu")
IDS = torch.randint(0, 500, (90,), generator=torch.Generator().manual_seed(7))
COMMON: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": 511,
    "pad_token_id": None,
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 10_000.0,
    "short_factor": [1.0 + i / 10 for i in range(6)],
    "long_factor": [4.0 + i for i in range(6)],
    "original_max_position_embeddings": 128,
    "partial_rotary_factor": 0.75,
}
GRANITE: dict[str, Any] = {
    "embedding_multiplier": 12.0,
    "residual_multiplier": 0.22,
    "logits_scaling": 10.0,
    "attention_multiplier": 0.125,
}


@dataclass(frozen=True)
class Case:
    """A tiny model of an architecture. `gguf_names`: what its tensors are called in GGUF, None where its converter
    calls the architecture otherwise; `permuted`: q and k are reordered there; `add_one`: norms have one added there."""

    architecture: str
    model: Callable[[Any], PreTrainedModel]
    config: Callable[..., Any]
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    gguf_names: dict[str, str] | None = None
    permuted: bool = False
    add_one: bool = False


LLAMA_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
FUSED_NAMES = LLAMA_NAMES | {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
CASES = {
    "granite": Case(
        "granite", GraniteForCausalLM, GraniteConfig, GRANITE | {"rope_parameters": ROPE}, LLAMA_NAMES, permuted=True
    ),
    "granite-tied": Case(
        "granite",
        GraniteForCausalLM,
        GraniteConfig,
        GRANITE | {"rope_parameters": ROPE, "tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True},
        LLAMA_NAMES,
        permuted=True,
    ),
    "granite-4": Case(
        "granitemoehybrid",
        GraniteMoeHybridForCausalLM,
        GraniteMoeHybridConfig,
        GRANITE
        | {
            "rope_parameters": ROPE,
            "layer_types": ["attention", "attention"],
            "num_local_experts": 0,
            "shared_intermediate_size": 96,
            "position_embedding_type": "rope",
        },
    ),
    "codegemma": Case(
        "gemma",
        GemmaForCausalLM,
        GemmaConfig,
        {"head_dim": 32, "rope_parameters": ROPE},
        LLAMA_NAMES,
        add_one=True,
    ),
    "phi-4": Case("phi3", Phi3ForCausalLM, Phi3Config, {"rope_parameters": ROPE}, FUSED_NAMES),
    "phi-4-mini": Case(
        "phi3",
        Phi3ForCausalLM,
        Phi3Config,
        {"rope_parameters": LONG_ROPE, "original_max_position_embeddings": 128},
        FUSED_NAMES,
    ),
    "glm-4": Case(
        "glm4",
        Glm4ForCausalLM,
        Glm4Config,
        {"head_dim": 16, "rope_parameters": ROPE | {"partial_rotary_factor": 0.5}},
        FUSED_NAMES | {"post_self_attn_layernorm": "post_attention_norm", "post_mlp_layernorm": "post_ffw_norm"},
    ),
}


def build(case: Case) -> PreTrainedModel:
    torch.manual_seed(1)
    model = case.model(case.config(**(COMMON | case.fields))).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.2)
            elif "norm" in name:
                parameter.normal_(mean=0.0 if case.add_one else 1.0, std=0.2)
            else:
                parameter.normal_(std=0.15)
    return model


def save_as_gguf(path: Path, case: Case, model: PreTrainedModel) -> None:
    """As llama.cpp's converter writes it: its names, its keys, its order of rows, norms with one added."""
    names, config, arch = case.gguf_names, model.config, case.architecture
    assert names is not None
    writer = gguf.GGUFWriter(path, arch)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length([config.intermediate_size] * 2)  # some converters list it layer by layer
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv([config.num_key_value_heads] * 2)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head_dim)
    rope = config.rope_parameters
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1.0)))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if arch == "granite":
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_logit_scale(config.logits_scaling)
        writer.add_attention_scale(config.attention_multiplier)
    if rope["rope_type"] == "longrope":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_attn_factors((1 + torch.log(torch.tensor(2.0)).item() / 4.852030263919617) ** 0.5)
        for length in ("short", "long"):
            factors = torch.tensor(rope[f"{length}_factor"])
            writer.add_tensor(f"rope_factors_{length}.weight", factors.numpy())
    add_tokenizer(writer, "qwen2", config.vocab_size)
    for name, parameter in model.named_parameters():
        stem, _, suffix = name.rpartition(".")
        tensor = parameter.detach()
        if stem.startswith("model.layers."):
            _, _, number, rest = stem.split(".", 3)
            stem = f"blk.{number}.{names[rest]}"
            if case.permuted and (".q_proj" in name or ".k_proj" in name):
                heads = config.num_attention_heads if ".q_proj" in name else config.num_key_value_heads
                halves = tensor.reshape(heads, 2, -1, *tensor.shape[1:])
                tensor = halves.swapaxes(1, 2).reshape(tensor.shape)
        else:
            stem = names[stem]
        if case.add_one and "norm" in stem:
            tensor = tensor + 1
        writer.add_tensor(f"{stem}.{suffix}", tensor.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def opened(source: Path, cache: Path, positions: int = 128) -> Model:
    converted = prepare(source, "float32", cache, f"{abs(hash(source)):064x}"[-64:], lambda *_: None)
    return Model(open_weights(converted), CPU, max_positions=positions)


def logits_of(model: Model, ids: torch.Tensor, chunk: int = 1000) -> torch.Tensor:
    cache = model.new_cache(128)
    parts = [
        model.forward(ids[start : start + chunk], torch.arange(start, min(start + chunk, len(ids))), cache)
        for start in range(0, len(ids), chunk)
    ]
    return model.logits(torch.cat(parts))


@pytest.fixture(scope="module", params=CASES)
def tiny(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, PreTrainedModel, Path]:
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    model = build(case)
    model.save_pretrained(folder / "hf")
    train_tokenizer("qwen2").save_pretrained(folder / "hf")
    return case, model, folder


Tiny = tuple[Case, PreTrainedModel, Path]


def test_logits_equal_transformers_from_safetensors(tiny: Tiny) -> None:
    _, theirs, folder = tiny
    ours = opened(folder / "hf", folder / "cache")
    with torch.no_grad():
        wanted = theirs(IDS[None]).logits[0]
    assert wanted.std() > 0.02  # they differ from each other
    torch.testing.assert_close(logits_of(ours, IDS), wanted, rtol=2e-4, atol=2e-4)
    torch.testing.assert_close(logits_of(ours, IDS, chunk=7), wanted, rtol=2e-4, atol=2e-4)


def test_logits_equal_transformers_from_gguf(tiny: Tiny) -> None:
    case, theirs, folder = tiny
    if case.gguf_names is None:
        assert case.architecture == "granitemoehybrid"  # llama.cpp's converter writes these as granite
        return
    save_as_gguf(folder / "m.gguf", case, theirs)
    ours = opened(folder / "m.gguf", folder / "cache")
    with torch.no_grad():
        wanted = theirs(IDS[None]).logits[0]
    torch.testing.assert_close(logits_of(ours, IDS), wanted, rtol=2e-4, atol=2e-4)


def test_a_middle_that_changes_is_as_good_as_read_afresh(tiny: Tiny) -> None:
    """What is moved is rotated as if it had always stood there; healed, it is what a fresh cache holds."""
    _, _, folder = tiny
    ours = opened(folder / "hf", folder / "cache")
    before, after = IDS[:60].tolist(), [*IDS[:20].tolist(), *IDS[60:67].tolist(), *IDS[30:60].tolist()]
    cache = LiveCache(ours, 128)
    cache.sync(before)
    cache.sync(after)
    cache.check()
    while cache.heal(16):
        pass
    healed, _ = cache.sync(after)
    fresh, _ = LiveCache(ours, 128).sync(after)
    torch.testing.assert_close(healed, fresh, rtol=2e-4, atol=2e-4)


def test_a_long_rope_is_run_as_far_as_its_short_factors_are_for(tmp_path: Path) -> None:
    model = build(CASES["phi-4-mini"])
    config = ModelConfig.from_hf(model.config.to_dict())
    assert (config.max_positions, config.rotary_dim, config.head_dim) == (128, 12, 16)
    assert ModelConfig.from_json(config.to_json()) == config
    save_as_gguf(tmp_path / "m.gguf", CASES["phi-4-mini"], model)
    of_file = GgufFile(tmp_path / "m.gguf").config
    assert of_file.max_positions == 128 and of_file.rotary_dim == 12
    ours, theirs = config.rope_scaling, of_file.rope_scaling
    assert ours is not None and theirs is not None and ours.magnitude == pytest.approx(theirs.magnitude)


@pytest.mark.parametrize(
    ("architecture", "why"),
    [
        ("gemma2", "bounds attention scores by tanh"),
        ("gemma3_text", "rotate positions in two ways"),
        ("smollm3", "see no positions at all"),
        ("qwen3_moe", "mixture of experts"),
        ("qwen3moe", "mixture of experts"),
        ("mellum", "mixture of experts"),
        ("gpt_oss", "mixture of experts"),
        ("qwen3_next", "keep a running state"),
        ("granitehybrid", "keep a running state"),
        ("deepseek2", "keeps compressed states"),
        ("something_new", "does not run; known:"),
    ],
)
def test_what_is_not_run_is_refused_by_its_reason(architecture: str, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        family_of(architecture)
    assert architecture not in FAMILIES


def test_granite_4_with_state_space_layers_or_experts_is_refused() -> None:
    dense = build(CASES["granite-4"]).config.to_dict()
    ModelConfig.from_hf(dense)
    for change, why in (
        ({"layer_types": ["mamba", "attention"]}, "has mamba layers.* keep a running state"),
        ({"num_local_experts": 8}, "mixture of experts"),
        ({"position_embedding_type": "nope"}, "no rotary positions"),
    ):
        with pytest.raises(ModelError, match=why):
            ModelConfig.from_hf(dense | change)


def test_heads_that_differ_from_layer_to_layer_are_refused(tmp_path: Path) -> None:
    model = build(CASES["phi-4"])
    save_as_gguf(tmp_path / "m.gguf", CASES["phi-4"], model)
    metadata = GgufFile(tmp_path / "m.gguf").metadata
    assert metadata["phi3.attention.head_count_kv"] == [2, 2]
    with pytest.raises(ModelError, match=r"head_count_kv' differs from layer to layer"):
        ModelConfig.from_gguf(metadata | {"phi3.attention.head_count_kv": [2, 4]}, frozenset())
