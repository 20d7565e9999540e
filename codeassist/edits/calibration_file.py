"""A calibration as `codeassist eval calibrate-edits` writes it, read from the file that a model's entry names."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from codeassist.edits.gate import Calibration
from codeassist.errors import ModelError
from codeassist.json_object import read_json_object

_LARGEST = 1e6


def read_calibration(path: Path, model: str) -> Calibration:
    """Return the calibration of a model's entry. Raises ModelError for a file that is none."""
    document = read_json_object(path)
    weights = document.get("weights")
    threshold, bias = _number(document.get("threshold")), _number(document.get("bias"))
    if not isinstance(weights, dict) or threshold is None or bias is None or not 0 <= threshold <= 1:
        raise _not_one(path, model)
    found = {str(name): _number(weight) for name, weight in cast("dict[object, object]", weights).items()}
    read = {name: weight for name, weight in found.items() if weight is not None}
    if len(read) != len(found):
        raise _not_one(path, model)
    return Calibration(model, threshold, bias, read)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= _LARGEST else None


def _not_one(path: Path, model: str) -> ModelError:
    return ModelError(
        f"{path}: no calibration of next edits, which {model} names as its edit_calibration; name a calibration.json "
        "of `codeassist eval calibrate-edits`"
    )
