"""Boosted trees trained with LightGBM (an extra), taken out as trees that numpy runs.

"LightGBM: A Highly Efficient Gradient Boosting Decision Tree" (Ke et al., 2017). The same rows and the same seed give
the same trees on the same machine: one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from codeassist.errors import CodeAssistError
from codeassist_eval.errors import EvaluationError
from codeassist_indexer.edit_sites.trees import Trees


@dataclass(frozen=True, slots=True)
class Boosting:
    """How trees are grown. `objective`: "binary", a probability; "lambdarank", an order within groups of rows
    ("From RankNet to LambdaRank to LambdaMART", Burges, 2010)."""

    objective: Literal["binary", "lambdarank"]
    rounds: int
    learning_rate: float
    leaves: int
    least_rows: int
    feature_share: float = 0.5
    ridge: float = 5.0
    depth: int = 6
    seed: int = 0


def lightgbm() -> ModuleType:
    """Import LightGBM; raises EvaluationError where it is not installed."""
    try:
        import lightgbm as module
    except ImportError as error:
        raise EvaluationError(
            "training places of next edits needs LightGBM; install it: pip install lightgbm"
        ) from error
    return module


def boost(
    plan: Boosting,
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    *,
    weights: NDArray[np.float32] | None = None,
    groups: Sequence[int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Trees:
    """Grow trees: rows [n, F], labels [n]; `groups` are the sizes of the runs of rows that are ranked together."""
    module = lightgbm()
    options: dict[str, Any] = {
        "objective": plan.objective, "learning_rate": plan.learning_rate, "num_leaves": plan.leaves,
        "min_data_in_leaf": plan.least_rows, "feature_fraction": plan.feature_share, "bagging_fraction": 0.8,
        "bagging_freq": 1, "lambda_l2": plan.ridge, "max_depth": plan.depth, "max_bin": 63, "seed": plan.seed,
        "lambdarank_truncation_level": 8, "num_threads": 1, "deterministic": True, "force_row_wise": True,
        "verbose": -1,
    }  # fmt: skip
    data = module.Dataset(rows, labels, weight=weights, group=groups, params=options)
    grown = module.train(options, data, plan.rounds)
    return trees_of(grown.dump_model()["tree_info"], plan.depth, names, metadata or {})


def trees_of(info: Sequence[Mapping[str, Any]], depth: int, names: Sequence[str], metadata: Mapping[str, str]) -> Trees:
    """Lay LightGBM's trees out as `Trees` has them."""
    width = 2**depth
    columns = np.zeros((len(info), width - 1), np.int32)
    bounds = np.full((len(info), width - 1), np.inf, np.float32)
    leaves = np.zeros((len(info), width), np.float32)
    for number, tree in enumerate(info):
        todo: list[tuple[Mapping[str, Any], int, int]] = [(tree["tree_structure"], 0, 0)]
        while todo:
            node, place, level = todo.pop()
            if "leaf_value" in node:
                first = (place + 1) * 2 ** (depth - level) - width
                leaves[number, first : first + 2 ** (depth - level)] = node["leaf_value"]
                continue
            if node["decision_type"] != "<=" or level == depth:
                raise CodeAssistError("a tree with nodes that cannot be laid out; train without categories")
            columns[number, place] = node["split_feature"]
            bounds[number, place] = _at_most(node["threshold"])
            todo += [(node["left_child"], 2 * place + 1, level + 1), (node["right_child"], 2 * place + 2, level + 1)]
    return Trees(columns, bounds, leaves, tuple(names), dict(metadata))


def _at_most(bound: float) -> np.float32:
    """The largest float32 that is at most a bound: what is at most one is at most the other, of float32 values."""
    near = np.float32(bound)
    return near if float(near) <= bound else np.nextafter(near, np.float32(-np.inf))
