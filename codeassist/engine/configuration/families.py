"""The model families that the engine runs: one row each, with what sets it apart in Hugging Face's and GGUF's files.

A family's prompt format is not here: `prompts/templates.py` knows it by the tokenizer's special tokens, because models
of one architecture are trained with different ones (Llama's: DeepSeek-Coder, Code Llama, Codestral, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from codeassist.errors import ModelError

NormKind = Literal["rms", "layer"]
Activation = Literal["silu", "gelu_tanh", "gelu"]


@dataclass(frozen=True, slots=True)
class HfSwitch:
    """A part that config.json switches on or off by `key`; `default` where it is silent."""

    key: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture, as config.json's `model_type` and GGUF's `general.architecture` call it.

    `qkv_bias`, `out_bias`, `mlp_bias`, `sliding_window`: whether there are such, or which key of config.json says so.
    `hf_eps`, `gguf_eps`: the key of the norms' epsilon. `hf_layer_names`, `gguf_layer_names`: tensors of a layer that
    are not called as Llama's; parts that are called the same stand in one tensor, in the order of `tensor_layout`.
    `hf_rotates_pairs`, `gguf_rotates_pairs`: neighbouring rows of q and k rotate together, not halves of a head.
    `partial_rotary`: how much of a head rotates where config.json is silent. `post_norms`: what attention and the MLP
    add is normed, too. `scaled_by`: whether config.json's and GGUF's keys say what the embedding, what is added, the
    attention scores and the logits are multiplied with; or the width does, of the embedding alone. `hf_norm_offset` is
    added to norm weights. `hf_activation` None: it is always the family's own.
    """

    name: str
    qkv_bias: bool | HfSwitch = False
    out_bias: bool | HfSwitch = False
    mlp_bias: bool | HfSwitch = False
    qk_norm: bool = False
    sliding_window: bool | HfSwitch = False
    norm: NormKind = "rms"
    hf_eps: tuple[str, float] = ("rms_norm_eps", 1e-6)
    gguf_eps: str = "layer_norm_rms_epsilon"
    activation: Activation = "silu"
    gated_mlp: bool = True
    tied_embeddings: bool = False
    hf_layer_names: Mapping[str, str] = field(default_factory=dict[str, str])
    gguf_layer_names: Mapping[str, str] = field(default_factory=dict[str, str])
    hf_rotates_pairs: bool = False
    gguf_rotates_pairs: bool = False
    partial_rotary: float = 1.0
    post_norms: bool = False
    scaled_by: Literal["nothing", "keys", "width"] = "nothing"
    hf_norm_offset: float = 0.0
    hf_activation: str | None = "hidden_act"
    hf_d_ff: str = "intermediate_size"


_ATTENTION_BIAS = HfSwitch("attention_bias")
_USE_BIAS = HfSwitch("use_bias", default=True)
_SLIDES = HfSwitch("use_sliding_window")
_QKV, _GATE_UP = ["q", "k", "v"], ["gate", "up"]
_FUSED_QKV, _FUSED_UP = dict.fromkeys(_QKV, "self_attn.qkv_proj"), dict.fromkeys(_GATE_UP, "mlp.gate_up_proj")
_GGUF_QKV, _GGUF_UP = dict.fromkeys(_QKV, "attn_qkv"), dict.fromkeys(_GATE_UP, "ffn_up")

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "llama",
            qkv_bias=_ATTENTION_BIAS,
            out_bias=_ATTENTION_BIAS,
            mlp_bias=HfSwitch("mlp_bias"),
            gguf_rotates_pairs=True,
        ),
        Family("qwen2", qkv_bias=True, sliding_window=_SLIDES),
        Family("qwen3", qkv_bias=_ATTENTION_BIAS, out_bias=_ATTENTION_BIAS, qk_norm=True, sliding_window=_SLIDES),
        Family("mistral", sliding_window=True),
        Family(
            "starcoder2",
            qkv_bias=_USE_BIAS,
            out_bias=_USE_BIAS,
            mlp_bias=_USE_BIAS,
            sliding_window=True,
            norm="layer",
            hf_eps=("norm_epsilon", 1e-5),
            gguf_eps="layer_norm_epsilon",
            activation="gelu_tanh",
            gated_mlp=False,
            tied_embeddings=True,
            hf_layer_names={"up": "mlp.c_fc", "down": "mlp.c_proj"},
        ),
        Family(
            "granite",
            qkv_bias=_ATTENTION_BIAS,
            out_bias=_ATTENTION_BIAS,
            mlp_bias=HfSwitch("mlp_bias"),
            gguf_rotates_pairs=True,
            scaled_by="keys",
        ),
        Family(  # Granite 4 without experts and state-space layers; in GGUF files it is a granite
            "granitemoehybrid",
            qkv_bias=_ATTENTION_BIAS,
            out_bias=_ATTENTION_BIAS,
            tied_embeddings=True,
            scaled_by="keys",
            hf_layer_names={
                **dict.fromkeys(_GATE_UP, "shared_mlp.input_linear"),
                "down": "shared_mlp.output_linear",
            },
            hf_d_ff="shared_intermediate_size",
        ),
        Family(  # CodeGemma
            "gemma",
            qkv_bias=_ATTENTION_BIAS,
            out_bias=_ATTENTION_BIAS,
            activation="gelu_tanh",
            hf_activation=None,  # the first files say "gelu" and mean its approximation
            tied_embeddings=True,
            scaled_by="width",
            hf_norm_offset=1.0,
        ),
        Family(  # Phi-4, too
            "phi3",
            sliding_window=True,
            hf_eps=("rms_norm_eps", 1e-5),
            hf_layer_names=_FUSED_QKV | _FUSED_UP,
            gguf_layer_names=_GGUF_QKV | _GGUF_UP,
        ),
        Family(
            "glm4",
            qkv_bias=HfSwitch("attention_bias", default=True),
            hf_rotates_pairs=True,
            gguf_rotates_pairs=True,
            partial_rotary=0.5,
            post_norms=True,
            hf_eps=("rms_norm_eps", 1.5625e-7),
            hf_layer_names={
                **_FUSED_UP,
                "attn_post_norm": "post_self_attn_layernorm",
                "mlp_post_norm": "post_mlp_layernorm",
            },
            gguf_layer_names=_GGUF_UP,
        ),
    )
}

