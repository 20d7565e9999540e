"""Model configurations: read from transformers' and GGUF's words, written back, refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.configuration.rope_scaling import FrequencyFactors, Llama3Scaling, YarnScaling
from codeassist.engine.loading.gguf_file import GgufFile
from codeassist.errors import ModelError
from tests.engine.loading.hf_folder import hf_config
from tests.tiny_models import FAMILIES, ROPE_SCALINGS, build_model, save_gguf

QWEN_4 = {  # as Qwen2.5-Coder-0.5B's config.json spells it
    "architectures": ["Qwen2ForCausalLM"],
    "bos_token_id": 151643,
    "eos_token_id": 151643,
    "hidden_act": "silu",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "max_position_embeddings": 32768,
    "max_window_layers": 24,
    "model_type": "qwen2",
    "num_attention_heads": 14,
    "num_hidden_layers": 24,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 32768,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_sliding_window": False,
    "vocab_size": 151936,
}


@pytest.mark.parametrize("rope", ROPE_SCALINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_survives_both_round_trips(family: str, rope: str, tmp_path: Path) -> None:
    config = ModelConfig.from_hf(build_model(family, rope).config.to_dict())
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    written = hf_config(config)
    assert ModelConfig.from_hf(written) == config
    (tmp_path / "config.json").write_text(json.dumps(written))
    read = ModelConfig.from_hf(AutoConfig.from_pretrained(tmp_path).to_dict())  # it knows its folder, too
    assert replace(read, published_names=()) == config


def test_transformers_4_spelling() -> None:
    config = ModelConfig.from_hf(QWEN_4)
    assert (config.rope_theta, config.head_dim, config.sliding_window) == (1e6, 64, None)
    assert config.qkv_bias and not config.out_bias and config.tied_embeddings
    yarn = ModelConfig.from_hf(
        QWEN_4 | {"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}}
    )
    assert isinstance(yarn.rope_scaling, YarnScaling)
    assert yarn.rope_scaling.attention_factor == pytest.approx(1.1386294361)


def test_sliding_windows_are_kept() -> None:
    assert ModelConfig.from_hf(QWEN_4 | {"use_sliding_window": True}).sliding_window == 32768
    mistral = build_model("mistral", sliding_window=32)
    assert ModelConfig.from_hf(mistral.config.to_dict()).sliding_window == 32


def test_factors_are_written_as_longrope_and_read_back() -> None:
    config = replace(ModelConfig.from_hf(QWEN_4), rope_scaling=FrequencyFactors(tuple(1.0 + i for i in range(32))))
    assert ModelConfig.from_hf(hf_config(config)) == config
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model_type": "gpt_bigcode"}, "positions are learned"),
        ({"model_type": "bloom"}, "ALiBi"),
        ({"model_type": "qwen3_moe"}, "mixture of experts"),
        ({"model_type": "mamba"}, "'mamba'"),
        ({"alibi": True}, "ALiBi"),
        ({"num_local_experts": 8}, "mixture of experts"),
        ({"quantization_config": {"quant_method": "awq"}}, "awq"),
        ({"hidden_act": "relu2"}, "relu2"),
        ({"partial_rotary_factor": 0.01}, "cannot be rotated in pairs"),
        ({"partial_rotary_factor": 1.5}, "cannot be rotated in pairs"),
        ({"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [2.0]}}, "1 factors"),
        ({"rope_scaling": {"type": "longrope", "short_factor": [0.0], "long_factor": [2.0]}}, "longrope"),
        ({"rope_scaling": {"type": "longrope", "short_factor": [1.0]}}, "long_factor"),
        ({"model_type": "granite", "residual_multiplier": -1.0}, "residual_multiplier"),
        ({"rope_scaling": {"type": "linear"}}, "factor"),
        ({"rope_scaling": {"type": "linear", "factor": -1}}, "factor"),
        ({"hidden_size": "896"}, "hidden_size"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"num_hidden_layers": None}, "num_hidden_layers"),
        ({"rms_norm_eps": float("inf")}, "rms_norm_eps"),
        ({"eos_token_id": "</s>"}, "token ids"),
        ({"num_key_value_heads": 3}, "share"),
    ],
)
def test_what_cannot_run_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=named) as caught:
        ModelConfig.from_hf(QWEN_4 | change)
    assert "\n" not in str(caught.value)


def test_a_converted_config_of_another_version_is_refused() -> None:
    value = ModelConfig.from_hf(QWEN_4).to_json()
    with pytest.raises(ModelError, match="convert it again"):
        ModelConfig.from_json({key: item for key, item in value.items() if key != "d_ff"})
    with pytest.raises(ModelError, match="convert it again"):
        ModelConfig.from_json(value | {"rope_scaling": {"kind": "new"}})


@pytest.mark.parametrize("family", FAMILIES)
def test_gguf_metadata_says_the_same(family: str, tmp_path: Path) -> None:
    model = build_model(family)
    save_gguf(tmp_path / "m.gguf", family, model)
    read = GgufFile(tmp_path / "m.gguf").config
    expected = ModelConfig.from_hf(model.config.to_dict())
    assert read.eos_token_ids  # the tokenizer's, where the model of this test has another
    if family == "mistral":  # llama.cpp calls it llama
        expected = replace(expected, architecture="llama")
    assert replace(read, eos_token_ids=expected.eos_token_ids, norm_eps=expected.norm_eps) == expected
    assert read.norm_eps == pytest.approx(expected.norm_eps)


def test_gguf_rope_scaling() -> None:
    plain: dict[str, Any] = {
        "general.architecture": "qwen2",
        "qwen2.block_count": 1,
        "qwen2.context_length": 1024,
        "qwen2.embedding_length": 64,
        "qwen2.feed_forward_length": 128,
        "qwen2.attention.head_count": 4,
        "qwen2.vocab_size": 300,
        "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
    }
    names = frozenset(("blk.0.ffn_gate.weight",))
    assert ModelConfig.from_gguf(plain, names).rope_scaling is None
    yarn = plain | {
        "qwen2.rope.scaling.type": "yarn",
        "qwen2.rope.scaling.factor": 4.0,
        "qwen2.rope.scaling.original_context_length": 256,
    }
    scaling = ModelConfig.from_gguf(yarn, names).rope_scaling
    assert isinstance(scaling, YarnScaling) and scaling.original_max_positions == 256
    doubled = ModelConfig.from_gguf(yarn | {"qwen2.rope.scaling.attn_factor": 2.0}, names).rope_scaling
    assert isinstance(doubled, YarnScaling) and doubled.attention_factor == 2 * scaling.attention_factor
    with pytest.raises(ModelError, match="mixture of experts"):
        ModelConfig.from_gguf(plain | {"qwen2.expert_count": 8}, names)
    with pytest.raises(ModelError, match="MLP"):
        ModelConfig.from_gguf(plain, frozenset())


def test_llama3_needs_all_its_numbers() -> None:
    rope = ROPE_SCALINGS["llama3"]
    config = ModelConfig.from_hf(QWEN_4 | {"rope_scaling": rope})
    assert isinstance(config.rope_scaling, Llama3Scaling)
    with pytest.raises(ModelError, match="low_freq_factor"):
        ModelConfig.from_hf(QWEN_4 | {"rope_scaling": {k: v for k, v in rope.items() if k != "low_freq_factor"}})
