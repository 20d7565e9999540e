"""`codeassist bench retrieval` on a small tree: the figures are all there and add up."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeassist.cli.app import run
from codeassist_eval.cli.bench.retrieval import retrieval_command
from codeassist_eval.speed.large_index.made_index import working_folder
from codeassist_indexer.retrieval.sources.candidate import SOURCES


def test_the_command_measures_every_source(tmp_path: Path) -> None:
    (tmp_path / "repos").mkdir()
    for number in range(4):
        text = "\n\n".join(f"def made_{number}_{n}(value):\n    return other_{n}(value)\n" for n in range(4))
        (tmp_path / "repos" / f"module_{number}.py").write_text(
            f"from module_{number - 1} import *\n\n{text}", encoding="utf-8"
        )
    asked = [
        "--repos",
        str(tmp_path / "repos"),
        "--chunks",
        "300",
        "--requests",
        "8",
        "--deadline-ms",
        "60000",
        "--json",
    ]
    asked += ["--keep", str(tmp_path / "kept")]
    result = CliRunner().invoke(retrieval_command, asked, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert figures["num_chunks"] >= 300 and figures["num_requests"] == 8 and figures["deadline_ms"] == 60_000
    assert figures["snippets_mean"] > 0 and figures["first_ms"] > 0 and 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert 0 < figures["processor_p50_ms"] <= figures["processor_p95_ms"]
    assert set(figures["stages"]) == {*SOURCES, "text", "rank"}
    assert figures["late_percent"] == 0 and all(each["late_percent"] == 0 for each in figures["stages"].values())
    built = _database(tmp_path / "kept").stat().st_ino
    again = json.loads(CliRunner().invoke(retrieval_command, asked, catch_exceptions=False).stdout)
    assert again["num_chunks"] == figures["num_chunks"] and again["snippets_mean"] == figures["snippets_mean"]
    assert _database(tmp_path / "kept").stat().st_ino == built


def _database(kept: Path) -> Path:
    (found,) = (kept / "home").rglob("index.db")
    return found


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert run(["bench", "retrieval", "--repos", str(tmp_path), "--keep", str(tmp_path)]) == 2
    assert "--keep" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_being_told_to_end_leaves_no_folder_behind() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, working_folder() as folder:
        assert folder.is_dir()
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM and not folder.exists()
    assert signal.getsignal(signal.SIGTERM) is before
