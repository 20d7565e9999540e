"""One transformer block: attention over a view of a cache, then the MLP, both added to the residual stream."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.configuration.families import Activation
from codeassist.engine.layers.attention import CacheView
from codeassist.engine.layers.kv_cache import interleaved_order
from codeassist.engine.layers.linear import Norm
from codeassist.engine.layers.linear_backend import LinearBackend
from codeassist.engine.loading.weights import Weights

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


class Block:
    """Layer `layer_idx` of a model. Query, key and value are one product, gate and up are another."""

    def __init__(self, weights: Weights, layer_idx: int, backend: LinearBackend, device: torch.device) -> None:
        config = weights.config
        self._layer_idx = layer_idx
        self._head_dim = config.head_dim
        self._num_heads, self._num_kv_heads = config.num_heads, config.num_kv_heads
        self._activation = _ACTIVATIONS[config.activation]
        self._gated = config.gated_mlp
        prefix = f"layers.{layer_idx}."
        # Rotated heads' rows are interleaved, those of the values stand as they are.
        rotated = interleaved_order(config.num_heads + config.num_kv_heads, config.head_dim)
        order = torch.cat([rotated, torch.arange(len(rotated), len(rotated) + config.num_kv_heads * config.head_dim)])
        qk_norms = [f"{prefix}{name}" for name in ("q_norm", "k_norm")] if config.qk_norm else []
        one_head = interleaved_order(1, config.head_dim)
        self._qk_norms = [read_norm(weights, name, device, order=one_head) for name in qk_norms]
        centred = config.norm == "layer"
        self._qkv = backend.after_norm(
            read_norm(weights, prefix + "attn_norm", device, centred=centred), backend.linear(prefix + "qkv", order)
        )
        self._out = backend.linear(prefix + "o")
        self._up = backend.after_norm(
            read_norm(weights, prefix + "mlp_norm", device, centred=centred),
            backend.linear(prefix + ("gate_up" if config.gated_mlp else "up")),
        )
        self._down = backend.linear(prefix + "down")

    def __call__(self, x: Tensor, view: CacheView) -> Tensor:
        """x: (T, D) float32 → the same shape. Writes the tokens' states of this layer through `view`."""
        return self.mlp(self.attention(x, view))

    def attention(self, x: Tensor, view: CacheView) -> Tensor:
        """The first half of the block: x and what its tokens see."""
        heads = self._qkv(x).view(len(x), -1, self._head_dim).transpose(0, 1)  # (H + 2·H_kv, T, D)
        first_v = self._num_heads + self._num_kv_heads
        q, k, v = heads[: self._num_heads], heads[self._num_heads : first_v], heads[first_v:]
        if self._qk_norms:
            q_norm, k_norm = self._qk_norms
            q, k = q_norm(q.float()), k_norm(k.float())
        return x + self._out(view.attend(self._layer_idx, q, k, v))

    def mlp(self, x: Tensor) -> Tensor:
        """The second half of the block."""
        up = self._up(x)
        if self._gated:
            gate, up = up.chunk(2, dim=-1)
            return x + self._down(self._activation(gate).mul_(up))
        return x + self._down(self._activation(up))


def read_norm(
    weights: Weights, name: str, device: torch.device, *, centred: bool = False, order: Tensor | None = None
) -> Norm:
    """The norm of `name.weight` and, where there is one, `name.bias`; its channels in `order`."""
    weight = weights.get(name + ".weight")
    bias = weights.get(name + ".bias").float().to(device) if name + ".bias" in weights.names else None
    return Norm((weight if order is None else weight[order]).to(device), bias, weights.config.norm_eps, centred=centred)
