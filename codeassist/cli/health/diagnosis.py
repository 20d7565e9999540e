"""What `codeassist doctor` finds out: hardware, PyTorch, model, index, settings, and what to do about each problem.

A part that fails becomes a problem, and the others are still looked at.
"""

from __future__ import annotations

import dataclasses
import platform
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist import __version__
from codeassist.cli.sessions.repository import find_root, open_store
from codeassist.errors import CodeAssistError, ModelError
from codeassist.models.hardware import Hardware, detect, torch_build, torch_problem
from codeassist.models.model_choice import find_model
from codeassist.models.registry import InstalledModel, find_entry, models_folder, suggest_for, verify
from codeassist.models.sources import describe, size_text
from codeassist.progress import Progress
from codeassist.settings import RULES, Resolved, Settings, salvage
from codeassist.settings.assignments import parse_assignments

_TRIED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Facts by section, ready for people and for JSON, and the problems, each with what to do."""

    sections: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...]


def diagnose(folder: Path, assignments: tuple[str, ...], progress: Progress) -> Diagnosis:
    """Look at everything. Raises nothing that a user can cause."""
    root = find_root(folder)
    resolved = salvage(root, parse_assignments(assignments))
    problems = list(resolved.problems)
    settings = resolved.settings
    hardware = detect(settings.places.cache, again=True)
    sections = {
        "program": _program(settings, problems),
        "hardware": _hardware(hardware),
        "torch": _torch(hardware, settings, problems, progress),
        "model": _model(settings, hardware, problems, progress),
        "index": _index(root, settings, problems),
        "settings": _settings(resolved),
    }
    return Diagnosis(sections, tuple(problems))


def _program(settings: Settings, problems: list[str]) -> dict[str, Any]:
    for folder in (settings.places.cache, settings.places.data):
        problem = _writing_problem(folder)
        if problem is not None:
            problems.append(problem)
    return {
        "codeassist": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": platform.platform(),
        "settings file": settings.places.config_file,
        "data folder": settings.places.data,
        "cache folder": settings.places.cache,
    }


def _hardware(hardware: Hardware) -> dict[str, Any]:
    gpu, speed = hardware.gpu, hardware.speed
    return {
        "cores": hardware.num_cores,
        "memory": size_text(hardware.ram_bytes),
        "extensions": ", ".join(hardware.cpu_extensions) or "none known",
        "gpu": f"{gpu.name}, {size_text(gpu.memory_bytes)}" if gpu else "none",
        **(
            {}
            if speed is None
            else {"speed": f"reads {speed.bytes_per_s / 1e9:.0f} GB/s, {speed.flops / 1e9:.0f} GFLOPS"}
        ),
    }


def _torch(hardware: Hardware, settings: Settings, problems: list[str], progress: Progress) -> dict[str, Any]:
    progress("import PyTorch", 0, None)
    try:
        build = torch_build()
    except ModelError as error:
        problems.append(str(error))
        return {"version": "broken"}
    problem = torch_problem(hardware.gpu, build)
    if problem is not None:
        problems.append(problem)
    if build is None:
        return {"version": "none"}
    facts = {"version": build.version, "cuda": build.cuda or "none, a CPU build", "sees a GPU": build.sees_gpu}
    if build.cuda is not None and hardware.gpu is None:
        facts["note"] = (
            "no GPU is here: the CPU build does the same and takes gigabytes less (`codeassist docs install`)"
        )
    return facts if build.sees_gpu else facts | {"int8 kernels": _kernels(settings)}


def _kernels(settings: Settings) -> str:
    """What multiplies int8 weights on this processor, and what that was chosen by."""
    from codeassist.engine.layers.int8_products import INT8_PRODUCTS
    from codeassist.engine.layers.kernel_choice import fastest, known_figures

    figures = known_figures(settings.places.cache / "weights")
    if figures is None:
        runnable = [product.name for product in INT8_PRODUCTS if product.can_run()]
        return f"{' and '.join(runnable) or 'none'}, measured when a model is first loaded"
    compared = "; ".join(
        f"{name} " + ", ".join(f"{ms:.2f}" for ms in by_rows.values()) + f" ms for {', '.join(by_rows)} rows"
        for name, by_rows in figures.items()
    )
    return f"{fastest(figures).name} ({compared}, of one large matrix)"


def _model(settings: Settings, hardware: Hardware, problems: list[str], progress: Progress) -> dict[str, Any]:
    facts: dict[str, Any] = {"wanted": settings.model.name, "folder": models_folder(settings)}
    try:
        facts["fits this machine"] = suggest_for(hardware, settings).name
        installed, notices = find_model(settings, progress)
        facts |= {"in use": installed.name, "path": installed.path, "sha256": installed.sha256}
        facts["source"] = describe(find_entry(installed.name, settings).source)
        if notices:
            facts["note"] = "; ".join(notices)
        if verify(find_entry(installed.name, settings), settings, progress) is None:
            raise ModelError(f"{installed.name}: disappeared while it was verified; run doctor again")
        facts["state"] = "verified"
        problems += _weights_problems(installed, settings, progress)
    except CodeAssistError as error:
        facts["state"] = "not usable"
        problems.append(str(error))
    return facts


def _weights_problems(installed: InstalledModel, settings: Settings, progress: Progress) -> list[str]:
    """Raise ModelError for a model that cannot run; drop its conversions that a disk has changed, and say so."""
    try:
        from codeassist.engine.loading.weights import drop_damaged, require_runnable
    except (ImportError, OSError):  # without PyTorch, which is a problem of its own
        return []
    progress("look into the model", 0, None)
    require_runnable(installed.path)
    dropped = drop_damaged(settings.places.cache / "weights", installed.sha256)
    return [f"{damage}; they were deleted, the next start converts the model anew" for damage in dropped]


def _index(root: Path | None, settings: Settings, problems: list[str]) -> dict[str, Any]:
    if root is None:
        return {"repository": "none around this folder"}
    from codeassist_indexer.ingest.watch import watching_problem

    store = open_store(root, settings)
    facts: dict[str, Any] = {"repository": root, "database": store.path}
    unwatched = watching_problem(root)
    facts["changes"] = "are followed while an editor works here" if unwatched is None else "are not followed"
    found = [unwatched, _writing_problem(settings.places.cache) or _writing_problem(store.path.parent)]
    problems += [problem for problem in found if problem is not None and problem not in problems]
    if not store.path.exists():
        return facts | {"state": "not indexed yet (the first completion does it, or `codeassist index`)"}
    try:
        with closing(store):
            store.check()
            counts = store.counts()
    except CodeAssistError as error:
        problems.append(f"{error}; `codeassist index --rebuild` makes it anew")
        return facts | {"state": "broken"}
    return facts | {
        "files": counts.num_files,
        "symbols": counts.num_symbols,
        "chunks": counts.num_chunks,
        "size": size_text(counts.num_bytes),
    }


def _writing_problem(folder: Path) -> str | None:
    """Say why nothing can be kept in a folder, or in what it would be made in."""
    place = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror}): make it writable, free space, or set CODEASSIST_HOME"
    return None


def _settings(resolved: Resolved) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, origin in resolved.origins.items():
        section, _, name = key.partition(".")
        owner = getattr(resolved.settings, section)
        value = owner[name] if section == "models" else getattr(owner, name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {name: str(part) for name, part in dataclasses.asdict(value).items() if part is not None}
        word = RULES[key].kind.none_word if key in RULES else None
        facts[key] = {"value": word if value is None else value, "origin": origin}
    return facts
