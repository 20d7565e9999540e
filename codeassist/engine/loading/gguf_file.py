"""A GGUF file: its metadata, and its tensors as float32 rows under our part names.

The metadata is parsed here because the `gguf` package's reader takes 13 s for a vocabulary of 150,000 tokens (2 cores,
2026-11); the block formats are that package's.
"""

from __future__ import annotations

import json
import math
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import torch

from codeassist.engine.configuration.families import family_of
from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.configuration.rope_scaling import FrequencyFactors
from codeassist.engine.loading.tensor_layout import pairs_to_halves, rows_before, rows_of
from codeassist.errors import ModelError
from codeassist.tokenization import gguf_tokenizer

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MAX_DIMS = 4
_MOST_VALUES = 1 << 22  # in a whole header, items of arrays counted: a vocabulary of 300,000 tokens has a million
_KNOWN_KINDS = frozenset(map(int, gguf.GGMLQuantizationType))
# What the `gguf` package lists and cannot take apart.
_UNREAD = frozenset(("Q1_0", "Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"))

# Our part names -> GGUF's, inside a layer and outside.
_IN_LAYER = {
    "attn_norm": "attn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "q_norm": "attn_q_norm",
    "k_norm": "attn_k_norm",
    "o": "attn_output",
    "mlp_norm": "ffn_norm",
    "attn_post_norm": "post_attention_norm",
    "mlp_post_norm": "post_ffw_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
_OUTSIDE = {
    "embed": "token_embd.weight",
    "head": "output.weight",
    "norm.weight": "output_norm.weight",
    "norm.bias": "output_norm.bias",
}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor lies. `shape` is rows first; `row_nbytes` counts the quantised bytes of one row."""

    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType
    start: int
    row_nbytes: int


class GgufFile:
    """An open GGUF file. Reading never changes it. Raises ModelError for a file that is cut short or tampered with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read {path}: {error}") from error
        self.metadata: dict[str, Any] = {}
        self._tensors: dict[str, _Tensor] = {}
        try:
            self._read_header(_Cursor(self._data))
        except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} is not a whole GGUF file ({error}); fetch it again") from error
        names = frozenset(self._tensors)
        self.config = self._with_frequency_factors(ModelConfig.from_gguf(self.metadata, names))
        self._family = family_of(self.config.architecture)
        self._names = _IN_LAYER | dict(self._family.gguf_layer_names)

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part, rows first; None when the file has no such tensor."""
        tensor = self._tensors.get(_gguf_name(part, self._names))
        if tensor is None:
            return None
        self._refuse_unread(part, tensor)
        kind = _kind(part)
        shared = rows_before(self.config, self._family.gguf_layer_names, kind)
        is_whole = shared is None or tensor.shape[0] != shared[1]
        return tensor.shape if is_whole else (rows_of(self.config, kind) or 0, *tensor.shape[1:])

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """Rows [start, stop) of a part, q and k half-split: (stop - start, cols) or (stop - start,) float32."""
        tensor = self._tensors[_gguf_name(part, self._names)]
        kind = _kind(part)
        row_idx = np.arange(start, stop)
        if self._family.gguf_rotates_pairs and kind in ("q", "k"):
            row_idx = np.array(pairs_to_halves(self.config, start, stop))
        first, _ = rows_before(self.config, self._family.gguf_layer_names, kind) or (0, 0)
        row_idx = row_idx + first
        if len(tensor.shape) == 1:
            return torch.as_tensor(self._dequantise(tensor, np.arange(1))[0, row_idx])
        return torch.as_tensor(self._dequantise(tensor, row_idx))

    def tokenizer_files(self) -> dict[str, bytes]:
        """tokenizer.json and tokenizer_config.json, built from the metadata."""
        tokenizer, config = gguf_tokenizer.tokenizer_files(self.metadata)
        return {
            "tokenizer.json": json.dumps(tokenizer, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            "tokenizer_config.json": json.dumps(config, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass"),
        }

    def _refuse_unread(self, name: str, tensor: _Tensor) -> None:
        if tensor.kind.name in _UNREAD:
            raise ModelError(
                f"{self.path}: {name!r} is stored as {tensor.kind.name}, which is not read here; take a file in Q8_0, "
                "Q4_K_M or F16"
            )

    def _dequantise(self, tensor: _Tensor, row_idx: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """The rows asked for; a vector is one row."""
        num_rows = 1 if len(tensor.shape) == 1 else tensor.shape[0]
        raw = np.frombuffer(self._data, np.uint8, num_rows * tensor.row_nbytes, tensor.start)
        with np.errstate(all="ignore"):  # NaN and infinity are found, and named, by who reads the numbers
            return gguf.quants.dequantize(raw.reshape(num_rows, -1)[row_idx], tensor.kind)

    def _read_header(self, cursor: _Cursor) -> None:
        if cursor.take(4) != b"GGUF":
            raise ValueError("no GGUF mark at its start")
        version = cursor.scalar("<I")
        if version not in (2, 3):
            raise ValueError(f"version {version}, or big-endian")
        num_tensors, num_values = cursor.count(), cursor.count()
        for _ in range(num_values):
            key = cursor.string()
            if key in self.metadata:
                raise ValueError(f"{key!r} stands there twice")
            self.metadata[key] = cursor.value(cursor.scalar("<I"))
        if self.metadata.get("split.count", 1) != 1:
            raise ModelError(f"{self.path} is one piece of a split model; join it with llama-gguf-split --merge first")
        infos = [_tensor_info(cursor) for _ in range(num_tensors)]
        alignment = self.metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"alignment {alignment!r}")
        data_start = -(-cursor.offset // alignment) * alignment
        for name, shape, kind, offset in infos:
            tensor = _placed(shape, kind, data_start + offset)
            num_rows = 1 if len(shape) == 1 else shape[0]
            if tensor.start + num_rows * tensor.row_nbytes > len(self._data):
                raise ValueError(f"it ends inside of tensor {name!r}")
            if name in self._tensors:
                raise ValueError(f"tensor {name!r} stands there twice")
            self._tensors[name] = tensor

    def _with_frequency_factors(self, config: ModelConfig) -> ModelConfig:
        """With what Llama 3.1 and LongRoPE divide frequencies by, of which the file has tensors."""
        if (factors := self._factors("rope_freqs.weight", config)) is not None:
            return replace(config, rope_scaling=FrequencyFactors(factors))
        if (factors := self._factors("rope_factors_short.weight", config)) is None:
            return config
        scaling = f"{config.architecture}.rope.scaling"
        original = self.metadata.get(f"{scaling}.original_context_length", config.max_positions)
        is_long = self._factors("rope_factors_long.weight", config) != factors and original < config.max_positions
        return replace(
            config,
            max_positions=original if is_long else config.max_positions,
            rope_scaling=FrequencyFactors(
                factors, float(self.metadata.get(f"{scaling}.attn_factor", 1.0)), original if is_long else None
            ),
        )

    def _factors(self, name: str, config: ModelConfig) -> tuple[float, ...] | None:
        tensor = self._tensors.get(name)
        if tensor is None:
            return None
        self._refuse_unread(name, tensor)
        factors = tuple(self._dequantise(tensor, np.arange(1))[0].tolist())
        if len(factors) != config.rotary_dim // 2 or not all(0 < factor < math.inf for factor in factors):
            raise ModelError(f"{self.path}: {name} does not fit heads of which {config.rotary_dim} numbers rotate")
        return factors


class _Cursor:
    """Reads the header's values one after the other. Never beyond the end: that raises ValueError."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._num_left = _MOST_VALUES
        self.offset = 0

    def take(self, nbytes: int) -> bytes:
        if nbytes > len(self._data) - self.offset:
            raise ValueError("it ends inside of its header")
        taken = self._data[self.offset : self.offset + nbytes]
        self.offset += nbytes
        return taken

    def scalar(self, fmt: str) -> Any:
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def count(self) -> int:
        """How many values follow. All of them together are bounded, so that no file fills the memory."""
        number: int = self.scalar("<Q")
        self._num_left -= number
        if self._num_left < 0:
            raise ValueError(f"it lists {number:,} values, or more than {_MOST_VALUES:,} in all")
        return number

    def string(self) -> str:
        # A vocabulary may hold broken UTF-8 where a converter cut a character: kept apart, never merged with another.
        return self.take(self.scalar("<Q")).decode("utf-8", "surrogateescape")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY or depth > 1:
            raise ValueError(f"a value of unknown type {kind}")
        item_kind, length = self.scalar("<I"), self.count()
        if item_kind in _SCALARS:
            dtype = np.dtype(_SCALARS[item_kind])
            return np.frombuffer(self.take(length * dtype.itemsize), dtype).tolist()
        if item_kind == _STRING:
            return self._strings(length)
        return [self.value(item_kind, depth + 1) for _ in range(length)]

    def _strings(self, length: int) -> list[str]:
        """The hot loop: 300,000 strings in a large vocabulary."""
        data, offset, end = self._data, self.offset, len(self._data)
        unpack_length = struct.Struct("<Q").unpack_from
        strings: list[str] = []
        for _ in range(length):
            (nbytes,) = unpack_length(data, offset)
            offset += 8 + nbytes
            if offset > end:
                raise ValueError("it ends inside of its header")
            strings.append(data[offset - nbytes : offset].decode("utf-8", "surrogateescape"))
        self.offset = offset
        return strings


