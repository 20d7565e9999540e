"""Where the benchmark data of the tests stands, if it is there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE_CHECKOUT = Path(__file__).parents[3] / "shared" / "bench"


def bench_file(name: str) -> Path:
    """Return a file of the benchmark data, or skip the test."""
    folder = Path(os.environ.get("CODEASSIST_BENCH", _BESIDE_CHECKOUT))
    path = folder / name
    if not path.exists():
        pytest.skip(f"no {name} in {folder}; set CODEASSIST_BENCH to the folder of the benchmark data")
    return path
