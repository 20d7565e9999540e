"""A model of random weights, made on the device in a moment: as fast as a trained one of its shape, and as large.

What it writes means nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.layers.model import Model
from codeassist.engine.loading.tensor_layout import TensorSpec, model_tensors

# Qwen2.5-Coder-7B, and what a test of this on a CPU takes.
SHAPES: dict[str, dict[str, int]] = {
    "7b": {
        "num_hidden_layers": 28,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
    },
    "tiny": {
        "num_hidden_layers": 2,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
    },
}
_MOST_POSITIONS = 32_768


class RandomWeights:
    """Weights as `converted.Weights` has them, drawn when they are asked for: small normal numbers."""

    def __init__(self, shape: str, device: torch.device, dtype: torch.dtype) -> None:
        published = {"model_type": "qwen2", "max_position_embeddings": _MOST_POSITIONS, "rope_theta": 1e6}
        more = {"rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": False, "eos_token_id": 0}
        self.config = ModelConfig.from_hf(published | more | SHAPES[shape])
        self._device, self._dtype = device, dtype
        self._specs: dict[str, TensorSpec] = {spec.name: spec for spec in model_tensors(self.config)}
        self._generator = torch.Generator(device).manual_seed(0)

    @property
    def names(self) -> frozenset[str]:
        """Every tensor's name."""
        return frozenset(self._specs)

    def get(self, name: str) -> Tensor:
        """One tensor, on the device: a new one each time."""
        spec = self._specs[name]
        if spec.num_cols is None:
            fill = 0.0 if name.endswith("bias") else 1.0
            return torch.full(spec.shape, fill, device=self._device)
        numbers = torch.empty(spec.shape, dtype=self._dtype, device=self._device)
        return numbers.normal_(0.0, 0.02, generator=self._generator)

    def remap(self) -> None:
        """Nothing is mapped."""


def random_model(shape: str, device: torch.device, dtype: torch.dtype, max_positions: int) -> Model:
    """A model of a shape of SHAPES."""
    weights = RandomWeights(shape, device, dtype)
    return Model(weights, device, max_positions)  # pyright: ignore[reportArgumentType]  # all that a model asks of them
