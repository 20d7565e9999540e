"""The forward pass of the Llama family: Llama, Qwen2, Qwen3, Mistral, StarCoder2.

Knows no text, no tokenizer and no cache policy: it is given token ids and the slots where their states belong.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.layers.attention import attend_fixed, attend_masked, attend_row_wise, attend_run, visible_mask
from codeassist.engine.layers.kv_cache import KVCache
from codeassist.engine.layers.lazy_linear import LinearMaker
from codeassist.engine.layers.linear import Int8Linear, Linear, PlainLinear, StackedLinear
from codeassist.engine.layers.rope import paired_order, rotate, rotation_table
from codeassist.engine.loading.weights import Weights
from codeassist.errors import Cancelled

_HEAD_ROWS = 1 << 15  # rows of the output matrix packed together: several cores can share the work
PREFILL_CHUNK = 256  # tokens a pass: keeps a layer's activations in the last-level cache


_GUESSED_MS = {"cpu": 12.0, "cuda": 0.1}  # to read a token with a billion parameters, until it has been measured
_MEASURED_FROM = 16  # tokens: smaller passes say little about reading
_RECENT = 0.3


def never() -> bool:
    """The stop flag of work that nobody stops."""
    return False


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


@dataclass(slots=True)
class Layer:
    """One transformer block's parameters, fused: `qkv` stacks query, key, value; `up` stacks gate and up."""

    attn_norm: Norm
    qkv: Linear
    q_norm: Norm | None
    k_norm: Norm | None
    out: Linear
    mlp_norm: Norm
    up: Linear
    down: Linear


@dataclass(slots=True)
class Pass:
    """A pass over some tokens, run at once or, where it is stopped between two layers, in several goes.

    token_ids, slots: (T,) int64, slots rising. hidden: (T, D) float32, what layer `num_done` takes; None at first.
    `apart`: with int8 weights, each token of a run gets to the last bit what a pass of its own would give it.
    """

    token_ids: Tensor
    slots: Tensor
    row_wise: bool = False
    num_done: int = 0
    hidden: Tensor | None = None


