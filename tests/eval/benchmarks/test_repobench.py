"""RepoBench: rows of its schema, made from real code, and scores equal to the official ones."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from codeassist_eval.benchmarks.crosscodeeval import load_tasks as load_crosscodeeval
from codeassist_eval.benchmarks.repobench import (
    BENCHMARK,
    load_tasks,
    prediction_of,
    rank_provided,
    retrieval_accuracy,
    score,
)
from codeassist_eval.contexts.baselines import bm25_scores, jaccard_scores
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.scoring import load_predictions
from codeassist_eval.reports.codebleu import codebleu
from codeassist_eval.tasks.first_line import first_code_line
from codeassist_eval.tasks.rows import read_rows
from codeassist_eval.tasks.task import Language, Task
from codeassist_eval.tasks.windows import snippet_windows, words
from tests.eval.bench_data import bench_file
from tests.eval.fakes import write_rows


def row(**changes: Any) -> dict[str, Any]:
    """A row of RepoBench v1.1."""
    made = {
        "repo_name": "owner/repo",
        "file_path": "app/main.py",
        "context": [{"identifier": "area", "path": "app/shapes.py", "snippet": "def area(width, height): ..."}],
        "import_statement": "from app.shapes import area",
        "token_num": 20,
        "cropped_code": "def run():\n    size = 3",
        "all_code": "def run():\n    size = 3",
        "next_line": "    return area(size, size)",
        "gold_snippet_index": 0,
        "created_at": "2023-12-10",
        "level": "2k",
    }
    return made | changes


def test_reads_a_row(tmp_path: Path) -> None:
    (task,) = load_tasks(write_rows(tmp_path / "cross_file_first-00000.jsonl", [row()]))

    assert (task.task_id, task.repository, task.path, task.kind) == (
        "cross_file_first/0",
        "owner/repo",
        "app/main.py",
        "2k",
    )
    assert task.prefix == "from app.shapes import area\n\ndef run():\n    size = 3\n"
    assert (task.provided[0].path, task.gold_snippet) == ("app/shapes.py", 0)


def test_in_file_has_no_gold_snippet(tmp_path: Path) -> None:
    (task,) = load_tasks(write_rows(tmp_path / "in_file.jsonl", [row(gold_snippet_index=-1)]))

    assert (task.task_id, task.gold_snippet) == ("in_file/0", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": "3k"}, "'level' is '3k', expected one of 2k"),
        ({"context": [{"path": "a.py", "identifier": "x"}]}, r"'context\.snippet' is missing"),
        ({"file_path": "main.rb"}, "'file_path' names no source file"),
        ({"next_line": None}, "'next_line' is missing"),
    ],
)
def test_bad_rows(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = write_rows(tmp_path / "in_file.jsonl", [row(), row(**changes)])

    with pytest.raises(EvaluationError, match=f"line 2: field {said}"):
        load_tasks(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "in_file.parquet"
    path.write_bytes(b"PAR1")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        said = "needs pyarrow"
    else:
        said = "cannot be read as parquet"

    with pytest.raises(EvaluationError, match=said):
        load_tasks(path)


def test_official_prediction_rows(tmp_path: Path) -> None:
    tasks = load_tasks(write_rows(tmp_path / "in_file.jsonl", [row(), row()]))
    (tmp_path / "theirs").mkdir()
    truth = row()["next_line"]
    rows = [{"idx": 1, "level": "2k", "pred": "b", "gt": truth}, {"idx": 0, "level": "2k", "pred": "a", "gt": truth}]
    theirs = write_rows(tmp_path / "theirs" / "in_file.jsonl", rows)

    assert load_predictions(theirs, BENCHMARK, tasks) == {"in_file/1": "b", "in_file/0": "a"}
    ours = write_rows(tmp_path / "ours.jsonl", [{"task_id": "in_file/0", "pred": "c"}])
    assert [prediction_of(found, tasks) for found in read_rows(ours)] == [("in_file/0", "c")]


# The right side is what run.py's get_first_line_not_comment returned for the left side.
FIRST_LINES: list[tuple[Language, str, str]] = [
    ("python", "\n\n# note\n\n    x = 1\ny = 2", "    x = 1"),
    ("python", '"""One line."""\nx = 1\ny = """a"""\nz = 3', "z = 3"),
    ("python", "'''\ntext\n'''\nx = 1", "x = 1"),
    ("python", "# only\n# comments", "# only"),
    ("python", "", ""),
    ("java", "// note\n/* a\n * b\n */\nint x = 1;", "int x = 1;"),
    ("java", "/* one */\nint x = 1;\n/* two */\nint y = 2;", "int y = 2;"),
    ("java", "# no comment here", "# no comment here"),
]


@pytest.mark.parametrize(("language", "prediction", "first"), FIRST_LINES)
def test_first_code_line(language: Language, prediction: str, first: str) -> None:
    assert first_code_line(language, prediction) == first


def task_with(truth: str) -> Task:
    return Task("t", "r", "a.py", "python", "", "", truth)


def test_scores_as_printed() -> None:
    """EM ignores white space between words; ES does not, and takes the truth for the prediction."""
    same = score(task_with("    return area(size,  size)"), "return area(size, size)\nmore()")
    swapped = score(task_with("tide"), "diet")

    assert (same.values["em"], same.judged) == (1, "return area(size, size)")
    assert swapped.values == {"em": 0, "es": 25}
    assert score(task_with("diet"), "tide").values["es"] == 50


def test_means_are_rounded_twice() -> None:
    # 23,457 of 200,000 are 0.117285: 0.11728 or 0.11729 with five decimals, then two more are lost
    values = [1.0] * 23_457 + [0.0] * 176_543

    assert BENCHMARK.aggregates["em"](values) == round(round(23_457 / 200_000, 5) * 100, 2)
    assert BENCHMARK.aggregates["es"]([50.0, 50.0, 51.0]) == 50.33


def test_retrieval_accuracy() -> None:
    rankings = [[2, 0, 1], [1, 2, 0], [0, 1, 2]]

    assert [retrieval_accuracy(rankings, [2, 0, 1], k) for k in (1, 2, 3)] == [0.33333, 0.66667, 1.0]
    with pytest.raises(EvaluationError, match="ranking 0 holds 3 snippets, fewer than k = 4"):
        retrieval_accuracy(rankings, [2, 0, 1], 4)
    with pytest.raises(EvaluationError, match="3 rankings for 0 gold snippets"):
        retrieval_accuracy(rankings, [], 1)


def test_bm25_finds_gold_snippets_of_real_code(tmp_path: Path) -> None:
    """Rows in RepoBench's schema from real tasks; gold is the provided snippet that has most words of the truth."""
    generator = random.Random(0)
    rows: list[dict[str, Any]] = []
    for task in load_crosscodeeval(bench_file("crosscodeeval/official_sample/python_inputs.jsonl")):
        snippets = list(task.provided[:5])
        gold = max(snippets, key=lambda snippet: len(set(words(task.groundtruth)) & set(words(snippet.text))))
        generator.shuffle(snippets)
        context = [{"identifier": "x", "path": snippet.path, "snippet": snippet.text} for snippet in snippets]
        code = {"file_path": task.path, "cropped_code": task.prefix, "next_line": task.groundtruth}
        rows.append(row(context=context, gold_snippet_index=snippets.index(gold), **code))
    tasks = load_tasks(write_rows(tmp_path / "cross_file_random.jsonl", rows))

    rankings: list[list[int]] = []
    for task in tasks:
        scores = bm25_scores(words(task.groundtruth), snippet_windows(task.provided))
        rankings.append(sorted(range(len(scores)), key=lambda index: -scores[index]))

    gold = [task.gold_snippet for task in tasks if task.gold_snippet is not None]
    assert len(gold) == len(tasks) == 25
    assert retrieval_accuracy(rankings, gold, 1) > 0.4  # one of five by chance is 0.2
    assert retrieval_accuracy(rankings, gold, 3) > 0.8


