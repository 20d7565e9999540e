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
    `hf_eps`, `gguf_eps`: the key of the norms' epsilon. `hf_layer_names`: tensors of a layer that are not called as
    Llama's. `gguf_rotates_pairs`: llama.cpp's converter reorders rows of q and k, so that neighbours rotate together.
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
    gguf_rotates_pairs: bool = False


_ATTENTION_BIAS = HfSwitch("attention_bias")
_USE_BIAS = HfSwitch("use_bias", default=True)
_SLIDES = HfSwitch("use_sliding_window")

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
    )
}

_WHY_NOT = {
    "gpt2": "positions are learned",
    "gpt_bigcode": "positions are learned",
    "opt": "positions are learned",
    "gpt_neo": "positions are learned",
    "bloom": "positions are ALiBi biases",
    "mpt": "positions are ALiBi biases",
    "falcon": "positions may be ALiBi biases",
}


def family_of(architecture: str) -> Family:
    """The row of an architecture. Raises ModelError, saying why as far as that is known, for one that has none."""
    family = FAMILIES.get(architecture)
    if family is not None:
        return family
    is_mixture = "moe" in architecture or architecture == "mixtral"
    why = "it is a mixture of experts" if is_mixture else _WHY_NOT.get(architecture)
    because, known = f": {why}" if why else "", ", ".join(FAMILIES)
    raise ModelError(
        f"the model's architecture is {architecture!r}, which this engine does not run{because}; known: {known}"
    )


def is_on(part: bool | HfSwitch, config: Mapping[str, Any]) -> bool:
    """Whether a model with this config.json has a part."""
    return part if isinstance(part, bool) else bool(config.get(part.key, part.default))
