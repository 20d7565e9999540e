"""The commands, end to end with a fake engine: what they print, write and return."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codeassist.errors import CodeAssistError
from codeassist.models import model_choice
from codeassist.models.registry import InstalledModel
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.cli import experiment
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.engines import local_engine
from tests.eval.fakes import FakeCompleter, demo_repository, row, write_rows


@pytest.fixture(autouse=True)
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that looks installed and answers the same to everybody; caches go into the test's folder."""
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)  # it names data of the tests; settings do not know it
    model = InstalledModel("fake", tmp_path / "model.gguf", "0" * 64, "gguf")
    monkeypatch.setattr(model_choice, "find_installed", lambda name, settings, progress: model)

    def open_fake(engine: local_engine.LocalEngine, progress: Progress) -> FakeCompleter:
        return FakeCompleter(lambda request: "area(2, 3))\n")

    monkeypatch.setattr(local_engine.LocalEngine, "open", open_fake)


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the report: its plots take most of a test's time."""
    monkeypatch.setattr(experiment, "write_report", lambda path, runs: None)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(eval_group, [str(argument) for argument in arguments])


def tasks_file(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "tasks.jsonl", [row("demo/0"), row("demo/1", groundtruth="area(2))")])


@pytest.mark.parametrize("context", ["none", "bm25", "jaccard", "repocoder", "oracle", "lexical", "full"])
def test_run_in_every_context(tmp_path: Path, no_report: None, context: str) -> None:
    repos, out = demo_repository(tmp_path / "repos"), tmp_path / "out"

    result = invoke(
        "run", "--tasks", tasks_file(tmp_path), "--repos", repos, "--model", "fake", "--context", context,
        "--out", out, "--json",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert (metrics["n"], metrics["em"]) == (2, 50)
    assert (metrics["snippets"] > 0) == (context != "none")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["context"], manifest["model"], manifest["model_sha256"]) == (context, "fake", "0" * 64)
    assert manifest["settings"]["cache"]["mode"] == "exact"
    assert manifest["settings"]["limits"] == {
        "max_new_tokens": 50,
        "max_lines": None,
        "seed": 0,
        "as_editor": False,
    }


def test_run_prints_a_table_and_goes_on_without_redoing(tmp_path: Path) -> None:
    arguments = (
        "run", "--tasks", tasks_file(tmp_path), "--model", "fake", "--context", "none", "--out", tmp_path / "out",
        "--set", "cache.mode=live", "--limit", 1, "--max-lines", 1,
    )  # fmt: skip
    first = invoke(*arguments)
    written = (tmp_path / "out" / "predictions.jsonl").read_bytes()
    assert (tmp_path / "out" / "report.html").exists() and (tmp_path / "out" / "plots" / "quality.png").exists()

    again = invoke(*arguments)

    assert first.exit_code == again.exit_code == 0
    assert "em" in first.output and "line_em" in first.output
    assert (tmp_path / "out" / "predictions.jsonl").read_bytes() == written and written.count(b"\n") == 1
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]["cache"]["mode"] == "live"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--context", "full"), "--repos"),
        (("--context", "provided"), "no task came with cross-file context"),
        (("--context", "none", "--language", "java"), "holds no java task"),
        (("--context", "none", "--set", "cache.mod=live"), "cache.mode"),
        (("--context", "none", "--set", "cache.mode"), "section.key=value"),
        (("--context", "none", "--benchmark", "repoeval"), "metadata.fpath_tuple"),
        (("--context", "bm25", "--repos", "nowhere"), "no such folder or archive"),
    ],
)
def test_run_refuses_what_cannot_run(tmp_path: Path, changes: tuple[str, ...], said: str) -> None:
    result = invoke("run", "--tasks", tasks_file(tmp_path), "--model", "fake", "--out", tmp_path / "out", *changes)

    assert isinstance(result.exception, CodeAssistError) and said in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "out" / "predictions.jsonl").exists()


def test_score_anybodys_predictions(tmp_path: Path) -> None:
    predictions = write_rows(
        tmp_path / "theirs.jsonl",
        [{"task_id": "demo/1", "pred": "area(2))"}, {"task_id": "demo/0", "pred": "", "extra": 1}],
    )
    arguments = ("score", "--predictions", predictions, "--tasks", tasks_file(tmp_path), "--out", tmp_path / "scored")

    result = invoke(*arguments, "--json")

    metrics = json.loads(result.stdout)
    assert metrics == {
        "n": 2, "em": 50, "es": 50, "id_em": 50, "id_precision": 50, "id_recall": 50, "id_f1": 50, "line_em": 50,
        "next_id": 50,
    }  # fmt: skip
    assert json.loads((tmp_path / "scored" / "metrics.json").read_text()) == metrics
    assert "em" in invoke(*arguments).stdout


def test_score_does_not_overwrite_a_run(tmp_path: Path, no_report: None) -> None:
    tasks, out = tasks_file(tmp_path), tmp_path / "out"
    invoke("run", "--tasks", tasks, "--model", "fake", "--context", "none", "--out", out)

    result = invoke("score", "--predictions", out / "predictions.jsonl", "--tasks", tasks, "--out", out)

    assert "is the folder of a run" in str(result.exception)


def test_compare_prints_and_reports(tmp_path: Path, no_report: None) -> None:
    tasks, repos = tasks_file(tmp_path), demo_repository(tmp_path / "repos")
    for context in ("none", "bm25"):
        where = ("--tasks", tasks, "--repos", repos, "--out", tmp_path / context)
        made = invoke("run", *where, "--model", "fake", "--context", context)
        assert made.exit_code == 0

    report = tmp_path / "both" / "report.html"
    result = invoke("compare", tmp_path / "none", tmp_path / "bm25", "--report", report)
    document = json.loads(invoke("compare", tmp_path / "none", tmp_path / "bm25", "--json").stdout)

    assert result.exit_code == 0 and "bm25 against none" in result.stdout
    assert document["metrics"]["none"]["em"] == 50
    assert document["against_first"][0]["solved"]["both"] == 1
    assert report.exists()


def test_interrupted_runs_keep_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(request: CompletionRequest) -> str:
        if len(completer.requests) == 2:
            raise KeyboardInterrupt
        return "area("

    completer = FakeCompleter(interrupt)
    monkeypatch.setattr(local_engine.LocalEngine, "open", lambda engine, progress: completer)

    result = invoke(
        "run", "--tasks", tasks_file(tmp_path), "--model", "fake", "--context", "none", "--out", tmp_path / "out"
    )

    assert result.exit_code != 0
    assert (tmp_path / "out" / "predictions.jsonl").read_bytes().count(b"\n") == 1
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_the_evaluation_alone_ends_with_the_same_line_and_exit_code(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "codeassist_eval",
        "make",
        "--repo",
        str(tmp_path / "none"),
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == f"codeassist: error: {tmp_path / 'none'}: no such folder\n"
