"""Rotary position embedding: the table of rotations and their application.

Knows no cache and no model. A head's channels stand in pairs (2i, 2i+1), so that a rotation is one complex product;
the model permutes its query and key rows to that order when it loads them (dot products do not notice).
"""

from __future__ import annotations

import torch
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig


def rotation_table(config: ModelConfig, num_positions: int, device: torch.device) -> Tensor:
    """Rotations for positions 0 … num_positions-1: (P, D/2) complex64, angles computed in float64.

    float32 angles lose their relative-position property as positions grow ("When Precision Meets Position"), so the
    product position × frequency is taken in float64 and only the resulting unit vector is rounded.
    """
    angles = torch.outer(torch.arange(num_positions, dtype=torch.float64), frequencies(config))
    magnitude = 1.0 if config.rope_scaling is None else config.rope_scaling.magnitude
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
    scaling = config.rope_scaling
    return plain if scaling is None else scaling.stretched(plain, config.rope_theta)
