"""A session set up for measuring, and the machine it runs on.

Opens models for the benchmarks; reads neither host nor user names.
"""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.models.hardware import detect
from codeassist.progress import Progress
from codeassist_eval.engines.local_engine import LocalEngine


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model and what loading took. `was_converted`: this was its first use, which takes longer.

    After `load_s` it takes requests; after `packed_s`, which includes that, the last of its weights are packed.
    """

    session: Session
    load_s: float
    packed_s: float
    was_converted: bool
    num_threads: int


def open_for_bench(engine: LocalEngine, progress: Progress) -> Opened:
    """Load the model; importing torch is not counted."""
    import torch

    stages: set[str] = set()

    def note(stage: str, done: int, total: int | None) -> None:
        stages.add(stage)
        progress(stage, done, total)

    started = time.perf_counter()
    session = open_session(engine.settings, engine.model, note)
    load_s = time.perf_counter() - started
    session.engine.model.wait()
    return Opened(session, load_s, time.perf_counter() - started, bool(stages), torch.get_num_threads())


def machine() -> dict[str, Any]:
    """What of this machine decides its speed."""
    import torch

    hardware = detect()
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": hardware.num_cores,
        "extensions": list(hardware.cpu_extensions),
        "ram_bytes": hardware.ram_bytes,
        "gpu": hardware.gpu.name if hardware.gpu is not None else None,
        "torch": torch.__version__,
        "codeassist": version("codeassist-live"),
    }
