"""CrossCodeEval task files: what is read, and what is refused with its line, task and field."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, load_tasks
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.scoring import load_predictions, score_all
from codeassist_eval.tasks.task import sample
from tests.eval.bench_data import bench_file
from tests.eval.fakes import row, write_rows


def test_reads_a_row(tmp_path: Path) -> None:
    chunk = {"retrieved_chunk": "def area(): ...\n", "filename": "shapes.py", "score": 2.5}
    path = write_rows(
        tmp_path / "tasks.jsonl",
        [row("a/1", crossfile_context={"text": "", "list": [chunk]}, metadata__kind="args"), row("a/2")],
    )

    first, second = load_tasks(path)

    assert (first.task_id, first.repository, first.path, first.language) == ("a/1", "demo", "main.py", "python")
    assert (first.prefix, first.suffix, first.groundtruth) == (
        "from shapes import area\n\nprint(", "\n", "area(2, 3))",
    )  # fmt: skip
    assert first.kind == "args"
    assert [(snippet.path, snippet.text, snippet.score) for snippet in first.provided] == [
        ("shapes.py", "def area(): ...\n", 2.5)
    ]
    assert second.kind is None and second.provided == ()


@pytest.mark.parametrize("empty", [None, "", {}])
def test_empty_crossfile_context_is_none(tmp_path: Path, empty: object) -> None:
    (task,) = load_tasks(write_rows(tmp_path / "tasks.jsonl", [row(crossfile_context=empty)]))

    assert task.provided == ()


BAD_ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no task id": (row("x", metadata={"repository": "r", "file": "a.py"}), ("line 2", "metadata.task_id", "missing")),
    "another schema": ({"repo_name": "r", "next_line": "x"}, ("line 2", "metadata.file", "--benchmark")),
    "wrong type": (row("x/2", prompt=["no"]), ("line 2", "x/2", "'prompt' is list", "expected text")),
    "null": (row("x/2", groundtruth=None), ("line 2", "x/2", "'groundtruth' is missing")),
    "empty truth": (row("x/2", groundtruth=" \n"), ("line 2", "x/2", "'groundtruth' is empty")),
    "language": (row("x/2", metadata__file="a.rb"), ("line 2", "x/2", "metadata.file", "a.rb", ".py")),
    "outside": (row("x/2", metadata__file="../a.py"), ("line 2", "x/2", "leaves its repository")),
    "chunk": (
        row("x/2", crossfile_context={"list": [{"filename": "a.py"}]}),
        ("line 2", "x/2", "chunk.retrieved_chunk", "missing"),
    ),
    "duplicate": (row("x/1"), ("line 2", "x/1", "line 1")),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_bad_rows_name_line_task_and_field(tmp_path: Path, case: str) -> None:
    bad, said = BAD_ROWS[case]
    path = write_rows(tmp_path / "tasks.jsonl", [row("x/1"), bad])

    with pytest.raises(EvaluationError) as caught:
        load_tasks(path)

    assert all(part in str(caught.value) for part in said), str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_malformed_line_is_named_by_number(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "tasks.jsonl", [row("x/1")])
    with path.open("a") as file:
        file.write('\n{"prompt": \n')

    with pytest.raises(EvaluationError, match=r"tasks\.jsonl, line 3: not JSON"):
        load_tasks(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[1]\n", b"\xff\xfe\n"])
def test_files_without_rows_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(content)

    with pytest.raises(EvaluationError, match=r"tasks\.jsonl"):
        load_tasks(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such file"):
        load_tasks(tmp_path / "none.jsonl")


PREDICTIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown": ([{"task_id": "x/9", "pred": ""}], r"line 1 \(task x/9\): 'x/9' is no task"),
    "twice": ([{"task_id": "x/1", "pred": ""}] * 2, r"line 2: task id 'x/1' already stands on line 1"),
    "missing": ([{"task_id": "x/1", "pred": ""}], r"1 of 2 tasks have no prediction, the first is 'x/2'"),
    "schema": ([{"task_id": "x/1", "prediction": ""}], r"line 1 \(task x/1\): field 'pred' is missing"),
    "none": ([], r"holds no rows"),
}


@pytest.mark.parametrize("case", PREDICTIONS)
def test_bad_predictions(tmp_path: Path, case: str) -> None:
    rows, said = PREDICTIONS[case]
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", [row("x/1"), row("x/2")]))

    with pytest.raises(EvaluationError, match=said):
        load_predictions(write_rows(tmp_path / "predictions.jsonl", rows), BENCHMARK, tasks)


def test_many_predictions(tmp_path: Path) -> None:
    rows = [row(f"x/{i}") for i in range(1200)]
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", rows))
    predictions = {task.task_id: "area(2, 3))\n" if i % 3 else "area(" for i, task in enumerate(tasks)}

    scores = score_all(BENCHMARK.score, tasks, predictions)

    assert list(scores) == [task.task_id for task in tasks]
    assert sum(score.values["em"] for score in scores.values()) == 800


def test_samples_are_seeded_and_keep_repositories_together(tmp_path: Path) -> None:
    rows = [row(f"x/{i}", metadata__repository=f"r{i % 7}") for i in range(60)]
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", rows))

    drawn = sample(tasks, 20, seed=3)

    assert drawn == sample(tasks, 20, seed=3) != sample(tasks, 20, seed=4)
    assert len(drawn) == 20 and set(drawn) <= set(tasks)
    changes = sum(one.repository != other.repository for one, other in pairwise(drawn))
    assert changes == len({task.repository for task in drawn}) - 1
    assert len(sample(tasks, None, seed=3)) == 60


@pytest.mark.parametrize(
    ("name", "num_tasks", "has_context"),
    [
        ("fresh/dev.jsonl", 108, False),
        ("crosscodeeval/java_dev.jsonl", 150, False),
        ("crosscodeeval/official_sample/python_inputs.jsonl", 25, True),
        ("crosscodeeval/official_sample/typescript_inputs.jsonl", 25, True),
        ("crosscodeeval/official_sample/csharp_inputs.jsonl", 25, True),
    ],
)
def test_real_files(name: str, num_tasks: int, has_context: bool) -> None:
    tasks = load_tasks(bench_file(name))

    assert len(tasks) == num_tasks
    assert any(task.provided for task in tasks) == has_context
    scores = score_all(BENCHMARK.score, tasks, {task.task_id: task.groundtruth for task in tasks})
    assert all(score.values["line_em"] == 1 for score in scores.values())
