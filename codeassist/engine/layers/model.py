"""The forward pass of the Llama family: embedding, transformer blocks, norm, output matrix.

It is given token ids and a view of a cache, which says where their states belong and what they see. What depends on the
kernel is the LinearBackend's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

from codeassist.engine.configuration.families import Activation
from codeassist.engine.layers.attention import CacheView, KVCache, view_of
from codeassist.engine.layers.attention_kernels import rows_are_independent
from codeassist.engine.layers.linear import Int8Backend, LinearBackend, Norm, PlainBackend
from codeassist.engine.layers.rotary import interleaved_order, rotation_table
from codeassist.engine.loading.weights import Weights
from codeassist.engine.memory_release import keep_freed
from codeassist.errors import Cancelled

PREFILL_CHUNK = 256  # tokens a pass: keeps a layer's activations in the last-level cache
_GPU_CHUNK = 2048  # of a GPU: its products, not launching them, then take the time

_GUESSED_MS = {"cpu": 12.0, "cuda": 0.1}  # to read a token with a billion parameters, until it has been measured
_MEASURED_FROM = 16  # tokens: smaller passes say little about reading
_RECENT = 0.3

LINEAR_BACKENDS: tuple[type[LinearBackend], ...] = (Int8Backend, PlainBackend)
"""Every kernel; the first that can run a model's weights is taken."""

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


def never() -> bool:
    """The stop flag of work that nobody stops."""
    return False


@dataclass(slots=True)
class Pass:
    """A pass over some tokens, run at once or, where it is stopped between two layers, in several goes.

    token_ids: (T,) int64; `view`: where their states belong. hidden: (T, D) float32, what layer `num_done` takes; None
    at first.
    """

    token_ids: Tensor
    view: CacheView
    num_done: int = 0
    hidden: Tensor | None = None


