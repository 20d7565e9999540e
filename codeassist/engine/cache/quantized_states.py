"""Key/value states in eight bits, as they lie on a disk: a quarter of their size, and close enough to go on from.

Keys (not rotated) are cut into 256 steps a channel and group of slots, values a slot: channels of keys differ by orders
of magnitude, values of one slot do not (KIVI, "A Tuning-Free Asymmetric 2bit Quantization for KV Cache").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.engine.layers.attention import KVCache, States
from codeassist.errors import Cancelled

GROUP_SLOTS = 64
_STEPS = 255


@dataclass(frozen=True, slots=True)
class QuantizedStates:
    """States of T slots in G groups of 64 (the last one filled up), on the CPU.

    k: (L, H_kv, G, 64, D), v: (L, H_kv, T, D), uint8; k_low, k_step: (L, H_kv, G, 1, D), v_low, v_step:
    (L, H_kv, T, 1), float32. A number is low + step · what is stored.
    """

    k: Tensor
    k_low: Tensor
    k_step: Tensor
    v: Tensor
    v_low: Tensor
    v_step: Tensor

    @property
    def num_slots(self) -> int:
        """How many slots there are."""
        return self.v.shape[2]

    def states(self, start: int, stop: int) -> States:
        """Slots [start, stop) as float32 again."""
        groups = slice(start // GROUP_SLOTS, -(-stop // GROUP_SLOTS))
        k = torch.addcmul(self.k_low[:, :, groups], self.k[:, :, groups].float(), self.k_step[:, :, groups])
        first = start - groups.start * GROUP_SLOTS
        slots = slice(start, stop)
        v = torch.addcmul(self.v_low[:, :, slots], self.v[:, :, slots].float(), self.v_step[:, :, slots])
        return States(k.flatten(2, 3)[:, :, first : first + stop - start], v)


def quantize(cache: KVCache, num_slots: int, stopped: Callable[[], bool]) -> QuantizedStates:
    """The first `num_slots` slots, at least one, in eight bits. Raises Cancelled between layers when `stopped()`."""
    num_groups = -(-num_slots // GROUP_SLOTS)
    filled = torch.arange(num_groups * GROUP_SLOTS, device=cache.v.device).clamp_(max=num_slots - 1)
    keys: list[tuple[Tensor, Tensor, Tensor]] = []
    values: list[tuple[Tensor, Tensor, Tensor]] = []
    for k_raw, v in zip(cache.k_raw, cache.v, strict=True):
        if stopped():
            raise Cancelled("something else is to be done")
        grouped = k_raw[:, filled].reshape(len(k_raw), num_groups, GROUP_SLOTS, -1)
        keys.append(_in_steps(grouped.float(), -2))
        values.append(_in_steps(v[:, :num_slots].float(), -1))
    k, k_low, k_step = (torch.stack(each).cpu() for each in zip(*keys, strict=True))
    v, v_low, v_step = (torch.stack(each).cpu() for each in zip(*values, strict=True))
    return QuantizedStates(k, k_low, k_step, v, v_low, v_step)


def _in_steps(numbers: Tensor, along: int) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers as whole steps above the least one of those `along` a dimension, that one, and the step."""
    low, high = numbers.aminmax(dim=along, keepdim=True)
    step = (high - low).div_(_STEPS).clamp_(min=torch.finfo(torch.float32).tiny)
    return ((numbers - low) / step).round_().clamp_(0, _STEPS).to(torch.uint8), low, step
