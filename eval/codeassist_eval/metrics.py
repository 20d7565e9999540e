"""The metrics of one prediction, and how they add up over many.

Knows no files and no models: strings in, numbers out. Each benchmark says in its own file which of these it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from codeassist_eval.identifiers import identifiers, remove_comments
from codeassist_eval.similarity import fuzz_ratio
from codeassist_eval.statement import Language, cut_statement

Aggregate = Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True)
class Score:
    """What one prediction is worth. `judged` is the part of it that was compared with `target`."""

    task_id: str
    judged: str
    target: str
    values: Mapping[str, float]  # by metric, in the unit that the official script averages


def percent_of_mean(values: Sequence[float]) -> float:
    """Return the mean as a percentage with two decimals, rounded in the order of the official CrossCodeEval script."""
    return round(sum(values) / len(values) * 100, 2)


def mean(values: Sequence[float]) -> float:
    """Return the mean with two decimals."""
    return round(sum(values) / len(values), 2)


def aggregate(scores: Sequence[Score], aggregates: Mapping[str, Aggregate]) -> dict[str, float]:
    """Return `n` and every metric over `scores`; without scores there is nothing but `n`."""
    result: dict[str, float] = {"n": len(scores)}
    if scores:
        for name, combine in aggregates.items():
            result[name] = combine([score.values[name] for score in scores])
    return result


CROSSCODEEVAL_AGGREGATES: dict[str, Aggregate] = {
    "em": percent_of_mean,
    "es": mean,
    "id_em": percent_of_mean,
    "id_precision": percent_of_mean,
    "id_recall": percent_of_mean,
    "id_f1": percent_of_mean,
    "line_em": percent_of_mean,
}


def crosscodeeval_score(task_id: str, language: Language, prompt: str, prediction: str, groundtruth: str) -> Score:
    """Score one prediction as `scripts/eval_metric.py` of amazon-science/cceval does, plus our own `line_em`."""
    judged = remove_comments(cut_statement(language, prompt, prediction))
    target = remove_comments(groundtruth)
    judged_ids = identifiers(language, judged)
    target_ids = identifiers(language, target)
    values: dict[str, float] = {
        "em": float(_stripped_lines(judged) == _stripped_lines(target)),
        "es": fuzz_ratio(judged.strip(), target.strip()),
        "id_em": float(judged_ids == target_ids),  # in order and with repetitions, unlike the three below
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
