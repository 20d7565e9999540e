"""Conversion: a GGUF file or Hugging Face folder, once, into canonical tensors that can be memory-mapped.

A conversion is made in a folder beside its place and appears there whole or not at all.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from codeassist.engine.loading.adapter import AdaptedSource
from codeassist.engine.loading.converted import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    WeightFormat,
    Weights,
    damaged_tensors,
    is_whole,
    open_weights,
    write_manifest,
)
from codeassist.engine.loading.safetensors_folder import SafetensorsFolder
from codeassist.engine.loading.safetensors_writer import SafetensorsPlan, SafetensorsWriter, Stored
from codeassist.engine.loading.scaled_source import scaled
from codeassist.engine.loading.tensor_layout import Part, TensorSpec, model_tensors
from codeassist.engine.loading.weight_source import WeightSource
from codeassist.errors import ModelError
from codeassist.model_files import untrusted
from codeassist.tokenization.tokens import Tokenizer

__all__ = ["WeightFormat", "Weights", "convert", "open_source", "open_weights", "prepare"]

_CHUNK_NUMBERS = 1 << 22  # dequantised at once: 16 MiB of float32
_DTYPES: dict[WeightFormat, torch.dtype] = {"int8": torch.int8, "bf16": torch.bfloat16, "float32": torch.float32}
_STALE_SECONDS = 600
_VERSION = 2  # of what a converted folder holds

Progress = Callable[[int, int], None]


def open_source(model_path: Path) -> WeightSource:
    """Open a GGUF file or a Hugging Face folder. Raises ModelError for anything else."""
    if model_path.is_dir():
        with untrusted(model_path):
            return scaled(SafetensorsFolder(model_path))
    if not model_path.exists():
        raise ModelError(f"there is no model at {model_path}")
    if model_path.suffix.lower() == ".gguf":
        from codeassist.engine.loading.gguf_file import GgufFile  # a converted model needs none of it

        with untrusted(model_path):
            return scaled(GgufFile(model_path))
    raise ModelError(f"{model_path} is neither a GGUF file nor a folder with safetensors; other formats are not read")


def prepare(
    model_path: Path,
    weight_format: WeightFormat,
    cache_dir: Path,
    source_sha256: str,
    progress: Progress,
    adapter: Path | None = None,
) -> Path:
    """Return the folder of the converted model, converting it first unless that is done.

    `adapter` is merged into it, and `source_sha256` is then of both. `progress(done, total)` counts bytes written.
    Several processes may do this at once. Raises ModelError for a model or a disk that will not do, and then leaves
    nothing behind.
    """
    place = _place(cache_dir, source_sha256, weight_format)
    if is_whole(place, source_sha256, weight_format):
        return place
    source = open_source(model_path)
    if adapter is not None:
        source = AdaptedSource(source, adapter)
    made = cache_dir / f".{place.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(cache_dir)
        made.mkdir()
        checksums = convert(source, weight_format, made, progress)
        write_manifest(made, source_sha256, weight_format, checksums)
        _move_into_place(made, place, lambda: is_whole(place, source_sha256, weight_format))
    except OSError as error:
        raise ModelError(
            f"cannot write the converted model into {cache_dir}: {error.strerror or error}; make it writable, free "
            "space, or set CODEASSIST_HOME to another folder"
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def convert(source: WeightSource, weight_format: WeightFormat, folder: Path, progress: Progress) -> dict[str, int]:
    """Write a model's configuration, tokenizer and weights into an empty folder; return each tensor's CRC-32.

    Raises ModelError and OSError.
    """
    with untrusted(source.path):
        check_shapes(source, model_tensors(source.config))  # before they are listed: it may claim billions of layers
        tokenizer_files = source.tokenizer_files()
    specs = list(model_tensors(source.config))
    plan = SafetensorsPlan(stored for spec in specs for stored in _stored(spec, weight_format))
    check_space(folder, plan.size)
    (folder / CONFIG_NAME).write_text(json.dumps(source.config.to_json(), indent=1), encoding="utf-8")
    for name, content in tokenizer_files.items():
        (folder / name).write_bytes(content)
    Tokenizer.load(folder)  # what cannot be used later is not written first
    with SafetensorsWriter(folder / WEIGHTS_NAME, plan) as writer:
        for spec in specs:
            for part in spec.parts:
                for rows in read_in_pieces(source, part, spec.num_cols):
                    if spec.num_cols is not None and weight_format == "int8":
                        quantised, scale = quantise_rows(rows)
                        writer.write(spec.name, quantised)
                        writer.write(spec.scale_name, scale)
                    else:
                        writer.write(spec.name, rows if spec.num_cols is None else rows.to(_DTYPES[weight_format]))
                    progress(writer.num_written, plan.size)
    return writer.checksums


def require_runnable(model_path: Path) -> None:
    """Raise ModelError for a model that could not be converted, but for its numbers, which are not read."""
    source = open_source(model_path)
    with untrusted(source.path), tempfile.TemporaryDirectory() as folder:
        check_shapes(source, model_tensors(source.config))
        for name, content in source.tokenizer_files().items():
            (Path(folder) / name).write_bytes(content)
        (Path(folder) / CONFIG_NAME).write_text(json.dumps(source.config.to_json()), encoding="utf-8")
        Tokenizer.load(Path(folder))


def drop_damaged(
    cache_dir: Path, source_sha256: str, weight_formats: Iterable[WeightFormat] = tuple(_DTYPES)
) -> list[str]:
    """Delete the finished conversions of a source whose bytes have changed since; return what was wrong with each.

    `prepare` converts them anew. All bytes are read: 0.15 s of processor time a gigabyte (2026-11). Raises ModelError
    where one cannot be deleted.
    """
    told: list[str] = []
    for weight_format in weight_formats:
        place = _place(cache_dir, source_sha256, weight_format)
        if is_whole(place, source_sha256, weight_format) and (damaged := damaged_tensors(place)):
            try:
                shutil.rmtree(place)
            except OSError as error:
                raise ModelError(f"{place} is damaged and cannot be deleted ({error.strerror}); delete it") from error
            told.append(f"{place}: {len(damaged)} of its tensors were not as they were written ({damaged[0]})")
    return told


def _place(cache_dir: Path, source_sha256: str, weight_format: WeightFormat) -> Path:
    return cache_dir / f"{source_sha256[:16]}-{weight_format}-v{_VERSION}"


def check_space(folder: Path, num_bytes: int) -> None:
    """Raise ModelError when the disk under a folder has no room for so many bytes and a little more."""
    free = shutil.disk_usage(folder).free
    if free < num_bytes + (64 << 20):
        raise ModelError(
            f"the converted model needs {num_bytes >> 20} MB in {folder.parent}, where {free >> 20} MB are free; "
            "free some space or choose another folder"
        )


def check_shapes(source: WeightSource, specs: Iterable[TensorSpec]) -> None:
    """Raise ModelError for the first tensor that is missing or does not fit the source's configuration."""
    for spec in specs:
        for part in spec.parts:
            wanted = (part.num_rows,) if spec.num_cols is None else (part.num_rows, spec.num_cols)
            found = source.part_shape(part.name)
            if found is None:
                raise ModelError(
                    f"{source.path} has no tensor {part.name!r}; it is no whole {source.config.architecture}"
                )
            if found != wanted:
                raise ModelError(f"{source.path}: {part.name!r} is {found} where its configuration says {wanted}")