_RUNNING_STATE = (
    "some of its layers keep a running state, and nothing can be taken out of the middle of one when a text changes"
)
_WHY_NOT = {
    "gpt2": "positions are learned",
    "gpt_bigcode": "positions are learned",
    "opt": "positions are learned",
    "gpt_neo": "positions are learned",
    "bloom": "positions are ALiBi biases",
    "mpt": "positions are ALiBi biases",
    "falcon": "positions may be ALiBi biases",
    "gemma2": "it bounds attention scores by tanh, which no attention kernel here computes",
    **dict.fromkeys(
        ("gemma3", "gemma3_text", "gemma3n", "gemma3n_text", "gemma4", "gemma4_text"),
        "its layers rotate positions in two ways",
    ),
    **dict.fromkeys(("smollm3", "cohere2", "llama4", "llama4_text"), "some of its layers see no positions at all"),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3", "deepseek2", "minicpm3"), "its attention keeps compressed states"),
    **dict.fromkeys(
        (
            *("mamba", "mamba2", "rwkv6", "rwkv7", "recurrentgemma", "recurrent_gemma", "jamba", "bamba", "zamba2"),
            *("falcon_h1", "falcon-h1", "nemotron_h", "lfm2", "qwen3_next", "qwen3next", "qwen3_5", "qwen3_5_text"),
            *("qwen35", "granitehybrid", "kimi_linear", "kimi-linear"),
        ),
        _RUNNING_STATE,
    ),
}
_MIXTURES = ("mixtral", "mellum", "dbrx", "gpt_oss", "gpt-oss", "phimoe", "grok", "arctic")


def family_of(architecture: str) -> Family:
    """The row of an architecture. Raises ModelError, saying why as far as that is known, for one that has none."""
    family = FAMILIES.get(architecture)
    if family is not None:
        return family
    why = _WHY_NOT.get(architecture)
    if why is None and ("moe" in architecture or architecture in _MIXTURES):
        why = "it is a mixture of experts"
    because, known = f": {why}" if why else "", ", ".join(FAMILIES)
    raise ModelError(
        f"the model's architecture is {architecture!r}, which this engine does not run{because}; known: {known}"
    )


def refuse_hybrid(config: Mapping[str, Any]) -> None:
    """Raise ModelError for a config.json that has other layers than attention ones, or experts."""
    kinds = {str(kind) for kind in config.get("layer_types") or config.get("layers_block_type") or ()}
    others = kinds - {"attention", "full_attention", "sliding_attention"}
    if others:
        raise ModelError(f"the model has {min(others)} layers, which this engine does not run: {_RUNNING_STATE}")


def is_on(part: bool | HfSwitch, config: Mapping[str, Any]) -> bool:
    """Whether a model with this config.json has a part."""
    return part if isinstance(part, bool) else bool(config.get(part.key, part.default))
