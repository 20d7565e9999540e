"""Boosted trees: numbers in, the sum of the leaves that they fall into out. numpy only; no learning here.

A file is safetensors with metadata. The order of nodes is a heap's: the children of node i are 2i + 1 and 2i + 2, and
all trees have the same depth, a short branch going on with nodes that send everything to the left. "Greedy Function
Approximation: A Gradient Boosting Machine" (Friedman, 2001).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codeassist.errors import CodeAssistError

FORMAT = "codeassist-trees"
VERSION = 1
_TENSORS = ("columns", "bounds", "leaves")


class TreesRefused(CodeAssistError):  # noqa: N818 — what happened to the file
    """A file of trees that is broken, of another version, or made for other features."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Trees:
    """K trees of depth D.

    columns: int32 [K, 2**D - 1], the feature that a node looks at; bounds: float32 of the same shape, what is at most
    this goes left; leaves: float32 [K, 2**D]. features: the names of the columns. metadata: what they were trained on,
    and what else belongs to them.
    """

    columns: NDArray[np.int32]
    bounds: NDArray[np.float32]
    leaves: NDArray[np.float32]
    features: tuple[str, ...]
    metadata: Mapping[str, str]

    @property
    def depth(self) -> int:
        """How many nodes a row passes in each tree."""
        return int(self.leaves.shape[1]).bit_length() - 1

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum of the leaves for each row: float32 [n, F] to [n]. Not a number goes right."""
        flat, begins = np.ascontiguousarray(rows).ravel(), np.arange(len(rows)) * rows.shape[1]
        total = np.zeros(len(rows), dtype=np.float64)
        for columns, bounds, leaves in zip(self.columns, self.bounds, self.leaves, strict=True):
            node = np.zeros(len(rows), dtype=np.int64)
            for _ in range(self.depth):
                node = 2 * node + 2 - (flat[begins + columns[node]] <= bounds[node])
            total += leaves[node - len(columns)]
        return total

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sums as probabilities, for trees that were trained on yes and no."""
        return (1 / (1 + np.exp(-self.predict(rows)))).astype(np.float32)


def save_trees(path: Path, groups: Mapping[str, Trees]) -> None:
    """Write groups of trees by their names into one file, whole or not at all."""
    tensors: dict[str, NDArray[Any]] = {}
    about: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for name, trees in groups.items():
        tensors |= {f"{name}.{what}": np.ascontiguousarray(getattr(trees, what)) for what in _TENSORS}
        about[name] = {"features": trees.features, "metadata": dict(trees.metadata)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    # One value: the library writes several in an order that differs from run to run.
    save_file(tensors, part, {"trees": json.dumps(about, sort_keys=True)})
    part.replace(path)


def load_trees(path: Path, features: Mapping[str, Sequence[str]]) -> dict[str, Trees]:
    """Read groups of trees, each made for some features. Raises TreesRefused for a file that is missing, broken or
    other."""
    again = "make it again with `codeassist eval train-sites`"
    try:
        with safe_open(path, framework="numpy") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {}).get("trees", "{}"))
            tensors: dict[str, NDArray[Any]] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise TreesRefused(f"{path}: no trees can be read ({error}); {again}") from error
    if about.get("format") != FORMAT or about.get("version") != VERSION:
        raise TreesRefused(f"{path}: no trees of this version of codeassist; {again}")
    found: dict[str, Trees] = {}
    for name, columns in features.items():
        said = about.get(name, {})
        if said.get("features") != list(columns):
            raise TreesRefused(f"{path}: its trees are for other features; {again}")
        of_group = {what: tensors.get(f"{name}.{what}") for what in _TENSORS}
        if not _fit(of_group, len(columns)):
            raise TreesRefused(f"{path}: its trees are not whole; {again}")
        found[name] = Trees(**of_group, features=tuple(columns), metadata=said.get("metadata", {}))
    return found


def _fit(tensors: Mapping[str, NDArray[Any] | None], num_features: int) -> TypeGuard[Mapping[str, NDArray[Any]]]:
    """Whether the tensors of a group are trees over so many features."""
    columns, bounds, leaves = (tensors[what] for what in _TENSORS)
    if columns is None or bounds is None or leaves is None:
        return False
    if (columns.dtype, bounds.dtype, leaves.dtype) != (np.int32, np.float32, np.float32) or leaves.ndim != 2:
        return False
    width = leaves.shape[1]
    is_heap = width > 0 and width & (width - 1) == 0 and columns.shape == bounds.shape == (len(leaves), width - 1)
    return is_heap and (not columns.size or bool(columns.min() >= 0 and columns.max() < num_features))
