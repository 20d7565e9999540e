"""Adapters that come with the program, each in a folder that is named after the model it was trained on.

`adapter.safetensors` is a file of `codeassist eval train-edits`, `calibration.json` one of `eval calibrate-edits`;
docs/next-edit.md says what they learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDERS = {
    # Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, as Qwen published it
    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32": "qwen2.5-coder-0.5b-instruct",
}
"""By the SHA-256 of the model's file."""


@dataclass(frozen=True, slots=True)
class ShippedAdapter:
    """Low-rank changes to a model that make it good at next edits, and the gate's calibration that goes with them."""

    adapter: Path
    calibration: Path


def shipped_adapter(model_sha256: str) -> ShippedAdapter | None:
    """Return the adapter that was trained on this very model, None where there is none."""
    name = _FOLDERS.get(model_sha256)
    if name is None:
        return None
    folder = Path(__file__).parent / name
    return ShippedAdapter(folder / "adapter.safetensors", folder / "calibration.json")
