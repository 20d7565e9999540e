"""Files of trees: read as they were written, and refused where they are damaged or made for something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from codeassist_indexer.edit_sites.ranker import SHIPPED, load_ranker, shipped_ranker
from codeassist_indexer.edit_sites.trees import Trees, TreesRefused, load_trees, save_trees

COLUMNS = ("a", "b")
# a <= 1 ? (b <= 2 ? 10 : 20) : 30
TREES = Trees(
    np.array([[0, 1, 0]], np.int32),
    np.array([[1, 2, np.inf]], np.float32),
    np.array([[10, 20, 30, 30]], np.float32),
    COLUMNS,
    {"seed": "1"},
)


def test_rows_fall_into_the_leaf_that_their_numbers_lead_to() -> None:
    rows = np.array([[1, 2], [1, 2.5], [1.5, 0], [-9, -9], [np.nan, 0]], np.float32)
    assert TREES.predict(rows).tolist() == [10, 20, 30, 10, 30]
    assert TREES.predict(np.zeros((0, 2), np.float32)).tolist() == []


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    save_trees(tmp_path / "t.safetensors", {"x": TREES, "y": TREES})
    read = load_trees(tmp_path / "t.safetensors", {"y": COLUMNS})["y"]
    assert (read.columns == TREES.columns).all() and (read.bounds == TREES.bounds).all()
    assert read.metadata == {"seed": "1"} and [*tmp_path.iterdir()] == [tmp_path / "t.safetensors"]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    with pytest.raises(TreesRefused, match="no trees can be read"):
        load_trees(path, {"x": COLUMNS})
    path.write_bytes(b"\x10\0\0\0\0\0\0\0nothing of trees")
    with pytest.raises(TreesRefused, match="no trees can be read"):
        load_trees(path, {"x": COLUMNS})
    save_file({"x": np.zeros(1, np.float32)}, path, {"trees": "{}"})
    with pytest.raises(TreesRefused, match="of this version"):
        load_trees(path, {"x": COLUMNS})
    save_trees(path, {"x": TREES})
    with pytest.raises(TreesRefused, match="other features"):
        load_trees(path, {"x": ("b", "a")})
    beyond = Trees(np.array([[0, 2, 0]], np.int32), TREES.bounds, TREES.leaves, COLUMNS, {})
    short = Trees(TREES.columns, TREES.bounds, TREES.leaves[:, :3], COLUMNS, {})
    for broken in (beyond, short):
        save_trees(path, {"x": broken})
        with pytest.raises(TreesRefused, match="not whole"):
            load_trees(path, {"x": COLUMNS})


def test_the_shipped_ranker_says_what_it_was_trained_on() -> None:
    metadata = shipped_ranker().of_rest.metadata
    assert int(metadata["tasks"]) > 1000 and len(metadata["repositories"].split()) >= 12
    assert SHIPPED.stat().st_size < 2 << 20
    assert load_ranker().threshold == shipped_ranker().threshold
