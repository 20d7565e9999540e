"""RMS norm and layer norm, in float32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class Norm:
    """RMS norm, or layer norm where the family has one. Computes in float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, eps: float, *, centred: bool) -> None:
        self.weight, self.bias, self.eps, self.centred = weight.float(), bias, eps, centred

    def __call__(self, x: Tensor) -> Tensor:
        """x: (…, D) float32 → the same shape."""
        if self.centred:
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return (y, s) with norm(x) = y · s, s: (T, 1) or None: a linear layer takes s after its product."""
        if self.centred:
            return self(x), None
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * self.weight, torch.rsqrt(mean_square.add_(self.eps))
