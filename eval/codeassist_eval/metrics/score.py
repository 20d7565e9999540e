"""The metrics of one prediction, and how they add up over many.

Strings in, numbers out. Each benchmark says in its own file which of these it uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeassist_eval.metrics.similarity import fuzz_ratio
from codeassist_eval.metrics.statement import cut_statement
from codeassist_eval.tasks.identifiers import identifiers, remove_comments
from codeassist_eval.tasks.task import Language


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How a metric's values add up to the printed number: their mean, times `scale`, with two decimals.

    The operations stand in the order of the official scripts, some of which round the mean itself first.
    """

    scale: float
    decimals_of_mean: int | None = None

    def __call__(self, values: Sequence[float]) -> float:
        """Return the printed number for at least one value."""
        mean = sum(values) / len(values)
        if self.decimals_of_mean is not None:
            mean = round(mean, self.decimals_of_mean)
        return round(mean * self.scale, 2)


PERCENT = Aggregate(100)  # of values from 0 to 1
MEAN = Aggregate(1)  # of values that are percentages already


@dataclass(frozen=True, slots=True)
class Score:
    """What one prediction is worth. `judged` is the part of it that was compared with `target`."""

    task_id: str
    judged: str
    target: str
    values: Mapping[str, float]  # by metric, in the unit that the official script averages


def aggregate(scores: Sequence[Score], aggregates: Mapping[str, Aggregate]) -> dict[str, float]:
    """Return `n` and every metric over `scores`; without scores there is nothing but `n`."""
    result: dict[str, float] = {"n": len(scores)}
    if scores:
        for name, combine in aggregates.items():
            result[name] = combine([score.values[name] for score in scores])
    return result


CROSSCODEEVAL_AGGREGATES: dict[str, Aggregate] = {
    "em": PERCENT,
    "es": MEAN,
    "id_em": PERCENT,
    "id_precision": PERCENT,
    "id_recall": PERCENT,
    "id_f1": PERCENT,
    "next_id": PERCENT,
    "line_em": PERCENT,
}


def crosscodeeval_score(task_id: str, language: Language, prompt: str, prediction: str, groundtruth: str) -> Score:
    """Score one prediction as `scripts/eval_metric.py` of amazon-science/cceval does, plus `line_em`, `next_id`."""
    judged = remove_comments(cut_statement(language, prompt, prediction))
    target = remove_comments(groundtruth)
    judged_ids = identifiers(language, judged)
    target_ids = identifiers(language, target)
    values: dict[str, float] = {
        "em": float(_stripped_lines(judged) == _stripped_lines(target)),
        "es": fuzz_ratio(judged.strip(), target.strip()),
        "id_em": float(judged_ids == target_ids),  # in order and with repetitions, unlike the three below
        "next_id": float(judged_ids[:1] == target_ids[:1]),
        "line_em": float(is_rest_of_line(prediction, groundtruth)),
    }
    return Score(task_id, judged, target, values | _identifier_match(set(judged_ids), set(target_ids)))


def is_rest_of_line(prediction: str, groundtruth: str) -> bool:
    """Whether the prediction starts with the lines of the truth: as many lines as it has, spaces around them aside."""
    lines = groundtruth.strip().split("\n")
    predicted = prediction.strip().split("\n")[: len(lines)]
    return [line.strip() for line in predicted] == [line.strip() for line in lines]


def _stripped_lines(code: str) -> list[str]:
    return [line.strip() for line in code.split("\n") if line.strip()]


def _identifier_match(predicted: set[str], wanted: set[str]) -> dict[str, float]:
    """Precision, recall and F1 of two sets. Quirk: where neither has an identifier all three are 0, not 1."""
    hits = len(predicted & wanted)
    return {
        "id_precision": hits / len(predicted) if predicted else 0.0,
        "id_recall": hits / len(wanted) if wanted else 0.0,
        "id_f1": 2 * hits / (len(predicted) + len(wanted)) if predicted or wanted else 0.0,
    }
