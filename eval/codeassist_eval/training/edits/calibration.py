"""The gate's calibration: a logistic regression of whether a proposal was right on what the gate sees of it.

Proposals are those of the product's stages at the sites that its finder finds, judged by what the commit did. The
threshold is the least at which proposals of repositories that were left out are right often enough; rules, whose
proposals are changes that were made before, have one of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codeassist.edits.gate import Calibration, features
from codeassist.edits.likelihood import LikelihoodSource
from codeassist.edits.pipeline import applied
from codeassist.edits.proposal import Proposal, Proposer
from codeassist.edits.site import SiteFinder
from codeassist_eval.edits.edit_task import EditTask

FEATURES = (
    "site", "place", "margin", "total", "new", "lines", "insertion", "deletion", "source token rule",
    "source line rule",
)  # fmt: skip
_RULES: tuple[str, ...] = ("token rule", "line rule")
_PENALTY = 1.0
_ROUNDS = 30
_LEAST_SHOWN = 5

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A proposal: of which task, what the gate saw of it, and whether it is one of the commit's own changes."""

    task_id: str
    repository: str
    values: Mapping[str, float]
    is_right: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What proposes and what judges: the rules and the model's proposers, and the model's likelihoods."""

    finder: SiteFinder
    rules: Sequence[Proposer]
    models: Sequence[Proposer]
    likelihoods: LikelihoodSource


def examples_of(task: EditTask, asked: Asked, most_sites: int) -> Iterator[Example]:
    """The first proposal of each proposer at the first sites of a task; the model's only where it differs."""
    for site in asked.finder.find(task.request, lambda: False)[:most_sites]:
        known: set[object] = set()
        for proposer in (*asked.rules, *asked.models):
            for proposal in list(proposer.propose(task.request, site, lambda: False))[:1]:
                if proposal.change not in known:
                    known.add(proposal.change)
                    likelihood = asked.likelihoods.of(task.request, proposal.change)
                    yield Example(
                        task.task_id, task.repository, features(proposal, likelihood), _is_right(task, proposal)
                    )


def gather(
    tasks: Sequence[EditTask], asked: Callable[[], Asked], most_sites: int, log: Path, note: Callable[[int], None]
) -> list[Example]:
    """Return the examples of all tasks; those of tasks in `log` are not asked for again."""
    done: dict[str, list[Example]] = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines():
            row: dict[str, Any] = json.loads(line)
            done[row["task_id"]] = [Example(**each) for each in row["examples"]]
    parts = asked() if any(task.task_id not in done for task in tasks) else None
    with log.open("a", encoding="utf-8") as file:
        for number, task in enumerate(tasks):
            note(number)
            if task.task_id not in done and parts is not None:
                done[task.task_id] = list(examples_of(task, parts, most_sites))
                row = {"task_id": task.task_id, "examples": [asdict(each) for each in done[task.task_id]]}
                file.write(json.dumps(row) + "\n")
                file.flush()
    return [example for task in tasks for example in done[task.task_id]]


def calibrated(examples: Sequence[Example], model: str, precision: float) -> tuple[Calibration, dict[str, Any]]:
    """Fit a calibration, and say what it does on repositories that a fit did not see."""
    seen, right = _matrix(examples), np.array([each.is_right for each in examples], dtype=np.float64)
    held_out = np.zeros(len(examples))
    for name in sorted({each.repository for each in examples}):
        mask = np.array([each.repository == name for each in examples])
        held_out[mask] = _probability(seen[mask], fitted(seen[~mask], right[~mask]))
    is_rule = np.array([any(each.values.get(f"source {name}") for name in _RULES) for each in examples])
    of_models = _threshold(held_out[~is_rule], right[~is_rule], precision)
    of_rules = _threshold(held_out[is_rule], right[is_rule], precision)
    weights = fitted(seen, right)
    shown = held_out >= np.where(is_rule, of_rules, of_models)
    figures = {
        "examples": len(examples),
        "right": int(right.sum()),
        "shown": int(shown.sum()),
        "shown_right": int((shown & (right > 0)).sum()),
        "shown_of_rules": int((shown & is_rule).sum()),
        "threshold": of_models,
    }
    named = {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights[1:], strict=True)}
    thresholds = {name: round(of_rules, 4) for name in _RULES}
    return Calibration(model, round(of_models, 4), round(float(weights[0]), 4), named, thresholds), figures


def fitted(seen: Numbers, right: Numbers) -> Numbers:
    """Logistic regression with a penalty, by Newton's method: (1 + F,), the bias first and not penalised."""
    inputs = np.hstack([np.ones((len(seen), 1)), seen])
    penalty = np.diag([1e-6, *([_PENALTY] * seen.shape[1])])
    weights = np.zeros(inputs.shape[1])
    for _ in range(_ROUNDS):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        curvature = inputs.T @ (inputs * (expected * (1 - expected))[:, None]) + penalty
        weights = weights - np.linalg.solve(curvature, inputs.T @ (expected - right) + penalty @ weights)
    return weights


def _probability(seen: Numbers, weights: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(weights[0] + seen @ weights[1:], -30, 30)))


def _threshold(probability: Numbers, right: Numbers, precision: float) -> float:
    """The least threshold from which on so many are right that are shown; over all where there is none."""
    order = np.argsort(-probability)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    fitting = [number for number in range(_LEAST_SHOWN - 1, len(order)) if share[number] >= precision]
    return float(probability[order[fitting[-1]]]) if fitting else 1.0


def _matrix(examples: Sequence[Example]) -> Numbers:
    return np.array([[each.values.get(name, 0.0) for name in FEATURES] for each in examples], dtype=np.float64)


def _is_right(task: EditTask, proposal: Proposal) -> bool:
    change = proposal.change
    before = task.request.files[change.path]
    after = applied(before, change)
    return any(each.path == change.path and applied(before, each) == after for each in task.targets)
