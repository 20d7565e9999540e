"""What a run was: enough to repeat it, and to refuse to mix two runs in one folder.

Reads the machine, never its name, its user or its environment.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from codeassist.models.checksums import sha256_of
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import MANIFEST, read_json, write_json

_PACKAGES = (
    "codeassist-live", "torch", "tokenizers", "transformers", "numpy", "tree-sitter", "tree-sitter-python",
    "tree-sitter-java", "tree-sitter-typescript", "tree-sitter-c-sharp", "rank-bm25", "rapidfuzz", "httpx",
)  # fmt: skip

# What must be the same for a run to go on in a folder. The rest is a record of how it came about.
_IDENTITY = (
    "benchmark", "tasks_sha256", "filter", "language", "limit", "seed", "context", "model", "model_sha256", "settings",
)  # fmt: skip


def make_manifest(
    *,
    benchmark: str,
    tasks_path: Path,
    language: str | None,
    limit: int | None,
    seed: int,
    context: str,
    model: str,
    model_sha256: str | None,
    settings: Mapping[str, Any],
    command: str,
    facts: Mapping[str, Any],
    row_filter: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a run that is about to start on this machine. `facts` need not be the same to go on."""
    return {
        "benchmark": benchmark,
        "tasks_file": tasks_path.name,
        "tasks_sha256": _sha256_of_tasks(tasks_path),
        "filter": row_filter,
        "language": language,
        "limit": limit,
        "seed": seed,
        "context": context,
        "model": model,
        "model_sha256": model_sha256,
        "settings": dict(settings),
        "command": command,
        **facts,
        "versions": _versions(),
        "machine": _machine(),
    }


def _sha256_of_tasks(path: Path) -> str:
    """The hash of a task file, or of the hashes of a folder's files."""
    if not path.is_dir():
        return sha256_of(path)
    hashes = "".join(sha256_of(file) for file in sorted(path.iterdir()) if file.is_file())
    return hashlib.sha256(hashes.encode("ascii")).hexdigest()


def claim_folder(out: Path, manifest: Mapping[str, Any]) -> None:
    """Make `out` the folder of this run, or find that it already is; raise if it holds another one."""
    path = out / MANIFEST
    if path.exists():
        earlier = read_json(path)
        differing = [key for key in _IDENTITY if earlier.get(key) != manifest[key]]
        if differing:
            key = differing[0]
            raise EvaluationError(
                f"{out} holds another run: its {key} was {earlier.get(key)}, now it is {manifest[key]}; "
                "choose another --out"
            )
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(path, manifest)
    except OSError as error:
        raise EvaluationError(f"{out}: cannot be written: {error}") from error


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": _gpu_name(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _gpu_name() -> str | None:
    """Ask torch only where a run has loaded it: importing it takes seconds."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name(0) if torch is not None and torch.cuda.is_available() else None
