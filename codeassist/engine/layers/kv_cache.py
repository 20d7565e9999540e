"""Key/value states of one token sequence: storage, rotary positions, moves with re-rotation, export and placement.

Slot i is position i. Keys are kept twice: unrotated, and rotated to their slot. A moved
key is rotated from the unrotated copy in one step, so rotations never accumulate, however often it moves (PIE, "Let
the Code LLM Edit Itself When You Edit the Code", rotates the rotated key; "When Precision Meets Position" says what
repeated low-precision rotation costs).

A head's channels stand in pairs (2i, 2i+1), so that a rotation is one complex product; the model orders its query and
key rows so when it loads them (dot products do not notice).

    slots   0 … num_slots                 num_slots … capacity
    state   written, owned by the caller   undefined
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig

_MOVE_BLOCK = 256  # slots moved at a time: bounds the temporary copy to a few MiB


@dataclass(frozen=True, slots=True)
class Move:
    """Slots [src, src+length) become [dst, dst+length)."""

    src: int
    dst: int
    length: int


@dataclass(frozen=True, slots=True)
class States:
    """States outside a cache, free of position. k_raw, v: (L, H_kv, T, D)."""

    k_raw: Tensor
    v: Tensor

    @property
    def num_bytes(self) -> int:
        """Bytes that both tensors take."""
        return self.k_raw.numel() * self.k_raw.element_size() * 2


class KVCache:
    """States of up to `capacity` tokens. k_raw, k, v: (L, H_kv, C, D) in `dtype` on `device`.

    The memory is reserved at once and, on a CPU, becomes resident only as slots are written.
    """

    def __init__(self, config: ModelConfig, rotations: Tensor, capacity: int, dtype: torch.dtype) -> None:
        shape = (config.num_layers, config.num_kv_heads, capacity, config.head_dim)
        self.rotations = rotations  # (P, D/2) complex64, P ≥ capacity
        self.capacity = capacity
        self.k_raw = torch.empty(shape, dtype=dtype, device=rotations.device)
        self.k = torch.empty_like(self.k_raw)
        self.v = torch.empty_like(self.k_raw)

    @property
    def bytes_per_slot(self) -> int:
        """Bytes that one slot takes."""
        num_layers, num_kv_heads, _, head_dim = self.k.shape
        return 3 * num_layers * num_kv_heads * head_dim * self.k.element_size()

    def move(self, moves: Sequence[Move]) -> None:
        """Move runs of slots, all at once, in place, and rotate the moved keys to their new slots.

        `moves` are in rising order of src and of dst and do not overlap (an order-preserving alignment). Slots that
        no move writes keep what stood there. Runs that move left go first, in rising order, then runs that move
        right, in falling order: no run then overwrites one that has yet to move.
        """
        for move in moves:
            if move.dst < move.src:
                for offset in range(0, move.length, _MOVE_BLOCK):
                    self._move_block(move, offset, min(offset + _MOVE_BLOCK, move.length))
        for move in reversed(moves):
            if move.dst > move.src:
                for end in range(move.length, 0, -_MOVE_BLOCK):
                    self._move_block(move, max(0, end - _MOVE_BLOCK), end)

    def _move_block(self, move: Move, start: int, end: int) -> None:
        src, dst = slice(move.src + start, move.src + end), slice(move.dst + start, move.dst + end)
        self.v[:, :, dst] = self.v[:, :, src].clone()
        raw = self.k_raw[:, :, src].clone()
        self.k_raw[:, :, dst] = raw
        self.k[:, :, dst] = rotate(raw, self.rotations[dst])

    def export(self, start: int, end: int) -> States:
        """Copy the states of slots [start, end) out."""
        return States(self.k_raw[:, :, start:end].clone(), self.v[:, :, start:end].clone())

    def place(self, start: int, states: States) -> None:
        """Write exported states at slots start …, rotated to their new place."""
        here = slice(start, start + states.v.shape[2])
        self.v[:, :, here] = states.v
        self.k_raw[:, :, here] = states.k_raw
        self.k[:, :, here] = rotate(states.k_raw, self.rotations[here])

    def check(self, num_slots: int) -> None:
        """Assert that the rotated keys of the first `num_slots` slots are freshly rotated ones, to rounding."""
        if num_slots == 0:
            return
        fresh = rotate(self.k_raw[:, :, :num_slots], self.rotations[:num_slots]).to(self.k.dtype)
        rounding = 4 * torch.finfo(self.k.dtype).eps
        largest = fresh.abs().amax()
        drift = (fresh.float() - self.k[:, :, :num_slots].float()).abs()
        assert bool((drift <= rounding * largest.float()).all()), "rotated keys drifted from their unrotated copies"


def rotation_table(config: ModelConfig, num_positions: int, device: torch.device) -> Tensor:
    """Rotations for positions 0 … num_positions-1: (P, D/2) complex64, angles computed in float64.

    float32 angles lose their relative-position property as positions grow ("When Precision Meets Position"), so the
    product position × frequency is taken in float64 and only the resulting unit vector is rounded.
    """
    angles = torch.outer(torch.arange(num_positions, dtype=torch.float64), frequencies(config))
    magnitude = 1.0 if config.rope_scaling is None else config.rope_scaling.magnitude
    return torch.polar(torch.full_like(angles, magnitude), angles).to(torch.complex64).to(device)


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotate interleaved channels. x: (..., T, D) float; rotations: (T, D/2) complex64 → float32 (..., T, D)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotations).flatten(-2)


def interleaved_order(num_heads: int, head_dim: int) -> Tensor:
    """Row order that turns half-split heads (i with i + D/2) into interleaved ones (2i with 2i+1): (H·D,) int64."""
    one_head = torch.arange(head_dim).view(2, head_dim // 2).t().reshape(-1)
    return (torch.arange(num_heads).unsqueeze(1) * head_dim + one_head).reshape(-1)


def frequencies(config: ModelConfig) -> Tensor:
    """Radians a position for each pair of channels, stretched as the configuration says: (D/2,) float64."""
    half = config.head_dim // 2
    plain = config.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    scaling = config.rope_scaling
    return plain if scaling is None else scaling.stretched(plain, config.rope_theta)
