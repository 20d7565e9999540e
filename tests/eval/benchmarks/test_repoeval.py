"""RepoEval: rows of RepoCoder's schema, and scores equal to compute_score.py's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codeassist_eval.benchmarks.repoeval import BENCHMARK, load_tasks, score
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.scoring import load_predictions
from codeassist_eval.tasks.task import Task
from tests.eval.fakes import write_rows


def row(**changes: Any) -> dict[str, Any]:
    metadata = {
        "task_id": "huggingface_diffusers/7",
        "ground_truth": "    return x",
        "fpath_tuple": ["huggingface_diffusers", "src", "a.py"],
        "context_start_lineno": 0,
        "line_no": 3,
    }
    return {"prompt": "def f(x):\n", "metadata": metadata | changes}


def test_reads_a_row(tmp_path: Path) -> None:
    (task,) = load_tasks(write_rows(tmp_path / "line_level.jsonl", [row()]))

    assert (task.repository, task.path, task.prefix, task.groundtruth) == (
        "huggingface_diffusers", "src/a.py", "def f(x):\n", "    return x",
    )  # fmt: skip


def test_the_other_spelling_of_the_line_number(tmp_path: Path) -> None:
    written = row(lineno=3)
    del written["metadata"]["line_no"]

    assert len(load_tasks(write_rows(tmp_path / "line_level.jsonl", [written]))) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fpath_tuple": ["only"]}, "must hold the repository and the path"),
        ({"fpath_tuple": ["r", "..", "a.py"]}, "names no source file inside its repository"),
        ({"line_no": None}, "'metadata.lineno' is missing"),
        ({"ground_truth": " "}, "'metadata.ground_truth' is empty"),
    ],
)
def test_bad_rows(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EvaluationError, match=r"line 1 \(task huggingface_diffusers/7\)") as caught:
        load_tasks(write_rows(tmp_path / "line_level.jsonl", [row(**changes)]))

    assert said in str(caught.value)


def test_official_prediction_rows(tmp_path: Path) -> None:
    tasks = load_tasks(write_rows(tmp_path / "line_level.jsonl", [row()]))
    theirs = write_rows(tmp_path / "samples.jsonl", [{**row(), "choices": [{"text": "a"}, {"text": "b"}]}])
    empty = write_rows(tmp_path / "empty.jsonl", [{**row(), "choices": []}])

    assert load_predictions(theirs, BENCHMARK, tasks) == {"huggingface_diffusers/7": "a"}
    with pytest.raises(EvaluationError, match="'choices' has no first 'text'"):
        load_predictions(empty, BENCHMARK, tasks)


# truth, prediction -> EM, ES: the right side is what compute_score.py returned for the left side.
OFFICIAL: list[tuple[str, str, int, float]] = [
    ("    return x", "return x\nmore", 1, 1.0),
    ("a = 1\n\n b = 2", "a = 1\nb = 3\nc = 4", 0, 0.9090909090909091),
    ("a = 1\nb = 2", "a = 1", 0, 0.4545454545454546),
    ("return x", "", 0, 0.0),
    ("load(path)", "load(name)\x0cx", 0, 0.7),
]


@pytest.mark.parametrize(("truth", "prediction", "em", "es"), OFFICIAL)
def test_equals_the_official_script(truth: str, prediction: str, em: int, es: float) -> None:
    task = Task("r/0", "r", "a.py", "python", "", "", truth)

    assert score(task, prediction).values == {"em": em, "es": es}


def test_means_have_the_official_four_decimals() -> None:
    assert BENCHMARK.aggregates["em"]([1.0] * 2 + [0.0] * 5) == round(round(2 / 7, 4) * 100, 2) == 28.57
