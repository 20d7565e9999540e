"""The gate's calibrations: one a model, fitted on its own proposals for the dev tasks of `eval edits`."""

from __future__ import annotations

from codeassist.edits.gate import Calibration

UNCALIBRATED = Calibration(
    model="",
    threshold=0.5,
    bias=-0.5,
    weights={"place": 0.15, "margin": 0.5, "new": 0.3, "site": 1.5, "source token rule": 1.0},
)
"""For models that nobody has calibrated: weights in proportion to what was fitted for others."""

RULES_ALONE = Calibration(model="", threshold=0.5, bias=-0.5, weights={"site": 2.0})
"""Where no model is loaded."""

_CALIBRATIONS: tuple[Calibration, ...] = ()


def calibration_of(model_name: str) -> Calibration:
    """Return the calibration of a model, the uncalibrated weights for one that has none."""
    return next((each for each in _CALIBRATIONS if each.model == model_name), UNCALIBRATED)
