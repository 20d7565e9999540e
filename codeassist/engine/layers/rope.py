"""Rotary position embedding: the table of rotations and their application.

Knows no cache and no model. A head's channels stand in pairs (2i, 2i+1), so that a rotation is one complex product;
the model permutes its query and key rows to that order when it loads them (dot products do not notice).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.configuration.rope_scaling import FrequencyFactors, LinearScaling, Llama3Scaling, YarnScaling


def rotation_table(config: ModelConfig, num_positions: int, device: torch.device) -> Tensor:
    """Rotations for positions 0 … num_positions-1: (P, D/2) complex64, angles computed in float64.

    float32 angles lose their relative-position property as positions grow ("When Precision Meets Position"), so the
    product position × frequency is taken in float64 and only the resulting unit vector is rounded.
    """
    angles = torch.outer(torch.arange(num_positions, dtype=torch.float64), frequencies(config))
    magnitude = config.rope_scaling.attention_factor if isinstance(config.rope_scaling, YarnScaling) else 1.0
    return torch.polar(torch.full_like(angles, magnitude), angles).to(torch.complex64).to(device)


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotate paired channels. x: (..., T, D) float; rotations: (T, D/2) complex64 → float32 (..., T, D)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotations).flatten(-2)


def paired_order(num_heads: int, head_dim: int) -> Tensor:
    """Row order that turns half-split heads (i with i + D/2) into paired ones (2i with 2i+1): (H·D,) int64."""
    one_head = torch.arange(head_dim).view(2, head_dim // 2).t().reshape(-1)
    return (torch.arange(num_heads).unsqueeze(1) * head_dim + one_head).reshape(-1)


def frequencies(config: ModelConfig) -> Tensor:
    """Radians a position for each pair of channels, stretched as the configuration says: (D/2,) float64."""
    half = config.head_dim // 2
    plain = config.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    match config.rope_scaling:
        case None:
            return plain
        case LinearScaling(factor=factor):
            return plain / factor
        case FrequencyFactors(factors=factors):
            return plain / torch.tensor(factors, dtype=torch.float64)
        case Llama3Scaling() as s:
            turns = s.original_max_positions * plain / (2 * math.pi)
            smooth = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor)
            return torch.lerp(plain / s.factor, plain, smooth.clamp(0, 1))
        case YarnScaling() as s:
            low, high = (_yarn_channel(config, s, turns) for turns in (s.beta_fast, s.beta_slow))
            if s.truncate:
                low, high = math.floor(low), math.ceil(high)
            low, high = max(low, 0), min(high, config.head_dim - 1)
            ramp = (torch.arange(half, dtype=torch.float64) - low) / max(high - low, 0.001)
            return torch.lerp(plain, plain / s.factor, ramp.clamp(0, 1))


def _yarn_channel(config: ModelConfig, scaling: YarnScaling, turns: float) -> float:
    """The pair of channels that makes `turns` full turns within the original context (YaRN, equation 21)."""
    wavelength = scaling.original_max_positions / (turns * 2 * math.pi)
    return config.head_dim * math.log(wavelength) / (2 * math.log(config.rope_theta))
