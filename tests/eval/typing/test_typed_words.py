"""Typing a line: snippets as an editor has them, with the word being typed and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeassist_eval.cli.eval.group import eval_group
from tests.eval.fakes import row, write_rows

FILES = {
    "main.py": "from shapes import Square\n\nside = Square(2)\nprint(side.compute_area())\n",
    "shapes.py": "class Square:\n    def __init__(self, side): ...\n\n    def compute_area(self): ...\n",
    "tools.py": "def unseen_helper(shape):\n    return shape\n",
    **{f"component_{n}.py": f"def com_{n}(side):\n    return side.com_{n}\n" for n in range(4)},
}
PROMPT = "from shapes import Square\n\nside = Square(2)\nprint(side."
ROWS = [
    row("member", prompt=PROMPT, groundtruth="compute_area())", right_context="\n"),
    row("nothing", prompt="print(", groundtruth=")"),
]


@pytest.fixture
def repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    for path, text in FILES.items():
        file = tmp_path / "repos" / "demo" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "repos"


def run(tmp_path: Path, repositories: Path, rows: list[dict[str, object]], *more: str) -> tuple[int, str]:
    tasks = write_rows(tmp_path / "tasks.jsonl", rows)
    done = CliRunner().invoke(
        eval_group, ["typed-words", "--tasks", str(tasks), "--repos", str(repositories), *more], catch_exceptions=False
    )
    return done.exit_code, done.stdout


def test_within_a_word_nothing_changes_where_it_is_not_looked_at(tmp_path: Path, repositories: Path) -> None:
    code, out = run(tmp_path, repositories, ROWS, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["tasks"] == 2
    each_key, each_word = found["every key"], found["every word"]
    for way in (each_key, each_word):
        assert way["within_a_word"]["keys"] == len("compute_area") - 1
        assert way["elsewhere"]["keys"] == len("c())") + len(")")
        assert 0 <= way["within_a_word"]["names_shown_percent"] <= 100
    assert each_word["within_a_word"]["changed_percent"] == each_word["within_a_word"]["new_chars_per_key"] == 0
    assert each_word["within_a_word"]["names_shown_percent"] == 100  # shapes.py defines compute_area
    assert run(tmp_path, repositories, ROWS)[1].count("within") == 2


def test_nothing_to_type_is_said(tmp_path: Path, repositories: Path) -> None:
    with pytest.raises(Exception, match="no task's truth has a word to type"):
        run(tmp_path, repositories, ROWS[1:])
