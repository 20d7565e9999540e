"""`codeassist bench index` on a small tree: every figure is there, and the tree is afterwards as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeassist_eval.cli.bench.index import index_command
from codeassist_eval.speed.large_index import indexing, made_index


@pytest.mark.slow  # the command runs ten times
def test_the_command_measures_and_leaves_the_tree_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_REPEATS", 1)
    monkeypatch.setattr(indexing, "_MANY_FILES", 9)
    monkeypatch.setattr(made_index, "_FIRST_FILES", 20)
    for number in range(4):
        path = tmp_path / "repos" / f"project_{number}" / "module.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"def made_{number}(value):\n    return value\n", encoding="utf-8")
    asked = ["--repos", str(tmp_path / "repos"), "--chunks", "30", "--keep", str(tmp_path / "kept"), "--json"]
    figures = json.loads(CliRunner().invoke(index_command, asked, catch_exceptions=False).stdout)
    assert figures["num_chunks"] >= 30 and figures["num_files"] >= 30
    assert all(figures[name] > 0 for name in figures), figures
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "kept" / "tree").rglob("*.py")]
    assert len(texts) == figures["num_files"] and not any("added_by_the_benchmark" in text for text in texts)
