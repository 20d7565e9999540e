"""A model whose multipliers (Granite's, Gemma's) are multiplied into its weights, so that nothing has to know of them.

What is added to the residual stream is the product of `o` and of `down`; attention scores are linear in `q`, also when
it is rotated; the final norm's weight takes what divides the logits. Where the embedding is the output matrix as well,
its scale is taken out of the logits there.
"""

from __future__ import annotations

from pathlib import Path

import torch

from codeassist.engine.configuration.model_config import ModelConfig, Scales
from codeassist.engine.loading.weight_source import WeightSource


class ScaledSource:
    """A weight source with `config.scales` in its rows."""

    def __init__(self, source: WeightSource) -> None:
        self._source = source
        self.path: Path = source.path
        self.config: ModelConfig = source.config

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """See WeightSource."""
        return self._source.part_shape(part)

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """See WeightSource."""
        return self._source.read_rows(part, start, stop) * factor_of(self.config, part)

    def tokenizer_files(self) -> dict[str, bytes]:
        """See WeightSource."""
        return self._source.tokenizer_files()


def scaled(source: WeightSource) -> WeightSource:
    """The source with its scales in its rows, itself where it has none."""
    return source if source.config.scales == Scales() else ScaledSource(source)


def factor_of(config: ModelConfig, part: str) -> float:
    """What a part's numbers are multiplied with."""
    scales = config.scales
    kind = part.split(".")[2] if part.startswith("layers.") else part.partition(".")[0]
    match kind:
        case "embed":
            return scales.embedding
        case "norm":
            return 1 / scales.logits / (scales.embedding if config.tied_embeddings else 1.0)
        case "q" if scales.attention is not None and not config.qk_norm:
            return scales.attention * config.head_dim**0.5
        case "q_norm" if scales.attention is not None:
            return scales.attention * config.head_dim**0.5
        case "o" | "down":
            return scales.residual
        case _:
            return 1.0
