"""A ranker of lines trained on all tasks, and figures of rankers that never saw the repositories they are judged on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from codeassist.progress import Progress
from codeassist_eval.tasks.folds import fold_of
from codeassist_eval.training.sites.examples import SiteExample
from codeassist_eval.training.sites.training import LEAST_REPOSITORIES, SitePlan, train_sites
from codeassist_indexer.edit_sites.ranker import Judgement, SiteRanker

OUTER_FOLDS = 3
_TOPS = (1, 3, 10)


def cross_validate(examples: Sequence[SiteExample], plan: SitePlan, progress: Progress) -> dict[str, Any]:
    """Return the figures over all tasks, each judged by a ranker that never saw its repository; {} where there are too
    few repositories for that."""
    judged: list[tuple[SiteExample, Judgement]] = []
    thresholds: list[float] = []
    for fold in range(OUTER_FOLDS):
        others = [example for example in examples if fold_of(example.repository, OUTER_FOLDS) != fold]
        mine = [example for example in examples if fold_of(example.repository, OUTER_FOLDS) == fold]
        if len({example.repository for example in others}) < LEAST_REPOSITORIES or not mine:
            continue
        ranker = train_sites(others, plan, progress=progress)
        judged += [(example, ranker.judge(example.lines)) for example in mine]
        thresholds += [ranker.threshold] * len(mine)
    return figures(judged, thresholds) if judged else {}


def judge_all(examples: Sequence[SiteExample], ranker: SiteRanker) -> dict[str, Any]:
    """Return the figures of one ranker."""
    return figures([(example, ranker.judge(example.lines)) for example in examples], [ranker.threshold] * len(examples))


def figures(judged: Sequence[tuple[SiteExample, Judgement]], thresholds: Sequence[float]) -> dict[str, Any]:
    """Return hits at 1, 3 and 10 by kind and in the same file, and how often something is shown, in percent.

    A hit is a line on or beside what changed next; of lines next to each other only the first counts.
    """
    hits = {example.task_id: _first_hit(example, judgement) for example, judgement in judged if example.spans}
    groups = {
        "near": ("near",), "far": ("far",), "same_file": ("near", "far"), "other_file": ("other_file",),
    }  # fmt: skip
    found: dict[str, Any] = {"tasks": len(judged)}
    for name, kinds in groups.items():
        ranks = [hits[example.task_id] for example, _ in judged if example.kind in kinds]
        if ranks:
            found[name] = {"tasks": len(ranks)} | {
                f"hit{top}": 100 * fmean(rank is not None and rank < top for rank in ranks) for top in _TOPS
            }
    is_shown = [judgement.rest >= least for (_, judgement), least in zip(judged, thresholds, strict=True)]
    is_quiet = [example.kind == "quiet" for example, _ in judged]
    rest = np.array([judgement.rest for _, judgement in judged])
    if any(is_quiet) and not all(is_quiet):
        quiet = np.array(is_quiet)
        half = float(np.median(rest[~quiet]))
        found["quiet_rate"] = 100 * (1 - fmean(shown for shown, no in zip(is_shown, is_quiet, strict=True) if no))
        found["show_rate"] = 100 * fmean(shown for shown, no in zip(is_shown, is_quiet, strict=True) if not no)
        found["quiet_rate_where_half_is_shown"] = 100 * float(np.mean(rest[quiet] < half))
        found["show_rate_where_nine_in_ten_are_quiet"] = 100 * float(
            np.mean(rest[~quiet] > np.quantile(rest[quiet], 0.9))
        )
    return found


def _first_hit(example: SiteExample, judgement: Judgement) -> int | None:
    """The place of the first hit among lines that are not next to each other, from 0."""
    seen: list[int] = []
    for row in judgement.lines.rows:
        if any(abs(int(row) - other) <= 1 for other in seen):
            continue
        if example.is_hit(int(row)):
            return len(seen)
        seen.append(int(row))
    return None


def about_tasks(examples: Sequence[SiteExample]) -> Mapping[str, int]:
    """Return how many tasks there are of each repository."""
    names = [example.repository for example in examples]
    return {name: names.count(name) for name in sorted(set(names))}