def _tensor_info(cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
    name, num_dims = cursor.string(), cursor.scalar("<I")
    if not 1 <= num_dims <= _MAX_DIMS:
        raise ValueError(f"tensor {name!r} has {num_dims} dimensions")
    dims = [cursor.scalar("<Q") for _ in range(num_dims)]
    return name, tuple(reversed(dims)), cursor.scalar("<I"), cursor.scalar("<Q")


def _placed(shape: tuple[int, ...], kind_id: int, start: int) -> _Tensor:
    if kind_id not in _KNOWN_KINDS:
        raise ModelError(f"a tensor of the GGUF file is of type {kind_id}, which is not known here; take one in Q8_0")
    kind = gguf.GGMLQuantizationType(kind_id)
    block_size, block_nbytes = gguf.GGML_QUANT_SIZES[kind]
    if 0 in shape or shape[-1] % block_size:
        raise ValueError(f"a {kind.name} tensor of shape {shape}")
    row_size = shape[0] if len(shape) == 1 else math.prod(shape[1:])
    return _Tensor(shape, kind, start, row_size // block_size * block_nbytes)


def _kind(part: str) -> str:
    return part.split(".")[2] if part.startswith("layers.") else part


def _gguf_name(part: str, names: Mapping[str, str]) -> str:
    match = re.fullmatch(r"layers\.(\d+)\.(\w+)\.(weight|bias)", part)
    if match is None:
        return _OUTSIDE[part]
    return f"blk.{match[1]}.{names[match[2]]}.{match[3]}"
