"""A ranker trained on all there is, and one for each fold, judged on the repositories that it never saw.

What it writes into its folder is what `Rankers` reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.progress import Progress
from codeassist_eval.contexts.rankers import WHOLE, fold_name
from codeassist_eval.tasks.folds import NUM_FOLDS, fold_of
from codeassist_eval.training.ranker.examples import Example
from codeassist_eval.training.ranker.figures import (
    Order,
    alike_order,
    best_order,
    bm25_order,
    chosen_order,
    definitions_order,
    found_order,
    gain_order,
    order_figures,
)
from codeassist_eval.training.ranker.training import TrainingPlan, train_ranker
from codeassist_indexer.retrieval.ranking.ranker import Ranker, load_ranker, rules_of
from codeassist_indexer.retrieval.ranking.selection import Rules

_WHOLE_CHARS, _HALF_CHARS = 4096, 2048  # what snippets get of prompts of 2,048 and 1,024 tokens


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned from: measured and guessed examples, and the encoders of the folds, the one of all last.

    Without encoders similarities are not used.
    """

    measured: Sequence[Example]
    guessed: Sequence[Example]
    encoder_identities: tuple[str, ...] = ()

    def of(self, examples: Sequence[Example], fold: int | None, is_wanted: Callable[[str], bool]) -> list[Example]:
        """Return the examples of wanted repositories as the encoder that never saw a fold sees them."""
        wanted = [example for example in examples if is_wanted(example.repository)]
        if not self.encoder_identities:
            return wanted
        encoder = NUM_FOLDS if fold is None else fold
        return [example.seen_by(encoder) for example in wanted]

    def metadata(self, fold: int | None) -> dict[str, str]:
        """Return what the file of a fold's ranker says of its encoder."""
        if not self.encoder_identities:
            return {}
        return {"encoder": self.encoder_identities[NUM_FOLDS if fold is None else fold]}


def train_folds(
    material: Material, plan: TrainingPlan, about: Mapping[str, str], out: Path, progress: Progress
) -> dict[str, Any]:
    """Train and write `ranker.safetensors` and each fold's, and return the figures of the orders on held-out tasks."""
    held_out: list[tuple[Example, Ranker]] = []
    for fold in range(NUM_FOLDS):
        progress("training for fold", fold, NUM_FOLDS + 1)
        ranker = _train(material, fold, plan, about)
        ranker.save(out / fold_name(fold))
        tested = material.of(material.measured, fold, lambda name, fold=fold: fold_of(name) == fold)
        held_out += [(example, ranker) for example in tested]
    progress("training for fold", NUM_FOLDS, NUM_FOLDS + 1)
    whole = _train(material, None, plan, about)
    whole.save(out / WHOLE)
    progress("training for fold", NUM_FOLDS + 1, NUM_FOLDS + 1)
    orders = _orders(held_out, rules_of(whole).stop_gain, bool(material.encoder_identities))
    examples = [example for example, _ in held_out]
    return {
        "tasks": len(examples),
        "repositories": len({example.repository for example in examples}),
        "guessed_tasks": len(material.guessed),
        "orders": {name: order_figures(examples, order) for name, order in orders.items()},
    }


def _train(material: Material, fold: int | None, plan: TrainingPlan, about: Mapping[str, str]) -> Ranker:
    def is_wanted(repository: str) -> bool:
        return fold is None or fold_of(repository) != fold

    measured = material.of(material.measured, fold, is_wanted)
    guessed = material.of(material.guessed, fold, is_wanted)
    return train_ranker(measured, guessed, plan, {**about, **material.metadata(fold)})


def _orders(held_out: Sequence[tuple[Example, Ranker]], stop_gain: float, has_similarities: bool) -> dict[str, Order]:
    """Return what there is to compare, each with one thing more than the one before it, within a prompt's budget."""
    rankers = {id(example): ranker for example, ranker in held_out}

    def by_ranker(rules: Rules, max_chars: int = _WHOLE_CHARS) -> Order:
        return lambda example: chosen_order(rankers[id(example)], max_chars, rules)(example)

    return {
        "definitions": definitions_order,
        "bm25": bm25_order,
        "as found": found_order,
        **({"retriever": alike_order} if has_similarities else {}),
        # As it came: it may have seen these repositories.
        **({"shipped": gain_order(load_ranker())} if not has_similarities else {}),
        "ranked": lambda example: gain_order(rankers[id(example)])(example),
        "a set": by_ranker(Rules(-math.inf)),
        "+ filter": by_ranker(Rules(-math.inf, drops_negative=True)),
        "+ stop": by_ranker(Rules(stop_gain, drops_negative=True)),
        "stop only": by_ranker(Rules(stop_gain)),
        "at half": by_ranker(Rules(stop_gain), _HALF_CHARS),
        "best": best_order,
    }
