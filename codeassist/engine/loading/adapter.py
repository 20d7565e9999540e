"""A model with a low-rank adapter merged into it: its matrices are W + B A wherever the adapter has a pair.

The adapter is a safetensors file of `codeassist eval train-edits`: `layers.0.q.weight.a` (r, I) and `.b` (O, r), int8,
and `.scale` (r,), float32: A and B of component i are to be multiplied, and the product by scale[i]. Rows are in the
order of `tensor_layout`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.loading.weight_source import WeightSource
from codeassist.errors import ModelError

_FACTORS = ("a", "b", "scale")


class AdaptedSource:
    """A weight source whose matrices have an adapter added. Raises ModelError for one that does not fit."""

    def __init__(self, source: WeightSource, adapter: Path) -> None:
        self._source = source
        self.path: Path = source.path
        self.config: ModelConfig = source.config
        self._adapter = adapter
        try:
            self._file: Any = safe_open(adapter, framework="pt")
            self._names = frozenset(self._file.keys())
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{adapter}: no adapter ({error}); name one that `eval train-edits` wrote") from error
        parts = {name.rpartition(".")[0] for name in self._names}
        if not parts:
            raise ModelError(f"{adapter}: an adapter of nothing; name one that `eval train-edits` wrote")
        for part in sorted(parts):
            self._check(part)

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """See WeightSource."""
        return self._source.part_shape(part)

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """See WeightSource."""
        rows = self._source.read_rows(part, start, stop)
        if f"{part}.a" not in self._names:
            return rows
        first, second, scale = (self._file.get_tensor(f"{part}.{name}").float() for name in _FACTORS)
        return rows.addmm(second[start:stop] * scale, first)

    def tokenizer_files(self) -> dict[str, bytes]:
        """See WeightSource."""
        return self._source.tokenizer_files()

    def _check(self, part: str) -> None:
        shape = self._source.part_shape(part)
        if shape is None or {f"{part}.{name}" for name in _FACTORS} - self._names:
            raise ModelError(f"{self._adapter}: has {part}, which {self.path} has not: it is another model's adapter")
        first, second, scale = (self._file.get_slice(f"{part}.{name}").get_shape() for name in _FACTORS)
        if len(shape) != 2 or [second[0], first[1]] != list(shape) or not [first[0]] == [second[1]] == scale:
            raise ModelError(f"{self._adapter}: {part} is for another shape: it is another model's adapter")
