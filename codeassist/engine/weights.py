"""Conversion: a GGUF file or Hugging Face folder, once, into canonical tensors that can be memory-mapped.

Knows no forward pass. A conversion is made in a folder beside its place and appears there whole or not at all.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import torch

from codeassist.engine.config import ModelConfig
from codeassist.engine.converted import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    WeightFormat,
    Weights,
    is_whole,
    open_weights,
    write_manifest,
)
from codeassist.engine.gguf_file import GgufFile
from codeassist.engine.safetensors_folder import SafetensorsFolder
from codeassist.engine.tensor_layout import TensorSpec, model_tensors
from codeassist.errors import ModelError

__all__ = ["WeightFormat", "Weights", "convert", "open_source", "open_weights", "prepare"]

_CHUNK_NUMBERS = 1 << 22  # dequantised at once: 16 MiB of float32
_DTYPES: dict[WeightFormat, torch.dtype] = {"int8": torch.int8, "bf16": torch.bfloat16, "float32": torch.float32}
_NAMES = {torch.int8: "I8", torch.bfloat16: "BF16", torch.float32: "F32"}
_STALE_SECONDS = 600

Progress = Callable[[int, int], None]


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


def open_source(model_path: Path) -> WeightSource:
    """Open a GGUF file or a Hugging Face folder. Raises ModelError for anything else."""
    if model_path.is_dir():
        return SafetensorsFolder(model_path)
    if not model_path.exists():
        raise ModelError(f"there is no model at {model_path}")
    if model_path.suffix.lower() == ".gguf":
        return GgufFile(model_path)
    raise ModelError(f"{model_path} is neither a GGUF file nor a folder with safetensors; other formats are not read")


def prepare(
    model_path: Path, weight_format: WeightFormat, cache_dir: Path, source_sha256: str, progress: Progress
) -> Path:
    """Return the folder of the converted model, converting it first unless that is done.

    `progress(done, total)` counts bytes written. Several processes may do this at once. Raises ModelError for a model
    or a disk that will not do, and then leaves nothing behind.
    """
    place = cache_dir / f"{source_sha256[:16]}-{weight_format}-v1"
    if is_whole(place, source_sha256, weight_format):
        return place
    source = open_source(model_path)
    made = cache_dir / f".{place.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(cache_dir)
        made.mkdir()
        convert(source, weight_format, made, progress)
        write_manifest(made, source_sha256, weight_format)
        _move_into_place(made, place, lambda: is_whole(place, source_sha256, weight_format))
    except OSError as error:
        raise ModelError(f"cannot write the converted model into {cache_dir}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def convert(source: WeightSource, weight_format: WeightFormat, folder: Path, progress: Progress) -> None:
    """Write a model's configuration, tokenizer and weights into an empty folder. Raises ModelError and OSError."""
    specs = list(model_tensors(source.config))
    for spec in specs:
        _check_shapes(source, spec)
    header, places, size = _plan(specs, weight_format)
    free = shutil.disk_usage(folder).free
    if free < size + (64 << 20):
        raise ModelError(
            f"converting {source.path.name} needs {size >> 20} MB in {folder.parent}, where {free >> 20} MB are free; "
            "free some space or move the cache"
        )
    (folder / CONFIG_NAME).write_text(json.dumps(source.config.to_json(), indent=1), encoding="utf-8")
    for name, content in source.tokenizer_files().items():
        (folder / name).write_bytes(content)
    with (folder / WEIGHTS_NAME).open("wb") as file:
        num_written = file.write(header)
        for spec in specs:
            for start, tensor in _encoded(source, spec, weight_format, places):
                file.seek(start)
                num_written += file.write(tensor.contiguous().view(torch.uint8).numpy().data)
                progress(num_written, size)
        file.flush()
        os.fsync(file.fileno())


