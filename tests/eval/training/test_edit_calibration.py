"""Calibrating the gate: what was learned from proposals, and what of them is kept for whoever asks again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.likelihood import Likelihood
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.training.edits.calibration import FEATURES, Asked, Example, calibrated, fitted, gather

SEED = 20261130
FILES = {"a.py": "f(1)\nf(2)\nf(3)\n"}


def task(number: int) -> EditTask:
    request = EditRequest("a.py", 0, (), FILES)
    targets = (LineChange("a.py", 1, ("f(2)",), ("f(2, 0)",)),)
    return EditTask(str(number), f"o/{number % 3}", "c", "python", "near", request, targets)


@dataclass
class Parts:
    """Finds all three lines; proposes the same for each, by a rule and by a model."""

    asked: list[str] = field(default_factory=list[str])
    name: str = "diff"

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        return [Site("a.py", line, line + 1, 0.5, "near", "") for line in range(3)]

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        old = FILES["a.py"].split("\n")[site.start_line]
        change = LineChange("a.py", site.start_line, (old,), (old.replace(")", ", 0)"),))
        return (Proposal(change, site, self.name),)

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        self.asked.append(change.path)
        return Likelihood(0.0, -1.0, -2.0, 1)


def test_proposals_at_the_first_sites_are_examples_and_are_kept(tmp_path: Path) -> None:
    parts = Parts()
    tasks = [task(number) for number in range(4)]
    asked = Asked(parts, (Parts(name="token rule"),), (parts,), parts)
    found = gather(tasks, lambda: asked, 2, tmp_path / "log.jsonl", lambda number: None)
    assert [each.is_right for each in found] == [False, True] * 4  # the model's are the rule's
    assert len(parts.asked) == 8 and found[0].values["source token rule"] == 1.0
    again = gather(tasks, lambda: pytest.fail("it is all there"), 2, tmp_path / "log.jsonl", lambda number: None)
    assert again == found


def test_a_calibration_shows_what_is_right_often_enough_in_repositories_that_it_did_not_see() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    examples: list[Example] = []
    for number in range(400):
        margin = rng.uniform(-4, 4)
        is_right = rng.random() < 1 / (1 + np.exp(-2 * margin))
        values = {"margin": margin, "site": rng.random(), "unknown": 9.0}
        examples.append(Example(str(number), f"o/{number % 5}", values, is_right))
    calibration, figures = calibrated(examples, "tiny", 0.8)
    assert calibration.weights["margin"] == pytest.approx(2.0, abs=0.6) and abs(calibration.weights["site"]) < 1.0
    assert figures["shown_right"] / figures["shown"] >= 0.8 and figures["shown"] > 100
    likely, unlikely = calibration.confidence({"margin": 4.0}), calibration.confidence({"margin": -4.0})
    assert likely > calibration.threshold > unlikely
    never_right = [Example("x", f"o/{n % 2}", {"margin": 1.0}, False) for n in range(20)]
    assert calibrated(never_right, "tiny", 0.6)[0].threshold == 1.0


def test_rules_have_a_threshold_of_their_own() -> None:
    """Of equally likely proposals the rule's are right, the model's are not: theirs alone are shown."""
    examples = [
        Example(f"{number}", f"o/{number % 5}", {"margin": float(number % 3), f"source {source}": 1.0}, is_right)
        for number in range(60)
        for source, is_right in (("token rule", number % 4 > 0), ("diff", number % 4 == 0))
    ]
    calibration, figures = calibrated(examples, "tiny", 0.6)
    assert calibration.least("token rule") == calibration.least("line rule") < calibration.least("diff")
    assert figures["shown_of_rules"] == 60 and figures["shown"] < 70


def test_the_fit_is_where_the_gradient_is_nothing() -> None:
    generator = np.random.default_rng(SEED)
    seen = generator.normal(size=(60, len(FEATURES)))
    right = (generator.random(60) < 0.4).astype(np.float64)
    weights = fitted(seen, right)
    expected = 1 / (1 + np.exp(-(weights[0] + seen @ weights[1:])))
    gradient = seen.T @ (expected - right) + weights[1:]
    assert np.abs(gradient).max() < 1e-6 and abs((expected - right).sum()) < 1e-3