def test_runs_over_the_rows_own_snippets_tell_how_well_they_were_ranked(tmp_path: Path) -> None:
    others = [{"identifier": "x", "path": f"{n}.py", "snippet": f"def other_{n}(): ..."} for n in range(4)]
    first = row(context=[row()["context"][0], *others], cropped_code="width = height = 3")
    last = row(context=[*others, row()["context"][0]], gold_snippet_index=0, cropped_code="width = height = 3")
    few = row()
    tasks = load_tasks(write_rows(tmp_path / "cross_file_first.jsonl", [first, last, few]))

    found = rank_provided(tasks, jaccard_scores, 1)

    assert found == {"n": 2, "accuracy@1": 0.5, "accuracy@3": 1.0, "accuracy@5": 1.0}
    assert rank_provided([tasks[2]], jaccard_scores, 1) == {}


def test_codebleu_needs_its_own_environment(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be run"):
        codebleu(tmp_path / "python", "python", ["a"], ["a"])

    without = tmp_path / "without-codebleu"
    without.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    without.chmod(0o755)
    with pytest.raises(EvaluationError, match=r"No module named 'codebleu'.*install codebleu"):
        codebleu(without, "python", ["a"], ["a"])


@pytest.mark.skipif("CODEASSIST_TEST_CODEBLEU_PYTHON" not in os.environ, reason="no Python that has codebleu")
def test_codebleu_of_equal_and_different_lines() -> None:
    python = Path(os.environ["CODEASSIST_TEST_CODEBLEU_PYTHON"])

    assert codebleu(python, "python", ["x = load(path, mode)"], ["x = load(path, mode)"]) == 98.64  # not 100: too short
    assert codebleu(python, "python", ["y = 1"], ["x = load(path, mode)"]) < 50
