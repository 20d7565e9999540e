"""A model whose matrices are fixed and to whose products low-rank ones are added, which learn (LoRA).

The forward pass of whole rows, with gradients; what the product runs is `codeassist.engine`. Every matrix of every
layer has an adapter: y = x Wᵀ + scale · x Aᵀ Bᵀ, B zero at first ("LoRA: Low-Rank Adaptation of Large Language
Models"). One row after the other: nothing is padded, and the output matrix is used only where a token counts. Products
may be made in bfloat16, which a processor that has it multiplies four times as fast; what learns, norms and the sum of
the layers are float32.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codeassist.engine.layers.model import read_norm
from codeassist.engine.layers.rotary import frequencies
from codeassist.engine.loading.weights import Weights
from codeassist_eval.errors import EvaluationError

_CPU = torch.device("cpu")


class LoraModel(nn.Module):
    """The model of float32 `weights`, its products made in `dtype`, and its adapters, the only parameters."""

    def __init__(
        self, weights: Weights, rank: int, alpha: float, seed: int, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        config = weights.config
        if config.activation != "silu" or not config.gated_mlp:
            raise EvaluationError(f"{config.architecture} cannot be trained: only gated MLPs with SiLU can")
        if config.post_norms or config.rotary_dim != config.head_dim:
            raise EvaluationError(f"{config.architecture} cannot be trained: it has more norms, or rotates less")
        self.config = config
        self.scale = alpha / rank
        self._weights = weights
        self._embed = weights.get("embed")
        self._head = (self._embed if config.tied_embeddings else weights.get("head")).to(dtype)
        self._norms = {
            name: read_norm(weights, name, _CPU, centred=config.norm == "layer")
            for name in (
                "norm",
                *(f"layers.{i}.{kind}_norm" for i in range(config.num_layers) for kind in ("attn", "mlp")),
            )
        }
        self._qk_norms = {
            f"layers.{i}.{kind}_norm": read_norm(weights, f"layers.{i}.{kind}_norm", _CPU)
            for i in range(config.num_layers if config.qk_norm else 0)
            for kind in ("q", "k")
        }
        generator = torch.Generator().manual_seed(seed)
        self.adapters = nn.ParameterDict()
        for name in adapted(config.num_layers):
            rows, columns = weights.get(name + ".weight").shape
            first = torch.randn((rank, columns), generator=generator) / columns**0.5
            self.adapters[_key(name, "a")] = nn.Parameter(first)
            self.adapters[_key(name, "b")] = nn.Parameter(torch.zeros(rows, rank))
        self._matrices = {name: weights.get(name + ".weight").to(dtype) for name in adapted(config.num_layers)}
        self._biases = {
            name: weights.get(name + ".bias").to(dtype)
            for name in adapted(config.num_layers)
            if name + ".bias" in weights.names
        }
        self._frequencies = frequencies(config)

    def loss(self, tokens: list[int], weights: list[float]) -> Tensor:
        """Weighted sum of the negative log-likelihoods of a row's tokens: a scalar. tokens, weights: (T,)."""
        ids, counts = torch.tensor(tokens), torch.tensor(weights[1:])
        hidden = self._hidden(ids[:-1])
        wanted = counts.nonzero()[:, 0]
        logits = F.linear(hidden[wanted].to(self._head.dtype), self._head).float()
        return (F.cross_entropy(logits, ids[1:][wanted], reduction="none") * counts[wanted]).sum()

    def adapter_tensors(self) -> dict[str, Tensor]:
        """Both factors of each matrix's adapter, B with the scale in it: `layers.0.qkv.a` (r, I), `.b` (O, r)."""
        tensors = {name.replace("/", "."): value.detach().clone() for name, value in self.adapters.items()}
        return {name: value * self.scale if name.endswith(".b") else value for name, value in tensors.items()}

    def _hidden(self, ids: Tensor) -> Tensor:
        config = self.config
        angles = torch.outer(torch.arange(len(ids), dtype=torch.float64), self._frequencies)
        magnitude = 1.0 if config.rope_scaling is None else config.rope_scaling.magnitude
        turn = (angles.cos().float() * magnitude, angles.sin().float() * magnitude)
        x = self._embed[ids].float()
        for number in range(config.num_layers):
            x = self._block(number, x, turn)
        return self._norms["norm"](x)

    def _block(self, number: int, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        config, layer = self.config, f"layers.{number}"
        heads = self._linear(f"{layer}.qkv", self._norms[f"{layer}.attn_norm"](x))
        q, k, v = (
            part.view(len(x), -1, config.head_dim).transpose(0, 1)
            for part in heads.split([count * config.head_dim for count in _head_counts(self)], dim=-1)
        )
        if config.qk_norm:
            q, k = self._qk_norms[f"{layer}.q_norm"](q), self._qk_norms[f"{layer}.k_norm"](k)
        q, k = (_turned(part, turn).to(v.dtype) for part in (q, k))
        seen = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True, enable_gqa=True)[0]
        x = x + self._linear(f"{layer}.o", seen.transpose(0, 1).reshape(len(x), -1))
        gate, up = self._linear(f"{layer}.gate_up", self._norms[f"{layer}.mlp_norm"](x)).chunk(2, dim=-1)
        return x + self._linear(f"{layer}.down", F.silu(gate) * up)

    def _linear(self, name: str, x: Tensor) -> Tensor:
        matrix = self._matrices[name]
        x = x.to(matrix.dtype)
        first, second = (self.adapters[_key(name, factor)].to(matrix.dtype) for factor in ("a", "b"))
        return F.linear(x, matrix, self._biases.get(name)) + F.linear(F.linear(x, first), self.scale * second)


def fastest_dtype() -> torch.dtype:
    """In what this processor multiplies fastest."""
    has_bfloat16 = torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get("amx_bf16")
    return torch.bfloat16 if has_bfloat16 else torch.float32


def adapted(num_layers: int) -> list[str]:
    """The matrices with an adapter."""
    return [f"layers.{i}.{name}" for i in range(num_layers) for name in ("qkv", "o", "gate_up", "down")]


def _key(name: str, factor: str) -> str:
    return f"{name}.{factor}".replace(".", "/")


def _head_counts(model: LoraModel) -> tuple[int, int, int]:
    config = model.config
    return config.num_heads, config.num_kv_heads, config.num_kv_heads


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate half-split heads. x: (H, T, D); turn: cosines and sines (T, D/2)."""
    cos, sin = turn
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
