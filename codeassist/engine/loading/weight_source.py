"""What a model's published files are read through, whatever their format."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch

from codeassist.engine.configuration.model_config import ModelConfig


class WeightSource(Protocol):
    """A model as someone published it."""

    path: Path
    config: ModelConfig

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part, rows first; None when there is no such tensor."""
        ...

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """Rows [start, stop) of a part: (stop - start, cols) or (stop - start,) float32."""
        ...

    def tokenizer_files(self) -> dict[str, bytes]:
        """Contents of tokenizer.json and tokenizer_config.json."""
        ...
