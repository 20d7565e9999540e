"""Rotary position embedding: angles, and the rotation itself.

A head's channels stand in pairs (2i, 2i+1), so that a rotation is one complex product; the model orders its query and
key rows so when it loads them (dot products do not notice).
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
    rotations = torch.ones((num_positions, config.head_dim // 2), dtype=torch.complex128)  # what does not rotate
    rotations[:, : config.rotary_dim // 2] = torch.polar(torch.full_like(angles, magnitude), angles)
    return rotations.to(torch.complex64).to(device)


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotate interleaved channels. x: (..., T, D) float; rotations: (T, D/2) complex64 → float32 (..., T, D)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotations).flatten(-2)


def interleaved_order(num_heads: int, head_dim: int, rotary_dim: int) -> Tensor:
    """Row order that turns half-split heads (i with i + R/2) into interleaved ones (2i with 2i+1): (H·D,) int64.

    Of the R numbers of a head that rotate; the others stay.
    """
    halves = torch.arange(rotary_dim).view(2, rotary_dim // 2).t().reshape(-1)
    one_head = torch.cat([halves, torch.arange(rotary_dim, head_dim)])
    return (torch.arange(num_heads).unsqueeze(1) * head_dim + one_head).reshape(-1)


def frequencies(config: ModelConfig) -> Tensor:
    """Radians a position for each pair of channels that rotates, stretched as configured: (R/2,) float64."""
    half = config.rotary_dim // 2
    plain = config.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    scaling = config.rope_scaling
    return plain if scaling is None else scaling.stretched(plain, config.rope_theta)
