"""The forward pass of the Llama family: embedding, blocks, norm, output matrix.

It is given token ids and a view of a cache, which says where their states belong and what they see. What depends on the
kernel is the LinearBackend's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from codeassist.engine.layers.attention import CacheView, view_of
from codeassist.engine.layers.block import Block, read_norm
from codeassist.engine.layers.kv_cache import KVCache, rotation_table
from codeassist.engine.layers.linear_backend import open_backend
from codeassist.engine.loading.weights import Weights
from codeassist.errors import Cancelled

PREFILL_CHUNK = 256  # tokens a pass: keeps a layer's activations in the last-level cache

_GUESSED_MS = {"cpu": 12.0, "cuda": 0.1}  # to read a token with a billion parameters, until it has been measured
_MEASURED_FROM = 16  # tokens: smaller passes say little about reading
_RECENT = 0.3


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
        self.ms_per_token = _GUESSED_MS.get(device.type, 1.0) * config.num_layer_parameters / 1e9

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