def _stored(spec: TensorSpec, weight_format: WeightFormat) -> Iterator[tuple[str, torch.dtype, tuple[int, ...]]]:
    """What one canonical tensor becomes: itself, and its row scales in front where it becomes int8."""
    if spec.num_cols is not None and weight_format == "int8":
        yield spec.scale_name, torch.float32, (spec.num_rows,)
    yield spec.name, torch.float32 if spec.num_cols is None else _DTYPES[weight_format], spec.shape


def _plan(specs: list[TensorSpec], weight_format: WeightFormat) -> tuple[bytes, dict[str, int], int]:
    """The safetensors header, each tensor's byte offset in the file, and the file's size.

    Four-byte tensors come first, so that every tensor is aligned; the data begins at a multiple of 64 bytes.
    """
    stored = [item for spec in specs for item in _stored(spec, weight_format)]
    stored.sort(key=lambda item: -item[1].itemsize)
    entries: dict[str, object] = {}
    offset = 0
    starts: dict[str, int] = {}
    for name, dtype, shape in stored:
        end = offset + math.prod(shape) * dtype.itemsize
        entries[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        starts[name], offset = offset, end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    header = struct.pack("<Q", len(text)) + text
    return header, {name: len(header) + start for name, start in starts.items()}, len(header) + offset


def _check_shapes(source: WeightSource, spec: TensorSpec) -> None:
    for part in spec.parts:
        wanted = (part.num_rows,) if spec.num_cols is None else (part.num_rows, spec.num_cols)
        found = source.part_shape(part.name)
        if found is None:
            raise ModelError(
                f"{source.path} has no tensor {part.name!r}; it is not a whole {source.config.architecture}"
            )
        if found != wanted:
            raise ModelError(f"{source.path}: {part.name!r} is {found} where its configuration says {wanted}")


def _encoded(
    source: WeightSource, spec: TensorSpec, weight_format: WeightFormat, places: dict[str, int]
) -> Iterator[tuple[int, torch.Tensor]]:
    """A tensor as it is stored, in pieces that fit memory: (byte offset in the file, piece)."""
    step = max(1, _CHUNK_NUMBERS // (spec.num_cols or 1))
    offset = places[spec.name]
    scales: list[torch.Tensor] = []
    for part in spec.parts:
        for start in range(0, part.num_rows, step):
            rows = source.read_rows(part.name, start, min(start + step, part.num_rows))
            if not math.isfinite(float(rows.abs().max())):
                raise ModelError(f"{source.path}: tensor {part.name!r} holds NaN or infinity; fetch the model again")
            if spec.num_cols is None:
                stored = rows
            elif weight_format == "int8":
                stored, scale = quantise_rows(rows)
                scales.append(scale)
            else:
                stored = rows.to(_DTYPES[weight_format])
            yield offset, stored
            offset += stored.nbytes
    if scales:
        yield places[spec.scale_name], torch.cat(scales)


def quantise_rows(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Symmetric int8 with one scale a row: rows (R, C) float32 -> (R, C) int8, (R,) float32; rows ≈ int8 · scale."""
    scale = rows.abs().amax(dim=1) / 127
    scale[scale == 0] = 1.0  # a row of zeros
    return (rows / scale[:, None]).round_().clamp_(-127, 127).to(torch.int8), scale


def _move_into_place(made: Path, place: Path, is_done: Callable[[], bool]) -> None:
    """Rename `made` to `place`; a damaged folder there is put aside, another process's finished one is kept."""
    for _ in range(10):
        try:
            made.rename(place)
            return
        except OSError:
            if is_done():
                return
            aside = made.with_name(made.name + ".old")
            if place.exists():
                place.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    raise ModelError(f"cannot put the converted model at {place}; delete that folder and start again")


def _remove_abandoned(cache_dir: Path) -> None:
    """Delete what a killed conversion left: its process is gone and nothing was written there for ten minutes."""
    for folder in cache_dir.glob(".*-v1.*"):
        pid = folder.name.rpartition("-v1.")[2].partition("-")[0]
        newest = max((path.stat().st_mtime for path in [folder, *folder.iterdir()]), default=0.0)
        if pid.isdigit() and not psutil.pid_exists(int(pid)) and time.time() - newest > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
