"""Recall of candidates: what counts as gold, that no source sees the truth, what is counted, written and printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeassist.progress import silent
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.contexts.recall import RecallFigures, gold_of, measure_recall
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.repositories import Repositories
from tests.eval.fakes import row, write_rows

FILES = {
    "main.py": "from shapes import Square\n\nside = Square(2)\nprint(side.compute_area())\nunseen_helper(side)\n",
    "shapes.py": "class Square:\n    def __init__(self, side): ...\n\n    def compute_area(self): ...\n",
    "tools.py": "def unseen_helper(shape):\n    return shape\n",
    **{f"common_{n}.py": "def common():\n    return 1\n" for n in range(4)},
}
PROMPT = "from shapes import Square\n\nside = Square(2)\nprint(side."
ROWS = [
    row("member", prompt=PROMPT, groundtruth="compute_area())", right_context="\n"),
    row("imported", prompt="from shapes import Square\n\nside = ", groundtruth="Square(2)"),
    row("nothing", prompt="print(", groundtruth="len('x'))"),
    row("common", prompt="x = ", groundtruth="common()"),
    row("own", prompt="def own():\n    return 1\n\n\nx = ", groundtruth="own()"),
]


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        file = tmp_path / "repos" / "demo" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "repos"


def measure(tmp_path: Path, repositories: Path, rows: list[dict[str, object]]) -> RecallFigures:
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", rows))
    contexts = IndexContexts(Repositories(repositories), tmp_path / "cache", "full")
    try:
        return measure_recall(tasks, contexts, silent)
    finally:
        contexts.close()


def test_gold_is_what_few_other_files_define(tmp_path: Path, repositories: Path) -> None:
    contexts = IndexContexts(Repositories(repositories), tmp_path / "cache", "full")
    gold = {}
    for task in load_tasks(write_rows(tmp_path / "tasks.jsonl", ROWS)):
        store = contexts.store(task)
        every, new = (gold_of(task, store, is_new=is_new) for is_new in (False, True))
        gold[task.task_id] = tuple(None if one is None else (set(one.names), set(one.paths)) for one in (every, new))
    contexts.close()
    member = ({"compute_area"}, {"shapes.py"})
    assert gold == {
        "member": (member, member),
        "imported": (({"Square"}, {"shapes.py"}), None),  # its own file imports it by name
        "nothing": (None, None),
        "common": (None, None),
        "own": (None, None),
    }


def test_tasks_are_counted_and_ranks_found(tmp_path: Path, repositories: Path) -> None:
    figures = measure(tmp_path, repositories, ROWS)
    document = figures.as_document()
    assert (document["tasks"], document["every"]["tasks"], document["new"]["tasks"]) == (5, 2, 1)
    assert document["every"]["recall"]["all"]["50"] == 100 and document["every"]["shown"]["50"] == 100
    assert document["every"]["recall"]["only recent"]["50"] == 0
    assert document["every"]["recall"]["without imported"]["50"] == 100
    assert list(figures.misses()) == []
    assert set(document["stage_ms"]) >= {"imported", "bm25", "text"}


def test_the_truth_is_not_what_finds_the_file(tmp_path: Path, repositories: Path) -> None:
    """The name stands in the file on disk, on the cursor's line and below: nothing there may lead to its definition."""
    hidden = row("hidden", prompt="side = 1\n", groundtruth="unseen_helper(side)", right_context="\n")
    task = load_tasks(write_rows(tmp_path / "tasks.jsonl", [hidden]))[0]
    figures = measure(tmp_path, repositories, [hidden])
    ranks = figures.new[0].ranks
    assert task.path == "main.py" and ranks["only named"] is None and ranks["only bm25"] is None
    assert ranks["only folder"] is not None  # a neighbour, whatever it is called


def test_no_gold_anywhere_is_said(tmp_path: Path, repositories: Path) -> None:
    with pytest.raises(EvaluationError, match="no task's truth names anything"):
        measure(tmp_path, repositories, [ROWS[2]])


def test_the_command_prints_and_writes(tmp_path: Path, repositories: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    tasks = write_rows(tmp_path / "tasks.jsonl", ROWS)
    asked = ["recall", "--tasks", str(tasks), "--repos", str(repositories), "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(eval_group, asked, catch_exceptions=False)
    assert shown.exit_code == 0 and "without imported" in shown.output and "5 tasks, 3 of them" in shown.output
    printed = CliRunner().invoke(eval_group, [*asked, "--json"], catch_exceptions=False)
    written = json.loads((tmp_path / "out" / "recall.json").read_text())
    assert json.loads(printed.stdout)["every"]["recall"] == written["every"]["recall"]
    assert (tmp_path / "out" / "misses.jsonl").read_text() == ""
