"""Writing a safetensors file piece by piece: the whole model never stands in memory.

Names, types and shapes first, then rows in any order of tensors.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import torch

_NAMES = {torch.int8: "I8", torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32"}


class Stored(NamedTuple):
    """A tensor as the file will hold it."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]


class SafetensorsPlan:
    """Where each tensor will lie. `size` is the file's, in bytes.

    Tensors of wide numbers come first, so that every one is aligned; the data begins at a multiple of 64 bytes.
    """

    def __init__(self, tensors: Iterable[Stored]) -> None:
        entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
        starts: dict[str, int] = {}
        offset = 0
        for name, dtype, shape in sorted(tensors, key=lambda tensor: -tensor.dtype.itemsize):
            end = offset + math.prod(shape) * dtype.itemsize
            entries[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
            starts[name], offset = offset, end
        text = json.dumps(entries, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % 64)
        self.header = struct.pack("<Q", len(text)) + text
        self.starts = {name: len(self.header) + start for name, start in starts.items()}
        self.size = len(self.header) + offset


class SafetensorsWriter:
    """An open file that is being written. Leaving the `with` block without an error puts it on the disk.

    `checksums`: the CRC-32 of each tensor's bytes so far.
    """

    def __init__(self, path: Path, plan: SafetensorsPlan) -> None:
        self._file = path.open("wb")
        self._next = dict(plan.starts)
        self.checksums = dict.fromkeys(plan.starts, 0)
        self.num_written = self._file.write(plan.header)

    def write(self, name: str, rows: torch.Tensor) -> None:
        """Append rows, already of the planned type, to a tensor. Raises OSError."""
        self._file.seek(self._next[name])
        data = rows.contiguous().view(torch.uint8).numpy().data
        self._file.write(data)
        self.checksums[name] = zlib.crc32(data, self.checksums[name])
        self._next[name] += rows.nbytes
        self.num_written += rows.nbytes

    def __enter__(self) -> SafetensorsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
