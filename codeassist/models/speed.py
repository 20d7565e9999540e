"""How fast this machine's processor reads memory and multiplies: measured once, when it has nothing else to do.

A decoded token reads every weight once, a prompt's tokens are products of matrices: the two say beforehand how fast a
model of a size completes. What a GPU does is not measured: there its memory decides.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

_ROWS = 8192  # a matrix of 256 MiB: no cache holds it
_SIDE = 1024
_TIMES = 5
_FILE = "speed.json"


@dataclass(frozen=True, slots=True)
class Speed:
    """`bytes_per_s`: what all cores together read; `flops`: float32 operations a second of a product of matrices."""

    bytes_per_s: float
    flops: float

    def token_ms(self, num_bytes: float) -> float:
        """How long weights of so many bytes take to be read once, as for each decoded token."""
        return num_bytes / self.bytes_per_s * 1e3

    def reading_ms(self, num_parameters: float, num_tokens: int) -> float:
        """How long so many tokens of a prompt take at most: products of int8 are no slower than those of float32."""
        return 2 * num_parameters * num_tokens / self.flops * 1e3


def measured(cache: Path, *, again: bool = False) -> Speed | None:
    """Return what was measured on this machine, measuring it first unless that is done; None on a busy one.

    `again`: measure in any case and keep the better figures, but none of a busy machine: it is slower than it can be.
    """
    file, machine = cache / _FILE, f"{platform.node()} {platform.machine()} {os.cpu_count()}"
    known = _read(file, machine)
    if known is not None and not again:
        return known
    if is_busy() and not again:
        return None
    found = measure()
    if known is not None:
        found = Speed(max(found.bytes_per_s, known.bytes_per_s), max(found.flops, known.flops))
    if is_busy():
        return found
    with suppress(OSError):  # a cache that cannot be written costs the next start another measurement
        cache.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{_FILE}.{os.getpid()}")
        partial.write_text(json.dumps({"machine": machine} | asdict(found)), encoding="utf-8")
        partial.replace(file)
    return found


def is_busy() -> bool:
    """Whether more runs than there are cores, in the last minute."""
    return psutil.getloadavg()[0] > (os.cpu_count() or 1)


def measure() -> Speed:
    """Measure, the best of a few times."""
    import numpy as np

    large, vector = np.ones((_ROWS, _ROWS), np.float32), np.ones(_ROWS, np.float32)
    square = np.ones((_SIDE, _SIDE), np.float32)

    def best(left: Any, right: Any) -> float:
        seconds: list[float] = []
        for _ in range(_TIMES):
            started = perf_counter()
            np.matmul(left, right)
            seconds.append(perf_counter() - started)
        return min(seconds)

    return Speed(large.nbytes / best(large, vector), 2 * _SIDE**3 / best(square, square))


def _read(file: Path, machine: str) -> Speed | None:
    try:
        document: Any = json.loads(file.read_bytes())
        if document["machine"] == machine and min(document["bytes_per_s"], document["flops"]) > 0:
            return Speed(float(document["bytes_per_s"]), float(document["flops"]))
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None
