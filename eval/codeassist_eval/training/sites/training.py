"""Training of the three groups of trees: the order of all lines, the first ones again, whether anything is left.

The second and the third learn from scores of trees that never saw the task's repository: scores of trees that did
would look surer than they are in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from codeassist.progress import Progress, silent
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.folds import fold_of
from codeassist_eval.training.sites.boosting import Boosting, boost
from codeassist_eval.training.sites.examples import LATER, SiteExample
from codeassist_indexer.edit_sites.features import NAMES
from codeassist_indexer.edit_sites.line_table import Floats
from codeassist_indexer.edit_sites.ranker import SiteRanker, first_lines
from codeassist_indexer.edit_sites.second_look import BEST, REST, Lines, best_features, rest_features
from codeassist_indexer.edit_sites.trees import Trees

LEAST_REPOSITORIES = 4
INNER_FOLDS = 4
_MOST_OTHERS = 90
"""So many lines of a task that did not change are learned from: half those that look most as if they had to."""
_LATER_WEIGHT = 0.5
_OF_LINES = Boosting("lambdarank", 120, 0.08, 31, 40)
_OF_BEST = Boosting("binary", 100, 0.06, 15, 80)
_OF_REST = Boosting("binary", 80, 0.05, 8, 30, feature_share=0.3, ridge=20.0)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """How the three are grown, and how often something is shown where something is left: `show_rate`."""

    of_lines: Boosting = _OF_LINES
    of_best: Boosting = _OF_BEST
    of_rest: Boosting = _OF_REST
    show_rate: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Judged:
    """The first lines of a task by trees that never saw it."""

    example: SiteExample
    best: Lines
    scores: Floats
    probabilities: Floats


def train_sites(
    examples: Sequence[SiteExample], plan: SitePlan | None = None, metadata: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> SiteRanker:  # fmt: skip
    """Fit a ranker. Raises EvaluationError for examples of too few repositories, or of one kind only."""
    plan = plan if plan is not None else SitePlan()
    names = sorted({example.repository for example in examples})
    if len(names) < LEAST_REPOSITORIES or len({example.kind == "quiet" for example in examples}) < 2:
        raise EvaluationError(
            f"tasks of {len(names)} repositories are too few to learn from; draw them from at least "
            f"{LEAST_REPOSITORIES}, with tasks in which nothing is left"
        )
    fold = {
        name: number % INNER_FOLDS for number, name in enumerate(sorted(names, key=lambda name: fold_of(name, 997)))
    }
    fold_of_example = [fold[example.repository] for example in examples]
    # The last set of each is all: LightGBM leaves the interpreter free, so those of the folds grow side by side.
    sets = [[n for n, each in enumerate(fold_of_example) if each != number] for number in range(INNER_FOLDS + 1)]
    with ThreadPoolExecutor(len(sets)) as pool:
        progress("growing trees", 0, 3)
        *of_fold, of_lines = pool.map(lambda taken: _lines(plan, [examples[n] for n in taken]), sets)
        first = [
            first_lines(each.lines, of_fold[number]) for each, number in zip(examples, fold_of_example, strict=True)
        ]
        rows = [best_features(best, scores) for best, scores in first]
        labels = [_best_labels(example, best) for example, (best, _) in zip(examples, first, strict=True)]
        progress("growing trees", 1, 3)
        *of_fold, of_best = pool.map(
            lambda taken: _best(plan, [rows[n] for n in taken], [labels[n] for n in taken]), sets
        )
        judged = [
            _Judged(example, best, scores, of_fold[number].probability(of_best_rows))
            for example, number, (best, scores), of_best_rows in zip(
                examples, fold_of_example, first, rows, strict=True
            )
        ]
        progress("growing trees", 2, 3)
        *of_fold, of_rest = pool.map(lambda taken: _rest(plan, [judged[n] for n in taken]), sets)
    progress("growing trees", 3, 3)
    threshold = _threshold(judged, [of_fold[number] for number in fold_of_example], plan.show_rate)
    about = {
        **(metadata or {}), "seed": str(plan.seed), "tasks": str(len(examples)), "repositories": " ".join(names),
        "threshold": f"{threshold:.4f}",
    }  # fmt: skip
    return SiteRanker(of_lines, of_best, replace(of_rest, metadata=about))


def _lines(plan: SitePlan, examples: Sequence[SiteExample]) -> Trees:
    rng = np.random.default_rng(plan.seed)
    chosen = [(example, _sample(example, rng)) for example in examples if example.kind != "quiet"]
    return boost(
        replace(plan.of_lines, seed=plan.seed),
        np.concatenate([example.lines.features[rows] for example, rows in chosen]),
        np.concatenate([example.labels[rows] for example, rows in chosen]),
        NAMES,
        groups=[len(rows) for _, rows in chosen],
    )


def _sample(example: SiteExample, rng: np.random.Generator) -> np.ndarray:
    changed, others = np.flatnonzero(example.labels > 0), np.flatnonzero(example.labels == 0)
    if len(others) > _MOST_OTHERS:
        lines = example.lines
        worth = lines.column("gone_most") + 0.5 * lines.column("came_most") + lines.column("like_old")
        worth = (
            worth
            + lines.column("context_both")
            + 0.5 / (1 + lines.column("distance"))
            + 0.2 * lines.column("rule_around")
        )
        hard = others[np.argsort(-worth[others], kind="stable")[: _MOST_OTHERS // 2]]
        easy = rng.choice(np.setdiff1d(others, hard), _MOST_OTHERS - len(hard), replace=False)
        others = np.concatenate([hard, easy])
    return np.concatenate([changed, others])


def _best_labels(example: SiteExample, best: Lines) -> np.ndarray:
    """2 for a line on or beside what changed next, 1 on or beside what changed later, 0 for others."""
    later = [any(low - 1 <= row <= high + 1 for low, high in example.spans) for row in best.rows]
    return np.array(
        [2 * example.is_hit(int(row)) or is_later for row, is_later in zip(best.rows, later, strict=True)], np.int64
    )


def _best(plan: SitePlan, rows: Sequence[Floats], labels: Sequence[np.ndarray]) -> Trees:
    wanted = np.concatenate(labels)
    weights = np.where(wanted == LATER, _LATER_WEIGHT, 1.0).astype(np.float32)
    yes = (wanted > 0).astype(np.int64)
    return boost(replace(plan.of_best, seed=plan.seed), np.concatenate(rows), yes, BEST, weights=weights)


def _rest(plan: SitePlan, judged: Sequence[_Judged]) -> Trees:
    rows = np.concatenate([rest_features(each.best, each.scores, each.probabilities) for each in judged])
    labels = np.array([each.example.kind != "quiet" for each in judged], np.int64)
    return boost(replace(plan.of_rest, seed=plan.seed), rows, labels, REST)


def _threshold(judged: Sequence[_Judged], rest: Sequence[Trees], show_rate: float) -> float:
    """The threshold with which something is shown at a share of the tasks with something left."""
    values = [
        float(trees.probability(rest_features(each.best, each.scores, each.probabilities))[0])
        for each, trees in zip(judged, rest, strict=True)
        if each.example.kind != "quiet"
    ]
    return float(np.quantile(values, 1 - show_rate))