def read_in_pieces(source: WeightSource, part: Part, num_cols: int | None) -> Iterator[torch.Tensor]:
    """A part in pieces that fit memory: (rows, cols) or (rows,) float32. Raises ModelError for NaN and infinity."""
    step = max(1, _CHUNK_NUMBERS // (num_cols or 1))
    for start in range(0, part.num_rows, step):
        with untrusted(source.path):
            rows = source.read_rows(part.name, start, min(start + step, part.num_rows))
        if not math.isfinite(float(rows.abs().max())):
            raise ModelError(f"{source.path}: tensor {part.name!r} holds NaN or infinity; fetch the model again")
        yield rows


def _stored(spec: TensorSpec, weight_format: WeightFormat) -> Iterator[Stored]:
    """What one canonical tensor becomes: itself, and its row scales where it becomes int8."""
    yield Stored(spec.name, torch.float32 if spec.num_cols is None else _DTYPES[weight_format], spec.shape)
    if spec.num_cols is not None and weight_format == "int8":
        yield Stored(spec.scale_name, torch.float32, (spec.num_rows,))


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
    """Delete what earlier versions converted, which nothing reads, and what a killed conversion left.

    Of that the process is gone, and nothing was written there for ten minutes.
    """
    for old in range(1, _VERSION):
        for folder in cache_dir.glob(f"{'[0-9a-f]' * 16}-*-v{old}"):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in cache_dir.glob(f".*-v{_VERSION}.*"):
        pid = folder.name.rpartition(f"-v{_VERSION}.")[2].partition("-")[0]
        if not pid.isdigit() or psutil.pid_exists(int(pid)):
            continue  # its files come and go under our eyes
        with suppress(FileNotFoundError):  # another process that starts sweeps it too
            newest = max((path.stat().st_mtime for path in [folder, *folder.iterdir()]), default=0.0)
            if time.time() - newest > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
