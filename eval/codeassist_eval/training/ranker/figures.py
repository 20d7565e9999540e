"""How good an order of candidates is, by their measured rewards: what the first bring, how many of those shown harm,
and whether nothing is shown where nothing helps.

An order is a function of an example. Orders are compared over the same examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.table import Table

from codeassist.terminal.screen import Screen
from codeassist_eval.training.ranker.examples import Example
from codeassist_eval.training.rewards.reward_figures import POSITIVE_NATS, label
from codeassist_indexer.retrieval.ranking.features import NAMES
from codeassist_indexer.retrieval.ranking.ranker import Ranker
from codeassist_indexer.retrieval.ranking.selection import Rules, select

Order = Callable[[Example], Sequence[int]]
"""The numbers of the candidates that are shown, the best first."""

_TOPS = (1, 3, 5)


def bm25_order(example: Example) -> list[int]:
    """Return what BM25 found among the scored candidates, in its order."""
    ranks = {number: found.rank for number, each in enumerate(example.candidates) if (found := each.by("bm25"))}
    return sorted(ranks, key=ranks.__getitem__)


def definitions_order(example: Example) -> list[int]:
    """Return the definitions among the scored candidates, in the order in which they were found."""
    return [number for number, each in enumerate(example.candidates) if each.form == "skeleton"]


def alike_order(example: Example) -> list[int]:
    """Return all, those first whose vectors fit what stands around the cursor best: for rows with similarities."""
    values = example.rows[:, NAMES.index("similarity")]
    return sorted(range(len(values)), key=lambda number: -float(values[number]))


def found_order(example: Example) -> list[int]:
    """Return all, in the order in which they were found."""
    return list(range(len(example.rewards)))


def best_order(example: Example) -> list[int]:
    """Return those that help, the best first: what a ranker that knew everything would show."""
    order = sorted(range(len(example.rewards)), key=lambda number: -float(example.rewards[number]))
    return [number for number in order if example.rewards[number] > 0]


def gain_order(ranker: Ranker) -> Order:
    """Return the order of all by expected gain: the ranker without filter and stop."""

    def order(example: Example) -> list[int]:
        if not len(example.rewards):
            return []
        gains = ranker.judge(example.rows).gains
        return sorted(range(len(gains)), key=lambda number: -float(gains[number]))

    return order


def chosen_order(ranker: Ranker, max_chars: int, rules: Rules | None = None) -> Order:
    """Return what is chosen for a budget: filtered, without near-copies, possibly nothing."""

    def order(example: Example) -> list[int]:
        if not len(example.rewards):
            return []
        candidates = example.candidates
        places = {(each.snippet.path, each.snippet.start_line, each.form): n for n, each in enumerate(candidates)}
        forms = {"definition": "skeleton"}
        chosen = select(candidates, ranker.judge(example.rows), max_chars, rules)
        return [
            places[each.snippet.path, each.snippet.start_line, forms.get(each.snippet.source, "lines")]
            for each in chosen
        ]

    return order


def order_figures(examples: Sequence[Example], order: Order) -> dict[str, Any]:
    """Return the figures of one order over at least one example with candidates.

    reward_top_K: mean reward, in nats, of the first K that are shown; a task that shows none counts 0.
    best_shown: mean of the best reward among the first five, 0 if none is shown. harmful_percent: of the first five
    shown. stopped_percent: of the tasks where no candidate helps, in how many nothing is shown; lost_percent: of
    those where one does.
    """
    shown = [(example, list(order(example))[:5]) for example in examples if len(example.rewards)]
    labels = [label(float(example.rewards[number])) for example, numbers in shown for number in numbers]
    useless = [not numbers for example, numbers in shown if float(example.rewards.max()) <= POSITIVE_NATS]
    useful = [not numbers for example, numbers in shown if float(example.rewards.max()) > POSITIVE_NATS]
    tops = {
        f"reward_top_{top}": fmean(
            fmean(float(example.rewards[number]) for number in numbers[:top]) if numbers else 0.0
            for example, numbers in shown
        )
        for top in _TOPS
    }
    return {
        "tasks": len(shown),
        **tops,
        "best_shown": fmean(max([0.0, *(float(ex.rewards[n]) for n in numbers)]) for ex, numbers in shown),
        "shown_mean": fmean(len(numbers) for _, numbers in shown),
        "positive_percent": _percent(labels.count("positive"), len(labels)),
        "harmful_percent": _percent(labels.count("negative"), len(labels)),
        "stopped_percent": _percent(sum(useless), len(useless)),
        "lost_percent": _percent(sum(useful), len(useful)),
    }


def worth_of_order(example: Example, order: Order) -> float:
    """Return what an order's first five bring to one task, in nats: their mean reward, 0 where none is shown."""
    numbers = list(order(example))[:5]
    return fmean(float(example.rewards[number]) for number in numbers) if numbers else 0.0


def print_orders(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print orders side by side, a figure a line."""
    table = Table("", *figures)
    for column in table.columns[1:]:
        column.justify = "right"
    for what, (key, places) in _LINES.items():
        values = [each[key] for each in figures.values()]
        table.add_row(what, *("" if value is None else f"{value:.{places}f}" for value in values))
    Screen().print(table)


_LINES = {
    "reward of the first, nats": ("reward_top_1", 2),
    "of the first three": ("reward_top_3", 2),
    "of the first five": ("reward_top_5", 2),
    "of the best of five": ("best_shown", 2),
    "snippets shown": ("shown_mean", 2),
    "of these help, %": ("positive_percent", 0),
    "harm, %": ("harmful_percent", 0),
    "nothing shown, % where none helps": ("stopped_percent", 0),
    "% where one does": ("lost_percent", 0),
}


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
