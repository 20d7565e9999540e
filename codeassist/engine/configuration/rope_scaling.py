"""How a model stretches its rotary frequencies: one class for each published way.

A class says how its way is spelled in Hugging Face's and GGUF's files, and what it does to the frequencies.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from codeassist.errors import ModelError


@dataclass(frozen=True, slots=True)
class RopeScaling(ABC):
    """One way. `kind` is its name in a converted model's config.json, `hf_kind` transformers' `rope_type`."""

    kind: ClassVar[str]
    hf_kind: ClassVar[str]

    @property
    def magnitude(self) -> float:
        """What cos and sin are multiplied with."""
        return 1.0

    @abstractmethod
    def stretched(self, plain: Tensor, theta: float) -> Tensor:
        """plain: (D/2,) float64, θ^(-2i/D), radians a position → the frequencies that the model uses, likewise."""

    @classmethod
    @abstractmethod
    def from_hf(cls, rope: Mapping[str, Any], max_positions: int) -> Self:
        """Read transformers' words. Raises KeyError, TypeError or ValueError for what is missing or no number."""

    @classmethod
    def from_gguf(cls, scaling: Mapping[str, Any], max_positions: int) -> Self:
        """Read `rope.scaling.*`, as `from_hf`."""
        return cls.from_hf({_GGUF_WORDS.get(key, key): value for key, value in scaling.items()}, max_positions)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Undo `asdict`. Raises TypeError for other fields."""
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class LinearScaling(RopeScaling):
    """Every frequency divided by `factor`."""

    kind: ClassVar[str] = "linear"
    hf_kind: ClassVar[str] = "linear"
    factor: float

    def stretched(self, plain: Tensor, theta: float) -> Tensor:
        """See RopeScaling."""
        return plain / self.factor

    @classmethod
    def from_hf(cls, rope: Mapping[str, Any], max_positions: int) -> Self:
        """See RopeScaling."""
        return cls(_above_zero(rope, "factor"))


@dataclass(frozen=True, slots=True)
class Llama3Scaling(RopeScaling):
    """Llama 3.1: low frequencies divided by `factor`, high ones kept, a smooth blend between."""

    kind: ClassVar[str] = "llama3"
    hf_kind: ClassVar[str] = "llama3"
    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_positions: int

    def stretched(self, plain: Tensor, theta: float) -> Tensor:
        """See RopeScaling."""
        turns = self.original_max_positions * plain / (2 * math.pi)
        smooth = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        return torch.lerp(plain / self.factor, plain, smooth.clamp(0, 1))

    @classmethod
    def from_hf(cls, rope: Mapping[str, Any], max_positions: int) -> Self:
        """See RopeScaling."""
        return cls(
            factor=_above_zero(rope, "factor"),
            low_freq_factor=_above_zero(rope, "low_freq_factor"),
            high_freq_factor=_above_zero(rope, "high_freq_factor"),
            original_max_positions=int(_above_zero(rope, "original_max_position_embeddings")),
        )


@dataclass(frozen=True, slots=True)
class YarnScaling(RopeScaling):
    """YaRN. `attention_factor` multiplies cos and sin; it is always given here, inferred where the file is silent."""

    kind: ClassVar[str] = "yarn"
    hf_kind: ClassVar[str] = "yarn"
    factor: float
    original_max_positions: int
    attention_factor: float
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True

    @property
    def magnitude(self) -> float:
        """See RopeScaling."""
        return self.attention_factor

    def stretched(self, plain: Tensor, theta: float) -> Tensor:
        """See RopeScaling."""
        half = len(plain)
        low, high = (self._channel(turns, 2 * half, theta) for turns in (self.beta_fast, self.beta_slow))
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, 2 * half - 1)
        ramp = (torch.arange(half, dtype=torch.float64) - low) / max(high - low, 0.001)
        return torch.lerp(plain, plain / self.factor, ramp.clamp(0, 1))

    def _channel(self, turns: float, head_dim: int, theta: float) -> float:
        """The pair of channels that makes `turns` full turns within the original context (YaRN, equation 21)."""
        wavelength = self.original_max_positions / (turns * 2 * math.pi)
        return head_dim * math.log(wavelength) / (2 * math.log(theta))

    @classmethod
    def from_hf(cls, rope: Mapping[str, Any], max_positions: int) -> Self:
        """See RopeScaling."""
        original = int(rope.get("original_max_position_embeddings") or max_positions)
        factor = _above_zero(rope, "factor") if rope.get("factor") else max_positions / original
        return cls(
            factor=factor,
            original_max_positions=original,
            attention_factor=_yarn_attention_factor(rope, factor),
            beta_fast=float(rope.get("beta_fast") or 32.0),
            beta_slow=float(rope.get("beta_slow") or 1.0),
            truncate=bool(rope.get("truncate", True)),
        )

    @classmethod
    def from_gguf(cls, scaling: Mapping[str, Any], max_positions: int) -> Self:
        """See RopeScaling. llama.cpp multiplies `attn_factor` onto YaRN's own."""
        words = {_GGUF_WORDS.get(key, key): value for key, value in scaling.items()}
        read = cls.from_hf(words, max_positions)
        return replace(read, attention_factor=read.attention_factor * float(scaling.get("attn_factor", 1.0)))


