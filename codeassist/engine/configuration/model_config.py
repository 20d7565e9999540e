"""The shape of a model: what the engine must know to run one, read from Hugging Face's or GGUF's own words.

Dictionaries in, values out. What the engine cannot run is refused here, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from codeassist.engine.configuration import rope_scaling
from codeassist.engine.configuration.families import Activation, Family, NormKind, family_of, is_on, refuse_hybrid
from codeassist.engine.configuration.rope_scaling import FrequencyFactors, RopeScaling
from codeassist.errors import ModelError

_ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu": "gelu",
}


@dataclass(frozen=True, slots=True)
class Scales:
    """What a model multiplies: the embedding, what is added to the residual stream, and the logits (there it divides).

    `attention`: the attention scores, None for one over the root of a head's size.
    """

    embedding: float = 1.0
    residual: float = 1.0
    logits: float = 1.0
    attention: float | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One decoder-only transformer with rotary positions.

    `sliding_window`: attention sees at most so many tokens back; the engine keeps its context below it.
    `qkv_bias`, `out_bias`, `mlp_bias`: whether the projections into and out of attention, and the MLP's, have biases.
    `rotary_dim`: how many of a head's numbers rotate. `post_norms`: what attention and the MLP add is normed, too.
    `scales`: what its conversion multiplies weights with. `published_names`: what its files call the model.
    """

    architecture: str
    num_layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int
    max_positions: int
    rope_theta: float
    rope_scaling: RopeScaling | None
    norm_eps: float
    norm: NormKind
    activation: Activation
    gated_mlp: bool
    qkv_bias: bool
    out_bias: bool
    mlp_bias: bool
    qk_norm: bool
    rotary_dim: int
    post_norms: bool
    scales: Scales
    tied_embeddings: bool
    sliding_window: int | None
    eos_token_ids: tuple[int, ...]
    bos_token_id: int | None
    published_names: tuple[str, ...]

    @property
    def num_layer_parameters(self) -> int:
        """The weights that each token of a prompt is multiplied with: the layers', without biases and norms."""
        attention = 2 * (self.num_heads + self.num_kv_heads) * self.head_dim
        return self.num_layers * self.d_model * (attention + (3 if self.gated_mlp else 2) * self.d_ff)

    @staticmethod
    def from_hf(config: Mapping[str, Any]) -> ModelConfig:
        """Read a config.json of transformers 4 or 5. Raises ModelError for what the engine cannot run."""
        source = _Fields(config, "config.json")
        model_type = str(config.get("model_type", "none"))
        family = family_of(model_type)
        _refuse_unsupported(config, model_type)
        d_model, num_heads = source.positive("hidden_size"), source.positive("num_attention_heads")
        head_dim = source.positive("head_dim", d_model // num_heads)
        rope: dict[str, Any] = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
        if "original_max_position_embeddings" in config:
            rope.setdefault("original_max_position_embeddings", config["original_max_position_embeddings"])
        partial = rope.get("partial_rotary_factor", config.get("partial_rotary_factor", family.partial_rotary))
        max_positions = source.positive("max_position_embeddings")
        scaling = rope_scaling.from_hf(rope, max_positions)
        slides = is_on(family.sliding_window, config) and bool(config.get("sliding_window"))
        hidden_act = str(config.get(family.hf_activation or "", family.activation))
        if hidden_act not in _ACTIVATIONS:
            raise ModelError(f"the model's activation is {hidden_act!r}; known are {', '.join(_ACTIVATIONS)}")
        return _checked(
            ModelConfig(
                architecture=family.name,
                num_layers=source.positive("num_hidden_layers"),
                d_model=d_model,
                num_heads=num_heads,
                num_kv_heads=source.positive("num_key_value_heads", num_heads),
                head_dim=head_dim,
                d_ff=source.positive(family.hf_d_ff),
                vocab_size=source.positive("vocab_size"),
                max_positions=rope_scaling.reach(scaling, max_positions),
                rope_theta=source.number("rope_theta", rope.get("rope_theta", 10_000.0)),
                rope_scaling=scaling,
                norm_eps=source.number(*family.hf_eps),
                norm=family.norm,
                activation=_ACTIVATIONS[hidden_act],
                gated_mlp=family.gated_mlp,
                qkv_bias=is_on(family.qkv_bias, config),
                out_bias=is_on(family.out_bias, config),
                mlp_bias=is_on(family.mlp_bias, config),
                qk_norm=family.qk_norm,
                rotary_dim=int(head_dim * float(partial)),
                post_norms=family.post_norms,
                scales=_hf_scales(source, family, d_model),
                tied_embeddings=bool(config.get("tie_word_embeddings", family.tied_embeddings)),
                sliding_window=source.positive("sliding_window") if slides else None,
                eos_token_ids=token_ids(config.get("eos_token_id")),
                bos_token_id=next(iter(token_ids(config.get("bos_token_id"))), None),
                published_names=_names(config, "_name_or_path"),
            )
        )

    @staticmethod
    def from_gguf(metadata: Mapping[str, Any], tensor_names: frozenset[str]) -> ModelConfig:
        """Read a GGUF file's metadata; which biases and output matrix there are stands only in its tensors' names.

        Raises ModelError for what the engine cannot run.
        """
        name = str(metadata.get("general.architecture", "none"))
        family = family_of(name)
        source = _Fields(metadata, "the GGUF metadata")
        if metadata.get(f"{name}.expert_count"):
            raise ModelError(f"the model is a mixture of experts ({name}), which this engine does not run")
        d_model, num_heads = (
            source.positive(f"{name}.embedding_length"),
            source.positive(f"{name}.attention.head_count"),
        )
        head_dim = source.positive(f"{name}.attention.key_length", d_model // num_heads)
        max_positions = source.positive(f"{name}.context_length")
        scaling = rope_scaling.from_gguf(metadata, name, max_positions)
        layer_name = {"gate": "ffn_gate", "q": "attn_q"} | dict(family.gguf_layer_names)
        has_fused_gate = layer_name["gate"] == "ffn_up"
        ends = [metadata.get(f"tokenizer.ggml.{key}_token_id") for key in ("eos", "eot")]
        window = f"{name}.attention.sliding_window"
        return _checked(
            ModelConfig(
                architecture=family.name,
                num_layers=source.positive(f"{name}.block_count"),
                d_model=d_model,
                num_heads=num_heads,
                num_kv_heads=source.positive(f"{name}.attention.head_count_kv", num_heads),
                head_dim=head_dim,
                d_ff=source.positive(f"{name}.feed_forward_length"),
                vocab_size=source.positive(f"{name}.vocab_size", len(metadata.get("tokenizer.ggml.tokens", ()))),
                max_positions=max_positions,
                rope_theta=source.number(f"{name}.rope.freq_base", 10_000.0),
                rope_scaling=scaling,
                norm_eps=source.number(f"{name}.attention.{family.gguf_eps}", 1e-5),
                norm=family.norm,
                activation=family.activation,
                gated_mlp=has_fused_gate or "blk.0.ffn_gate.weight" in tensor_names,
                qkv_bias=f"blk.0.{layer_name['q']}.bias" in tensor_names,
                out_bias="blk.0.attn_output.bias" in tensor_names,
                mlp_bias="blk.0.ffn_down.bias" in tensor_names,
                qk_norm="blk.0.attn_q_norm.weight" in tensor_names,
                rotary_dim=source.positive(f"{name}.rope.dimension_count", head_dim),
                post_norms=family.post_norms,
                scales=_gguf_scales(source, family, name, d_model),
                tied_embeddings="output.weight" not in tensor_names,
                sliding_window=source.positive(window) if metadata.get(window) else None,
                eos_token_ids=token_ids([end for end in ends if end is not None]),
                bos_token_id=metadata.get("tokenizer.ggml.bos_token_id"),
                published_names=_names(metadata, "general.name", "general.basename", "general.finetune"),
            )
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` reads back unchanged."""
        return asdict(self) | {"rope_scaling": rope_scaling.to_json(self.rope_scaling)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> ModelConfig:
        """Undo `to_json`. Raises ModelError for anything else."""
        if set(value) != {field.name for field in fields(ModelConfig)}:
            raise ModelError(
                "a converted model's config.json has other fields than this version writes; convert it again"
            )
        try:
            read: dict[str, Any] = {
                **value,
                "rope_scaling": rope_scaling.from_json(value["rope_scaling"]),
                "eos_token_ids": tuple(value["eos_token_ids"]),
                "published_names": tuple(value["published_names"]),
                "scales": Scales(**value["scales"]),
            }
            return _checked(ModelConfig(**read))
        except (KeyError, TypeError) as error:
            raise ModelError(f"a converted model's config.json cannot be read ({error}); convert it again") from error


def token_ids(value: Any) -> tuple[int, ...]:
    """Token ids as configurations spell them: none, one, or a list. Repeated ones are dropped."""
    many = cast("list[Any]", value if isinstance(value, list) else [] if value is None else [value])
    if not all(isinstance(x, int) and not isinstance(x, bool) and x >= 0 for x in many):
        raise ModelError(f"the model's configuration gives {value!r} where token ids are expected")
    return tuple(dict.fromkeys(many))


def _hf_scales(source: _Fields, family: Family, d_model: int) -> Scales:
    match family.scaled_by:
        case "nothing":
            return Scales()
        case "width":
            return Scales(embedding=d_model**0.5)
        case "keys":
            return Scales(
                source.number("embedding_multiplier", 1.0),
                source.number("residual_multiplier", 1.0),
                source.number("logits_scaling", 1.0),
                source.number("attention_multiplier", 1.0),
            )


def _gguf_scales(source: _Fields, family: Family, name: str, d_model: int) -> Scales:
    match family.scaled_by:
        case "nothing":
            return Scales()
        case "width":
            return Scales(embedding=d_model**0.5)
        case "keys":
            attention = f"{name}.attention.scale"
            return Scales(
                source.number(f"{name}.embedding_scale", 1.0),
                source.number(f"{name}.residual_scale", 1.0),
                source.number(f"{name}.logit_scale", 1.0),
                source.number(attention, 1.0) if source.has(attention) else None,
            )


def _names(source: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """What the files call the model; a path is no name but for its last part."""
    named = (source.get(key) for key in keys)
    return tuple(name.rstrip("/").rpartition("/")[2] for name in named if isinstance(name, str) and name)


class _Fields:
    """Typed access to a dictionary that someone else wrote."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    def has(self, key: str) -> bool:
        """Whether there is a value."""
        return self._values.get(key) is not None

    def positive(self, key: str, default: int | None = None) -> int:
        """A positive whole number. One for each layer is read as well, where all are equal."""
        value = self._values.get(key)
        value = default if value is None else value
        if isinstance(value, list):
            each = cast("list[Any]", value)
            if not each or any(one != each[0] for one in each):
                raise ModelError(
                    f"{self._where}: {key!r} differs from layer to layer, which this engine does not run: {each[:8]}"
                )
            value = each[0]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
            raise ModelError(f"{self._where}: {key!r} is {value!r}, not a positive whole number")
        return value

    def number(self, key: str, default: float) -> float:
        value = self._values.get(key)
        value = default if value is None else value
        if not isinstance(value, (int, float)) or not 0.0 < value < float("inf"):
            raise ModelError(f"{self._where}: {key!r} is {value!r}, not a positive number")
        return float(value)


def _refuse_unsupported(config: Mapping[str, Any], model_type: str) -> None:
    if config.get("quantization_config") is not None:
        method = config["quantization_config"].get("quant_method", "unknown")
        raise ModelError(f"the folder's weights are quantised ({method}); take the plain one or a GGUF file instead")
    if config.get("alibi"):
        raise ModelError(f"the model ({model_type}) marks positions by ALiBi biases, which this engine does not have")
    refuse_hybrid(config)
    if config.get("position_embedding_type") not in (None, "rope"):
        raise ModelError(f"the model ({model_type}) has no rotary positions, and this engine no others")
    if config.get("num_local_experts") or config.get("num_experts"):
        raise ModelError(f"the model ({model_type}) is a mixture of experts, which this engine does not run")


def _checked(config: ModelConfig) -> ModelConfig:
    if config.num_heads % config.num_kv_heads:
        raise ModelError(f"{config.num_heads} query heads cannot share {config.num_kv_heads} key heads evenly")
    if not 0 < config.rotary_dim <= config.head_dim or config.rotary_dim % 2:
        raise ModelError(f"of heads of {config.head_dim} numbers {config.rotary_dim} cannot be rotated in pairs")
    scaling = config.rope_scaling
    if isinstance(scaling, FrequencyFactors) and len(scaling.factors) != config.rotary_dim // 2:
        raise ModelError(f"the model scales {config.rotary_dim // 2} frequencies by {len(scaling.factors)} factors")
    if config.head_dim % 2:
        raise ModelError(f"heads of {config.head_dim} numbers cannot be rotated in pairs")
    if config.gated_mlp != family_of(config.architecture).gated_mlp:
        raise ModelError(f"a {config.architecture} model with this kind of MLP is not one this engine knows")
    return config
