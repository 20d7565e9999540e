"""A converted model on disk: the manifest that proves it whole, and its tensors, memory-mapped.

What is here was written by `weights.prepare` in canonical names.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open

from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.errors import ModelError

WeightFormat = Literal["int8", "bf16", "float32"]

WEIGHTS_NAME = "weights.safetensors"
CONFIG_NAME = "config.json"
MANIFEST_NAME = "manifest.json"


class Weights:
    """The tensors of one converted folder. Nothing is read before it is asked for; pages come from the file's map.

    Matrices are int8 with a float32 row scale each (`X.scale` for `X.weight`, `embed.scale`, `head.scale`), or bf16, or
    float32; norm weights and biases are float32. See tensor_layout for names and shapes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = ModelConfig.from_json(_read_json(path / CONFIG_NAME))
        self._file: Any = self._map()
        self._names: frozenset[str] = frozenset(self._file.keys())

    @property
    def names(self) -> frozenset[str]:
        """Every tensor's name, the scales' included."""
        return self._names

    def get(self, name: str) -> torch.Tensor:
        """One tensor, a view of the mapped file: never write into it. Raises KeyError for a name not in `names`."""
        if name not in self._names:
            raise KeyError(name)
        return self._file.get_tensor(name)

    def remap(self) -> None:
        """Map the file anew: pages read so far leave memory once the tensors that were handed out are gone."""
        self._file = self._map()

    def _map(self) -> Any:
        try:
            return safe_open(self.path / WEIGHTS_NAME, framework="pt")
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"{self.path / WEIGHTS_NAME} is damaged ({error}); delete its folder and start again"
            ) from error


def open_weights(path: Path) -> Weights:
    """Open what `prepare` returned. Raises ModelError for a damaged folder."""
    return Weights(path)


def write_manifest(folder: Path, source_sha256: str, weight_format: WeightFormat, checksums: Mapping[str, int]) -> None:
    """Record what `is_whole` and `damaged_tensors` compare.

    That is the source, each file's size and digest (of the weights: their header's), and each tensor's CRC-32.
    """
    files = {path.name: _fingerprint(path) for path in sorted(folder.iterdir())}
    manifest = {"source_sha256": source_sha256, "format": weight_format, "files": files, "tensors": dict(checksums)}
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def is_whole(folder: Path, source_sha256: str, weight_format: WeightFormat) -> bool:
    """Whether a folder is the finished conversion of this source: nothing missing, cut short or overwritten.

    The weights' numbers are not read here: `damaged_tensors` reads them.
    """
    try:
        manifest = _read_json(folder / MANIFEST_NAME)
        files: Mapping[str, Any] = manifest["files"]
        return (
            manifest["source_sha256"] == source_sha256
            and manifest["format"] == weight_format
            and {WEIGHTS_NAME, CONFIG_NAME} <= set(files)
            and "tensors" in manifest
            and all(Path(name).name == name and _fingerprint(folder / name) == seen for name, seen in files.items())
        )
    except (OSError, ModelError, KeyError, TypeError, AttributeError, struct.error):
        return False


def damaged_tensors(folder: Path) -> list[str]:
    """Return the tensors of a whole folder whose bytes are not those that were written. Reads all of them."""
    expected: Mapping[str, int] = _read_json(folder / MANIFEST_NAME)["tensors"]
    weights = open_weights(folder)
    names = sorted(weights.names)
    with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as pool:  # zlib computes without Python's lock
        found: Iterator[int] = pool.map(_checksum, map(weights.get, names))
        return [name for name, checksum in zip(names, found, strict=True) if checksum != expected.get(name)]


def _checksum(tensor: torch.Tensor) -> int:
    return zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data)


def _fingerprint(path: Path) -> list[Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        if path.name == WEIGHTS_NAME:
            head = file.read(8)
            head += file.read(min(struct.unpack("<Q", head)[0], size))
            return [size, hashlib.sha256(head).hexdigest()]
        return [size, hashlib.file_digest(file, "sha256").hexdigest()]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}; delete its folder and start again") from error