class Model:
    """A model's parameters on one device, and its forward pass.

    `dtype` is that of activations between layers' products and of the cache: float32 on a CPU, bfloat16 on a GPU.
    The residual stream is float32 always. `ms_per_token` is what reading a prompt has lately taken.
    """

    def __init__(self, weights: Weights, device: torch.device, max_positions: int) -> None:
        if device.type == "cpu":
            keep_freed()
        self.config = config = weights.config
        self.device = device
        self.max_positions = max_positions
        self.rotations = rotation_table(config, max_positions, device)
        self.backend = open_backend(weights, device)
        self.dtype = self.backend.dtype
        self._embed = self.backend.embedding()
        self.blocks = [Block(weights, i, self.backend, device) for i in range(config.num_layers)]
        self._head = self.backend.head("embed" if config.tied_embeddings else "head")
        self._norm = read_norm(weights, "norm", device, centred=config.norm == "layer")
        self.backend.close()
        if self.backend.exact_rows:  # tried now, beside the packing, and not in the first request
            rows_are_independent(config.num_kv_heads, config.num_heads // config.num_kv_heads, config.head_dim)
        self.ms_per_token = _GUESSED_MS.get(device.type, 1.0) * config.num_layer_parameters / 1e9

    @property
    def pass_tokens(self) -> int:
        """How many tokens of a run are best read at a time."""
        return PREFILL_CHUNK if self.device.type == "cpu" else _GPU_CHUNK

    def wait(self) -> None:
        """Wait until all weights are packed; a pass does not need this, it waits for what it uses."""
        self.backend.wait()

    def new_cache(self, capacity: int) -> KVCache:
        """A cache for one sequence of up to `capacity` tokens."""
        return KVCache(self.config, self.rotations[:capacity], capacity, self.dtype)

    def forward(self, token_ids: Tensor, slots: Tensor, cache: KVCache, stopped: Callable[[], bool] = never) -> Tensor:
        """Encode tokens into their slots of `cache` and return their last hidden states.

        token_ids, slots: (T,) int64, slots rising. Each token sees every slot up to its own, so the slots before it
        must hold states (those of this very pass count). Returns (T, D) float32, normed, ready for `logits`.
        Raises Cancelled between two layers when `stopped()`: the slots are then overwritten in part.
        """
        return self.run(Pass(token_ids, view_of(cache, [int(slot) for slot in slots])), stopped)

    @torch.inference_mode()
    def run(self, work: Pass, stopped: Callable[[], bool] = never) -> Tensor:
        """Run a pass to its end from where it stands; return its tokens' last hidden states: (T, D) float32, normed.

        When it raises Cancelled, between two layers, `work` holds what was done. It may be run on for as long as
        nothing else has written to the slots up to its last one.
        """
        started = perf_counter() if work.num_done == 0 else None
        x = self._embed(work.token_ids) if work.hidden is None else work.hidden
        for block in self.blocks[work.num_done :]:
            if stopped():
                work.hidden = x
                raise Cancelled("the request was superseded")
            x = block(x, work.view)
            work.num_done += 1
        work.hidden = None
        x = self._norm(x)
        if started is not None and len(x) >= _MEASURED_FROM and self.device.type == "cpu":
            took_ms = (perf_counter() - started) * 1e3 / len(x)
            self.ms_per_token += _RECENT * (took_ms - self.ms_per_token)
        return x

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden: (T, D) float32 from `forward` → (T, V) float32."""
        return self._head(hidden).float()


class Block:
    """Layer `layer_idx` of a model: attention over a view of a cache, then the MLP, both added to the residual stream.

    Query, key and value are one product, gate and up are another.
    """

    def __init__(self, weights: Weights, layer_idx: int, backend: LinearBackend, device: torch.device) -> None:
        config = weights.config
        self._layer_idx = layer_idx
        self._head_dim = config.head_dim
        self._num_heads, self._num_kv_heads = config.num_heads, config.num_kv_heads
        self._activation = _ACTIVATIONS[config.activation]
        self._gated = config.gated_mlp
        prefix = f"layers.{layer_idx}."
        # Rotated heads' rows are interleaved, those of the values stand as they are.
        rotated = interleaved_order(config.num_heads + config.num_kv_heads, config.head_dim, config.rotary_dim)
        order = torch.cat([rotated, torch.arange(len(rotated), len(rotated) + config.num_kv_heads * config.head_dim)])
        qk_norms = [f"{prefix}{name}" for name in ("q_norm", "k_norm")] if config.qk_norm else []
        one_head = interleaved_order(1, config.head_dim, config.rotary_dim)
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
        behind = [f"{prefix}{name}_post_norm" for name in ("attn", "mlp")] if config.post_norms else []
        self._post_norms = [read_norm(weights, name, device, centred=centred) for name in behind]

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
        added = self._out(view.attend(self._layer_idx, q, k, v))
        return x + (self._post_norms[0](added.float()) if self._post_norms else added)

    def mlp(self, x: Tensor) -> Tensor:
        """The second half of the block."""
        up = self._up(x)
        if self._gated:
            gate, up = up.chunk(2, dim=-1)
            added = self._down(self._activation(gate).mul_(up))
        else:
            added = self._down(self._activation(up))
        return x + (self._post_norms[1](added.float()) if self._post_norms else added)


def read_norm(
    weights: Weights, name: str, device: torch.device, *, centred: bool = False, order: Tensor | None = None
) -> Norm:
    """The norm of `name.weight` and, where there is one, `name.bias`; its channels in `order`."""
    weight = weights.get(name + ".weight")
    bias = weights.get(name + ".bias").float().to(device) if name + ".bias" in weights.names else None
    return Norm((weight if order is None else weight[order]).to(device), bias, weights.config.norm_eps, centred=centred)


def open_backend(weights: Weights, device: torch.device) -> LinearBackend:
    """The kernel for weights as they are stored, on a device."""
    return next(backend for backend in LINEAR_BACKENDS if backend.can_run(weights, device))(weights, device)