@dataclass(frozen=True, slots=True)
class FrequencyFactors(RopeScaling):
    """Frequency i divided by `factors[i]`: what GGUF files store for Llama 3.1, whatever formula it came from.

    In transformers' words a "longrope" (LongRoPE: Extending LLM Context Window Beyond 2 Million Tokens), of which texts
    of up to `reach` tokens are run, those that the factors for short texts are for. None: all texts.
    """

    kind: ClassVar[str] = "factors"
    hf_kind: ClassVar[str] = "longrope"
    factors: tuple[float, ...]
    attention_factor: float = 1.0
    reach: int | None = None

    @property
    def magnitude(self) -> float:
        """See RopeScaling."""
        return self.attention_factor

    def stretched(self, plain: Tensor, theta: float) -> Tensor:
        """See RopeScaling."""
        return plain / torch.tensor(self.factors, dtype=torch.float64)

    @classmethod
    def from_hf(cls, rope: Mapping[str, Any], max_positions: int) -> Self:
        """See RopeScaling."""
        short = tuple(float(x) for x in rope["short_factor"])
        if not all(0.0 < factor < math.inf for factor in short):
            raise ValueError("a factor is no positive number")
        original = int(rope.get("original_max_position_embeddings") or max_positions)
        if original < 2:
            raise ValueError(f"original_max_position_embeddings is {original}")
        if rope.get("attention_factor") is not None:
            attention_factor = _above_zero(rope, "attention_factor")
        else:
            stretch = max_positions / original
            attention_factor = 1.0 if stretch <= 1 else math.sqrt(1 + math.log(stretch) / math.log(original))
        reach = original if rope["short_factor"] != rope["long_factor"] and original < max_positions else None
        return cls(short, attention_factor, reach)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """See RopeScaling."""
        return cls(tuple(fields["factors"]), fields["attention_factor"], fields["reach"])


ROPE_SCALINGS: tuple[type[RopeScaling], ...] = (LinearScaling, Llama3Scaling, YarnScaling, FrequencyFactors)

_GGUF_WORDS = {
    "original_context_length": "original_max_position_embeddings",
    "yarn_beta_fast": "beta_fast",
    "yarn_beta_slow": "beta_slow",
}


def from_hf(rope: Mapping[str, Any], max_positions: int) -> RopeScaling | None:
    """Read `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5). Raises ModelError for unknown kinds.

    "dynamic" changes nothing below `max_positions`, which the engine never exceeds: it reads as no scaling.
    """
    kind = rope.get("rope_type", rope.get("type", "default"))
    kind = "longrope" if kind == "su" else kind  # as the first Phi-3 says
    if kind in ("default", "dynamic"):
        return None
    try:
        return _of_hf_kind(kind).from_hf(rope, max_positions)
    except (KeyError, TypeError, ValueError) as error:
        raise _incomplete(kind, error) from error


def from_gguf(metadata: Mapping[str, Any], architecture: str, max_positions: int) -> RopeScaling | None:
    """Read `{architecture}.rope.scaling.*`. Raises ModelError for unknown kinds."""
    prefix = f"{architecture}.rope.scaling."
    scaling = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
    old_linear = metadata.get(f"{architecture}.rope.scale_linear", 1.0)
    if not scaling and old_linear != 1.0:
        return LinearScaling(float(old_linear))
    kind = scaling.get("type", "none")
    if kind in ("none", "default", "dynamic", "longrope"):  # a longrope's factors are tensors
        return None
    try:
        return _of_hf_kind(kind).from_gguf(scaling, max_positions)
    except (KeyError, TypeError, ValueError) as error:
        raise _incomplete(kind, error) from error


def reach(scaling: RopeScaling | None, max_positions: int) -> int:
    """How many positions of a model are run."""
    return scaling.reach or max_positions if isinstance(scaling, FrequencyFactors) else max_positions


def to_json(scaling: RopeScaling | None) -> dict[str, Any] | None:
    """A JSON value that `from_json` reads back unchanged."""
    return None if scaling is None else {"kind": scaling.kind} | asdict(scaling)


def from_json(value: Mapping[str, Any] | None) -> RopeScaling | None:
    """Undo `to_json`. Raises KeyError or TypeError for anything else."""
    if value is None:
        return None
    way = {way.kind: way for way in ROPE_SCALINGS}[value["kind"]]
    return way.from_json({key: item for key, item in value.items() if key != "kind"})


def _of_hf_kind(kind: Any) -> type[RopeScaling]:
    for way in ROPE_SCALINGS:
        if way.hf_kind == kind:
            return way
    raise ModelError(_unknown(kind))


def _unknown(kind: Any) -> str:
    return f"the model scales its rotary positions by {kind!r}, which this engine does not have"


def _incomplete(kind: Any, error: Exception) -> ModelError:
    return ModelError(f"the model's rope scaling {kind!r} is incomplete: {error}")


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
