"""Training of the ranker of lines: trees that numpy runs as LightGBM does, the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codeassist.cli.app import run
from codeassist_eval.errors import EvaluationError
from codeassist_eval.training.sites.boosting import Boosting, boost, lightgbm, trees_of
from codeassist_eval.training.sites.training import SitePlan, train_sites
from codeassist_indexer.edit_sites.ranker import load_ranker


@pytest.mark.parametrize("seed", [0, 1])
def test_trees_run_by_numpy_say_what_lightgbm_says(seed: int) -> None:
    module = lightgbm()
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (600, 7)).astype(np.float32)
    rows[:, 3] = rng.integers(0, 3, 600)
    labels = (rows[:, 0] * rows[:, 1] + rows[:, 3] > 1).astype(np.int64)
    options: dict[str, Any] = {"objective": "binary", "num_leaves": 20, "max_depth": 5, "verbose": -1, "num_threads": 1}
    grown = module.train(options, module.Dataset(rows, labels), 25)
    trees = trees_of(grown.dump_model()["tree_info"], 5, [f"f{n}" for n in range(7)], {})
    fresh = rng.normal(0, 1.5, (300, 7)).astype(np.float32)
    asked = np.concatenate([rows, fresh, trees.bounds[:, :1].repeat(7, axis=1)])  # on the bounds themselves too
    asked = asked[np.isfinite(asked).all(axis=1)]
    np.testing.assert_allclose(trees.predict(asked), grown.predict(asked, raw_score=True), rtol=0, atol=1e-5)
    np.testing.assert_allclose(trees.probability(asked), grown.predict(asked), rtol=0, atol=1e-5)


def test_the_same_rows_grow_the_same_trees() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(0, 1, (400, 4)).astype(np.float32)
    labels = (rows[:, 2] > 0.3).astype(np.int64)
    plan = Boosting("binary", 10, 0.1, 8, 10, depth=4)
    first, second = (boost(plan, rows, labels, "abcd") for _ in range(2))
    assert (first.leaves == second.leaves).all() and (first.columns == second.columns).all()
    assert set(first.columns[np.isfinite(first.bounds)]) >= {2}


def test_too_few_repositories_are_refused() -> None:
    with pytest.raises(EvaluationError, match="too few to learn from"):
        train_sites([], SitePlan())


def rename_task(number: int, *, is_quiet: bool) -> dict[str, Any]:
    """A name is changed in the first function, and used in the third one; or there too, and nothing is left."""
    old, new = f"old_{number}", f"new_{number}"
    used = [new, new if is_quiet else old]
    body = [
        line for n in range(4) for line in (f"def f{n}(a):", f"    total = a + {n}", f"    return total * {n + 2}", "")
    ]
    lines = [f"{used[0]} = 1", *body[:8], f"print({used[1]})", *body[8:]]
    edits = [(0, f"{old} = 1", f"{new} = 1"), (9, f"print({old})", f"print({new})")]
    changes = [{"path": "a.py", "start_line": at, "old": [was], "new": [now]} for at, was, now in edits]
    left = [{**change, "end_line": change["start_line"] + 1} for change in changes[2 if is_quiet else 1 :]]
    return {
        "task_id": f"r{number % 8}/{number}",
        "repository": f"r{number % 8}",
        "commit": "0",
        "language": "python",
        "kind": "quiet" if is_quiet else "near",
        "history": changes[: 2 if is_quiet else 1],
        "cursor": {"path": "a.py", "line": 9 if is_quiet else 0},
        "files": {"a.py": "\n".join(lines) + "\n"},
        "targets": left,
    }


def write_tasks(path: Path, num: int) -> Path:
    rows = [rename_task(number, is_quiet=number % 3 == 0) for number in range(num)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_command_learns_where_a_name_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = write_tasks(tmp_path / "tasks.jsonl", 72)
    arguments = ["eval", "train-sites", "--tasks", str(tasks), "--judge", str(tasks), "--no-folds", "--json"]
    assert run([*arguments, "--out", str(tmp_path / "one")]) == 0
    figures = json.loads(capsys.readouterr().out)["tasks"]
    assert figures["near"]["hit1"] == 100 and figures["quiet_rate_where_half_is_shown"] == 100
    ranker = load_ranker(tmp_path / "one" / "ranker.safetensors")
    assert 0 < ranker.threshold < 1
    assert run([*arguments, "--out", str(tmp_path / "two")]) == 0
    one, two = (tmp_path / name / "ranker.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
