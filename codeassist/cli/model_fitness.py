"""Whether a model runs here, and why not: its architecture, how its weights are stored, this machine's memory.

What a file is found to be is kept by its hash: looking into one takes a second.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from codeassist import __version__
from codeassist.errors import ModelError
from codeassist.models.hardware import Hardware
from codeassist.models.registry import InstalledModel, ModelEntry, fits, memory_needed
from codeassist.models.sources import size_text
from codeassist.progress import Progress

_FILE = "runnable.json"


def why_not_here(
    entry: ModelEntry, installed: InstalledModel | None, hardware: Hardware, cache: Path, progress: Progress
) -> str | None:
    """Return in one line why a model does not run on this machine; None where nothing is known against it."""
    if installed is not None and (why := _why_not_runnable(installed, cache, progress)) is not None:
        return why
    if entry.num_parameters is None or fits(entry.num_parameters, hardware):
        return None
    needed = size_text(int(memory_needed(entry.num_parameters, hardware)))
    if hardware.gpu is not None:
        return f"needs about {needed} of a GPU's memory, {hardware.gpu.name} has {size_text(hardware.gpu.memory_bytes)}"
    return f"needs about {needed} of memory beside everything else, of {size_text(hardware.ram_bytes)}"


def _why_not_runnable(installed: InstalledModel, cache: Path, progress: Progress) -> str | None:
    known = _read(cache / _FILE)
    found = known.get(installed.sha256)
    if found is not None and found[0] == __version__:
        return found[1]
    from codeassist.engine.loading.weights import require_runnable

    progress(f"look into {installed.name}", 0, None)
    try:
        require_runnable(installed.path)
        why = None
    except ModelError as error:
        why = str(error)
    known[installed.sha256] = (__version__, why)
    with suppress(OSError):  # a cache that cannot be written costs the next list a second
        cache.mkdir(parents=True, exist_ok=True)
        partial = cache / f".{_FILE}.{os.getpid()}"
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(cache / _FILE)
    return why


def _read(file: Path) -> dict[str, tuple[str, str | None]]:
    """By hash: the version of the program that looked, and what it found."""
    try:
        document: Any = json.loads(file.read_bytes())
        return {str(sha256): (str(version), why and str(why)) for sha256, (version, why) in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