class Model:
    """A model's parameters on one device, and its forward pass.

    `dtype` is that of activations between layers' products and of the cache: float32 on a CPU, bfloat16 on a GPU.
    The residual stream is float32 always. `ms_per_token` is what reading a prompt has lately taken.
    """

    def __init__(self, weights: Weights, device: torch.device, max_positions: int) -> None:
        self.config = config = weights.config
        self.device = device
        self.max_positions = max_positions
        self.rotations = rotation_table(config, max_positions, device)
        self.is_int8 = "embed.scale" in weights.names
        self.dtype = torch.float32 if self.is_int8 else weights.get("embed").dtype
        self.embed = weights.get("embed").to(device)
        weights.remap()  # rows of `embed` are read as they are needed, from a mapping that nothing else reads
        self._maker = LinearMaker() if self.is_int8 else None
        self.layers = [self._layer(weights, i) for i in range(config.num_layers)]
        self.head = self._head(weights, "embed" if config.tied_embeddings else "head")
        self.embed_scale = weights.get("embed.scale") if self.is_int8 else None
        self.norm = self._norm(weights, "norm", centred=config.norm == "layer")
        self.ms_per_token = _GUESSED_MS.get(device.type, 1.0) * config.num_layer_parameters / 1e9
        activations: dict[str, Callable[[Tensor], Tensor]] = {
            "silu": F.silu,
            "gelu": F.gelu,
            "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        }
        self.activation = activations[config.activation]

    def wait(self) -> None:
        """Wait until all weights are packed; a pass does not need this, it waits for what it uses."""
        if self._maker is not None:
            self._maker.wait()

    def new_cache(self, capacity: int) -> KVCache:
        """A cache for one sequence of up to `capacity` tokens."""
        return KVCache(self.config, self.rotations[:capacity], capacity, self.dtype)

    def forward(self, token_ids: Tensor, slots: Tensor, cache: KVCache, stopped: Callable[[], bool] = never) -> Tensor:
        """Encode tokens into their slots of `cache` and return their last hidden states.

        token_ids, slots: (T,) int64, slots rising. Each token sees every slot up to its own, so the slots before it
        must hold states (those of this very pass count). Returns (T, D) float32, normed, ready for `logits`.
        Raises Cancelled between two layers when `stopped()`: the slots are then overwritten in part.
        """
        return self.run(Pass(token_ids, slots), cache, stopped)

    @torch.inference_mode()
    def run(self, work: Pass, cache: KVCache, stopped: Callable[[], bool] = never) -> Tensor:
        """Run a pass to its end from where it stands; as `forward`.

        When it raises Cancelled, `work` holds what was done. It may be run on for as long as nothing else has written
        to the slots up to its last one.
        """
        started = perf_counter() if work.num_done == 0 else None
        slots = work.slots
        first, last = int(slots[0]), int(slots[-1])
        run = last - first + 1 == len(slots)
        mask = None if run else visible_mask(slots, last + 1, self.dtype)
        rotations = self.rotations[first : last + 1] if run else self.rotations[slots]
        where = slice(first, last + 1) if run else slots
        x = self.embed_tokens(work.token_ids) if work.hidden is None else work.hidden
        for index in range(work.num_done, len(self.layers)):
            if stopped():
                work.hidden = x
                raise Cancelled("the request was superseded")
            layer = self.layers[index]
            x = self._attention(x, layer, index, cache, where, rotations, mask, first, last, work.row_wise)
            x = self._mlp(x, layer)
            work.num_done = index + 1
        work.hidden = None
        x = self.norm(x)
        if started is not None and len(slots) >= _MEASURED_FROM and self.device.type == "cpu":
            took_ms = (perf_counter() - started) * 1e3 / len(slots)
            self.ms_per_token += _RECENT * (took_ms - self.ms_per_token)
        return x

    @torch.inference_mode()
    def step(self, token_ids: Tensor, slots: Tensor, num_keys: int, cache: KVCache) -> Tensor:
        """As `forward` for a few tokens, with shapes that follow from T and `num_keys` alone: for CUDA graphs.

        token_ids, slots: (T,) int64 on the device, all slots below `num_keys`. A token may come several times with the
        same slot. No value is read on the host.
        """
        mask = visible_mask(slots, num_keys, torch.float32)
        rotations = self.rotations[slots]
        x = self.embed_tokens(token_ids)
        for index, layer in enumerate(self.layers):
            q = self._write(x, layer, index, cache, slots, rotations)
            context = attend_fixed(q, cache.k[index, :, :num_keys], cache.v[index, :, :num_keys], mask)
            x = x + layer.out(context)
            x = self._mlp(x, layer)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden: (T, D) float32 from `forward` → (T, V) float32."""
        return self.head(hidden if self.is_int8 else hidden.to(self.dtype)).float()

    def embed_tokens(self, token_ids: Tensor) -> Tensor:
        """token_ids: (T,) int64 → (T, D) float32."""
        rows = self.embed[token_ids].float()
        return rows if self.embed_scale is None else rows * self.embed_scale[token_ids].unsqueeze(1)

    def _attention(
        self,
        x: Tensor,
        layer: Layer,
        index: int,
        cache: KVCache,
        where: slice | Tensor,
        rotations: Tensor,
        mask: Tensor | None,
        first: int,
        last: int,
        row_wise: bool,
    ) -> Tensor:
        q = self._write(x, layer, index, cache, where, rotations)
        keys, values = cache.k[index, :, : last + 1], cache.v[index, :, : last + 1]
        if mask is not None:
            context = attend_masked(q, keys, values, mask)
        else:
            context = (attend_row_wise if row_wise and self.is_int8 else attend_run)(q, keys, values, first)
        return x + layer.out(context)

    def _write(
        self, x: Tensor, layer: Layer, index: int, cache: KVCache, where: slice | Tensor, rotations: Tensor
    ) -> Tensor:
        """Write the tokens' keys and values of one layer to their slots; return their queries, rotated: (T, H, D)."""
        config = self.config
        T = x.shape[0]
        qkv = self._after_norm(layer.attn_norm, layer.qkv, x)
        heads = qkv.view(T, -1, config.head_dim).transpose(0, 1)  # (H + 2·H_kv, T, D)
        num_queries, num_keys = config.num_heads, config.num_kv_heads
        q, k, v = heads[:num_queries], heads[num_queries : num_queries + num_keys], heads[num_queries + num_keys :]
        if layer.q_norm is not None and layer.k_norm is not None:
            q, k = layer.q_norm(q.float()), layer.k_norm(k.float())
        k = k.to(cache.k.dtype)
        cache.k_raw[index, :, where] = k
        cache.k[index, :, where] = rotate(k, rotations).to(cache.k.dtype)
        cache.v[index, :, where] = v.to(cache.v.dtype)
        return rotate(q, rotations).to(cache.k.dtype).transpose(0, 1)

    def _mlp(self, x: Tensor, layer: Layer) -> Tensor:
        up = self._after_norm(layer.mlp_norm, layer.up, x)
        if self.config.gated_mlp:
            gate, up = up.chunk(2, dim=-1)
            hidden = self.activation(gate).mul_(up)
        else:
            hidden = self.activation(up)
        return x + layer.down(hidden)

    def _after_norm(self, norm: Norm, linear: Linear, x: Tensor) -> Tensor:
        if self.is_int8:
            return linear(*norm.split(x))
        return linear(norm(x).to(self.dtype))

    def _layer(self, weights: Weights, i: int) -> Layer:
        config = self.config
        prefix = f"layers.{i}."
        num_rotated = config.num_heads + config.num_kv_heads
        paired = paired_order(num_rotated, config.head_dim)
        rest = torch.arange(len(paired), len(paired) + config.num_kv_heads * config.head_dim)
        one_head = paired_order(1, config.head_dim)
        up = "gate_up" if config.gated_mlp else "up"
        return Layer(
            attn_norm=self._norm(weights, prefix + "attn_norm", centred=config.norm == "layer"),
            qkv=self._linear(weights, prefix + "qkv", torch.cat([paired, rest])),
            q_norm=self._norm(weights, prefix + "q_norm", order=one_head) if config.qk_norm else None,
            k_norm=self._norm(weights, prefix + "k_norm", order=one_head) if config.qk_norm else None,
            out=self._linear(weights, prefix + "o"),
            mlp_norm=self._norm(weights, prefix + "mlp_norm", centred=config.norm == "layer"),
            up=self._linear(weights, prefix + up),
            down=self._linear(weights, prefix + "down"),
        )

    def _linear(self, weights: Weights, name: str, order: Tensor | None = None) -> Linear:
        if self._maker is not None:
            return self._maker.make(lambda: _int8_linear(weights, name, order))
        rows = _ordered(order)
        bias = rows(weights.get(name + ".bias")).float().to(self.device) if name + ".bias" in weights.names else None
        return PlainLinear(rows(weights.get(name + ".weight")).to(self.device), bias)

    def _head(self, weights: Weights, name: str) -> Linear:
        """The output matrix; an int8 one in parts, so that several cores share the work of packing it."""
        if self._maker is None:
            return PlainLinear(weights.get(name).to(self.device), None)
        parts = [slice(start, start + _HEAD_ROWS) for start in range(0, self.config.vocab_size, _HEAD_ROWS)]
        return StackedLinear([self._maker.make(functools.partial(_int8_rows, weights, name, part)) for part in parts])

    def _norm(self, weights: Weights, name: str, *, centred: bool = False, order: Tensor | None = None) -> Norm:
        weight = weights.get(name + ".weight")
        bias = weights.get(name + ".bias").float().to(self.device) if name + ".bias" in weights.names else None
        weight = weight if order is None else weight[order]
        return Norm(weight.to(self.device), bias, self.config.norm_eps, centred=centred)


def _ordered(order: Tensor | None) -> Callable[[Tensor], Tensor]:
    return lambda tensor: tensor if order is None else tensor[order]


def _int8_linear(weights: Weights, name: str, order: Tensor | None) -> Linear:
    rows = _ordered(order)
    bias = rows(weights.get(name + ".bias")).float() if name + ".bias" in weights.names else None
    layer = Int8Linear(rows(weights.get(name + ".weight")), rows(weights.get(name + ".scale")), bias)
    weights.remap()  # what was packed need not stay in memory twice
    return layer


def _int8_rows(weights: Weights, name: str, rows: slice) -> Linear:
    layer = Int8Linear(weights.get(name)[rows], weights.get(name + ".scale")[rows], None)
    weights.remap()
    return layer
