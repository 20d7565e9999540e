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
    threshold, bias = _number(document.get("threshold")), _number(document.get("bias"))
    weights, thresholds = _numbers(document.get("weights")), _numbers(document.get("thresholds", {}))
    if threshold is None or bias is None or weights is None or thresholds is None:
        raise _not_one(path, model)
    if not all(0 <= least <= 1 for least in (threshold, *thresholds.values())):
        raise _not_one(path, model)
    return Calibration(model, threshold, bias, weights, thresholds)


def _numbers(value: object) -> dict[str, float] | None:
    """The numbers of an object by their names; None where it is none, or holds something else."""
    if not isinstance(value, dict):
        return None
    found = {str(name): _number(each) for name, each in cast("dict[object, object]", value).items()}
    read = {name: each for name, each in found.items() if each is not None}
    return read if len(read) == len(found) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= _LARGEST else None


def _not_one(path: Path, model: str) -> ModelError:
    return ModelError(
        f"{path}: no calibration of next edits, which {model} names as its edit_calibration; name a calibration.json "
        "of `codeassist eval calibrate-edits`"
    )
