"""What rewards say by themselves: how often candidates help and harm, by source, and what the best would bring.

Records in, figures out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from rich.table import Table

from codeassist.terminal.screen import Screen
from codeassist_eval.training.rewards.reward import Rewarded, RewardRecord

Label = Literal["positive", "neutral", "negative"]

POSITIVE_NATS = 0.5
NEGATIVE_NATS = -0.25
"""Where CodeFilter's three labels end. Less than this is noise of where a prompt's words stand."""


def label(reward: float) -> Label:
    """The label of a reward in nats."""
    if reward > POSITIVE_NATS:
        return "positive"
    return "negative" if reward < NEGATIVE_NATS else "neutral"


_TOKENS_BEFORE = 16
_BEFORE_NATS = (-1.0, 0.0, 1.0, 2.0)


def change_before(record: RewardRecord, rewarded: Rewarded) -> float:
    """Return what a candidate adds to the log-likelihood of the last 16 tokens before the cursor, in nats.

    They are known in advance, so that anybody may ask for this, who need not know what comes.
    """
    with_it, alone = (each.before[-_TOKENS_BEFORE:] for each in (rewarded.likelihoods, record.likelihoods))
    return sum(with_it) - sum(alone)


def reward_figures(records: Sequence[RewardRecord]) -> dict[str, Any]:
    """Return shares of labels in percent and mean rewards in nats: of all candidates, by source, of the best, and by
    what they add to the likelihood of what stands before the cursor."""
    everything = [each for record in records for each in record.candidates]
    by_source: dict[str, list[Rewarded]] = defaultdict(list)
    for each in everything:
        for found in each.candidate.found:
            by_source[found.source].append(each)
    found = [record for record in records if record.candidates]
    best = [max(each.reward for each in record.candidates) for record in found]
    first = [record.candidates[0].reward for record in found]
    return {
        "tasks": len(records),
        "tasks_with_candidates": len(found),
        "logprob_mean": fmean(record.logprob for record in records) if records else None,
        "all": _labels(everything),
        "by_source": {source: _labels(each) for source, each in sorted(by_source.items())},
        "by_change_before": _by_change_before(records),
        "best_of_task_mean": fmean(best) if best else None,
        "first_of_task_mean": fmean(first) if first else None,
        "tasks_without_positive_percent": _percent(sum(each <= POSITIVE_NATS for each in best), len(best)),
    }


def print_rewards(document: Mapping[str, Any], out: Path) -> None:
    """Print the figures as a table."""
    table = Table("", "candidates", "positive", "neutral", "negative", "reward, mean, nats")
    for column in table.columns[1:]:
        column.justify = "right"
    before = {f"before the cursor {name}": each for name, each in document["by_change_before"].items()}
    for name, each in (("all", document["all"]), *document["by_source"].items(), *before.items()):
        if each["candidates"]:
            shares = (f"{each[kind]:.0f} %" for kind in ("positive", "neutral", "negative"))
            table.add_row(name, str(each["candidates"]), *shares, f"{each['reward_mean']:+.2f}")
    console = Screen()
    console.print(table)
    if document["tasks_with_candidates"]:
        best, first = document["best_of_task_mean"], document["first_of_task_mean"]
        none = document["tasks_without_positive_percent"]
        console.print(
            f"{document['tasks']} tasks; the best candidate brings {best:+.2f} nats, the first found {first:+.2f}; "
            f"{none:.0f} % have none that helps. {out}",
        )


def _by_change_before(records: Sequence[RewardRecord]) -> dict[str, Any]:
    """Return the labels of candidates by what they add before the cursor, in ranges of nats with their lower end."""
    names = [f"below {_BEFORE_NATS[0]:+g}", *(f"from {start:+g}" for start in _BEFORE_NATS)]
    found: list[list[Rewarded]] = [[] for _ in names]
    for record in records:
        for each in record.candidates:
            found[bisect_right(_BEFORE_NATS, change_before(record, each))].append(each)
    return {name: _labels(each) for name, each in zip(names, found, strict=True)}


def _labels(rewarded: Sequence[Rewarded]) -> dict[str, Any]:
    labels = [label(each.reward) for each in rewarded]
    shares = {kind: _percent(labels.count(kind), len(labels)) for kind in ("positive", "neutral", "negative")}
    return {
        "candidates": len(rewarded),
        **shares,
        "reward_mean": fmean(each.reward for each in rewarded) if rewarded else None,
    }


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
