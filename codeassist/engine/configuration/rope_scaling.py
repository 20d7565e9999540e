"""How a model stretches its rotary frequencies: one small value for each published way.

Knows no tensor and no position: it says what a configuration asks for, the forward pass computes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from codeassist.errors import ModelError


@dataclass(frozen=True, slots=True)
class LinearScaling:
    """Every frequency divided by `factor`."""

    factor: float


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """Llama 3.1: low frequencies divided by `factor`, high ones kept, a smooth blend between."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_positions: int


@dataclass(frozen=True, slots=True)
class YarnScaling:
    """YaRN. `attention_factor` multiplies cos and sin; it is always given here, inferred where the file is silent."""

    factor: float
    original_max_positions: int
    attention_factor: float
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True


@dataclass(frozen=True, slots=True)
class FrequencyFactors:
    """Frequency i divided by `factors[i]`: what GGUF files store for Llama 3.1, whatever formula it came from."""

    factors: tuple[float, ...]


RopeScaling = LinearScaling | Llama3Scaling | YarnScaling | FrequencyFactors

_KINDS: dict[str, type[LinearScaling | Llama3Scaling | YarnScaling | FrequencyFactors]] = {
    "linear": LinearScaling,
    "llama3": Llama3Scaling,
    "yarn": YarnScaling,
    "factors": FrequencyFactors,
}


def from_hf(rope: Mapping[str, Any], max_positions: int) -> RopeScaling | None:
    """Read `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5). Raises ModelError for unknown kinds.

    "dynamic" changes nothing below `max_positions`, which the engine never exceeds: it reads as no scaling.
    """
    kind = rope.get("rope_type", rope.get("type", "default"))
    try:
        match kind:
            case "default" | "dynamic":
                return None
            case "linear":
                return LinearScaling(_above_zero(rope, "factor"))
            case "llama3":
                return Llama3Scaling(
                    factor=_above_zero(rope, "factor"),
                    low_freq_factor=_above_zero(rope, "low_freq_factor"),
                    high_freq_factor=_above_zero(rope, "high_freq_factor"),
                    original_max_positions=int(_above_zero(rope, "original_max_position_embeddings")),
                )
            case "yarn":
                original = int(rope.get("original_max_position_embeddings") or max_positions)
                factor = _above_zero(rope, "factor") if rope.get("factor") else max_positions / original
                return YarnScaling(
                    factor=factor,
                    original_max_positions=original,
                    attention_factor=_yarn_attention_factor(rope, factor),
                    beta_fast=float(rope.get("beta_fast") or 32.0),
                    beta_slow=float(rope.get("beta_slow") or 1.0),
                    truncate=bool(rope.get("truncate", True)),
                )
            case "longrope" if rope["short_factor"] == rope["long_factor"] and rope.get("attention_factor") == 1.0:
                return FrequencyFactors(tuple(float(x) for x in rope["short_factor"]))
            case _:
                raise ModelError(f"the model scales its rotary positions by {kind!r}, which this engine does not have")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model's rope scaling {kind!r} is incomplete: {error}") from error


def from_gguf(metadata: Mapping[str, Any], architecture: str, max_positions: int) -> RopeScaling | None:
    """Read `{architecture}.rope.scaling.*`. Raises ModelError for unknown kinds."""
    prefix = f"{architecture}.rope.scaling."
    scaling = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
    old_linear = metadata.get(f"{architecture}.rope.scale_linear", 1.0)
    if not scaling and old_linear != 1.0:
        return LinearScaling(float(old_linear))
    kind = scaling.get("type", "none")
    names = {
        "original_context_length": "original_max_position_embeddings",
        "yarn_beta_fast": "beta_fast",
        "yarn_beta_slow": "beta_slow",
    }
    hf = {names.get(key, key): value for key, value in scaling.items()}
    read = from_hf(hf | {"rope_type": "default" if kind == "none" else kind}, max_positions)
    if isinstance(read, YarnScaling) and "attn_factor" in scaling:  # llama.cpp multiplies it onto YaRN's own
        return replace(read, attention_factor=read.attention_factor * float(scaling["attn_factor"]))
    return read


def to_hf(scaling: RopeScaling | None, max_positions: int) -> dict[str, Any]:
    """The same in transformers' words, without `rope_theta`."""
    match scaling:
        case None:
            return {"rope_type": "default"}
        case LinearScaling():
            return {"rope_type": "linear", "factor": scaling.factor}
        case Llama3Scaling():
            return {
                "rope_type": "llama3",
                "factor": scaling.factor,
                "low_freq_factor": scaling.low_freq_factor,
                "high_freq_factor": scaling.high_freq_factor,
                "original_max_position_embeddings": scaling.original_max_positions,
            }
        case YarnScaling():
            return {
                "rope_type": "yarn",
                "factor": scaling.factor,
                "original_max_position_embeddings": scaling.original_max_positions,
                "attention_factor": scaling.attention_factor,
                "beta_fast": scaling.beta_fast,
                "beta_slow": scaling.beta_slow,
                "truncate": scaling.truncate,
            }
        case FrequencyFactors():
            factors = list(scaling.factors)
            return {
                "rope_type": "longrope",
                "short_factor": factors,
                "long_factor": factors,
                "attention_factor": 1.0,
                "original_max_position_embeddings": max_positions,
            }


def to_json(scaling: RopeScaling | None) -> dict[str, Any] | None:
    """A JSON value that `from_json` reads back unchanged."""
    if scaling is None:
        return None
    kind = next(name for name, cls in _KINDS.items() if isinstance(scaling, cls))
    return {"kind": kind} | asdict(scaling)


def from_json(value: Mapping[str, Any] | None) -> RopeScaling | None:
    """Undo `to_json`. Raises KeyError or TypeError for anything else."""
    if value is None:
        return None
    fields: dict[str, Any] = {key: item for key, item in value.items() if key != "kind"}
    if "factors" in fields:
        fields["factors"] = tuple(fields["factors"])
    return _KINDS[value["kind"]](**fields)


def _above_zero(rope: Mapping[str, Any], key: str) -> float:
    value = float(rope[key])
    if not 0.0 < value < float("inf"):
        raise ValueError(f"{key} is {value}")
    return value


def _yarn_attention_factor(rope: Mapping[str, Any], factor: float) -> float:
    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])

    def mscale(weight: float) -> float:
        return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0

    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return mscale(float(rope["mscale"])) / mscale(float(rope["mscale_all_dim"]))
    return mscale(1.0)
