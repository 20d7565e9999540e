"""Everything that the input of an evaluation can be wrong in: one line that says what and where, exit code 6, nothing
lost. What a server can do wrong stands in test_remote_engine.py (engines)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codeassist.cli.app import run
from codeassist.models import model_choice
from codeassist.models.registry import InstalledModel
from codeassist.progress import Progress
from codeassist_eval.engines import local_engine
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.score import Score
from codeassist_eval.reports.compare import read_runs
from codeassist_eval.runs.record_log import RecordLog
from codeassist_eval.runs.run_folder import Record, read_records, read_scores, write_scores
from tests.eval.fakes import FakeCompleter, demo_repository, row, write_rows

Command = Callable[..., str]

REPOBENCH: dict[str, Any] = {
    "repo_name": "r", "file_path": "a.py", "context": [], "import_statement": "", "cropped_code": "x = 1",
    "all_code": "x = 1", "next_line": "y = 2", "gold_snippet_index": -1, "created_at": "2023-12-10", "level": "2k",
}  # fmt: skip
REPOEVAL: dict[str, Any] = {
    "prompt": "x = 1\n",
    "metadata": {"task_id": "r/0", "ground_truth": "y = 2", "fpath_tuple": ["r", "a.py"], "line_no": 1},
}
ROWS = {"crosscodeeval": row("demo/0"), "repobench": REPOBENCH, "repoeval": REPOEVAL, "typing": row("demo/0")}
DEEP = "[" * 100_000


@pytest.fixture
def fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command that must fail with exit code 6; return the one line that it says."""
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    model = InstalledModel("fake", tmp_path / "model.gguf", "0" * 64, "gguf")
    monkeypatch.setattr(model_choice, "find_installed", lambda name, settings, progress: model)

    def open_fake(engine: local_engine.LocalEngine, progress: Progress) -> FakeCompleter:
        return FakeCompleter(lambda request: "area(2, 3))\n")

    monkeypatch.setattr(local_engine.LocalEngine, "open", open_fake)

    def invoke(*arguments: object) -> str:
        code = run(("eval", *(str(argument) for argument in arguments)))
        out, err = capsys.readouterr()
        assert (code, out) == (6, "")
        assert err.startswith("codeassist: error: ") and err.count("\n") == 1, err
        return err

    return invoke


def run_arguments(tmp_path: Path, tasks: Path, *more: object) -> tuple[object, ...]:
    return ("run", "--tasks", tasks, "--model", "fake", "--out", tmp_path / "out", *more)


@pytest.mark.parametrize("benchmark", ["crosscodeeval", "repoeval", "typing"])
def test_missing_task_id(fails: Command, tmp_path: Path, benchmark: str) -> None:
    bad = json.loads(json.dumps(ROWS[benchmark]))
    del bad["metadata"]["task_id"]
    tasks = write_rows(tmp_path / "tasks.jsonl", [ROWS[benchmark], bad])

    said = fails(*run_arguments(tmp_path, tasks, "--benchmark", benchmark, "--context", "none"))

    assert "tasks.jsonl, line 2: field 'metadata.task_id' is missing" in said


@pytest.mark.parametrize("benchmark", ["crosscodeeval", "repoeval", "typing"])
def test_duplicate_task_id(fails: Command, tmp_path: Path, benchmark: str) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [ROWS[benchmark], ROWS[benchmark]])

    said = fails(*run_arguments(tmp_path, tasks, "--benchmark", benchmark, "--context", "none"))

    assert "line 2: task id" in said and "already stands on line 1" in said


@pytest.mark.parametrize(
    ("benchmark", "of"),
    [(one, other) for one in ROWS for other in ROWS if one != other and {one, other} != {"crosscodeeval", "typing"}],
)
def test_rows_of_another_schema(fails: Command, tmp_path: Path, benchmark: str, of: str) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [ROWS[of]])

    said = fails(*run_arguments(tmp_path, tasks, "--benchmark", benchmark, "--context", "none"))

    assert "tasks.jsonl, line 1" in said and "is missing; is this a file of another benchmark (--benchmark)?" in said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{"task_id": "demo/0", "pred": ""}, {"task_id": "demo/9", "pred": ""}],
            "line 2 (task demo/9): 'demo/9' is no",
        ),
        ([{"task_id": "demo/0", "pred": ""}] * 2, "line 2: task id 'demo/0' already stands on line 1"),
        ([{"pred": ""}], "line 1: field 'task_id' is missing"),
        ([{"task_id": "demo/0"}], "line 1 (task demo/0): field 'pred' is missing"),
        ([{"task_id": "demo/0", "pred": None}], "line 1 (task demo/0): field 'pred' is missing"),
        ([{"task_id": "demo/0", "pred": 5}], "field 'pred' is int, expected text"),
        ([], "holds no rows"),
    ],
)
def test_predictions_that_cannot_be_scored(
    fails: Command, tmp_path: Path, rows: list[dict[str, Any]], said: str
) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0")])
    predictions = write_rows(tmp_path / "predictions.jsonl", rows)

    answer = fails("score", "--tasks", tasks, "--predictions", predictions, "--out", tmp_path / "scored")

    assert f"{predictions}" in answer and said in answer
    assert not (tmp_path / "scored").exists()


def test_empty_predictions_are_answers_that_score_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0"), row("demo/1")])
    predictions = write_rows(tmp_path / "p.jsonl", [{"task_id": f"demo/{number}", "pred": ""} for number in (0, 1)])

    assert run(("eval", "score", "--tasks", str(tasks), "--predictions", str(predictions), "--json")) == 0

    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["n"], metrics["em"], metrics["es"], metrics["id_f1"]) == (2, 0, 0, 0)


@pytest.mark.parametrize("context", ["bm25", "jaccard", "repocoder", "oracle", "lexical", "full"])
def test_a_missing_repository(fails: Command, tmp_path: Path, context: str) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0"), row("demo/1", metadata__repository="gone")])
    repos = demo_repository(tmp_path / "repos")

    said = fails(*run_arguments(tmp_path, tasks, "--context", context, "--repos", repos))

    assert "task demo/1: repository 'gone' is not in" in said and "--repos" in said
    assert not (tmp_path / "out" / "predictions.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": ', "not JSON"),
        ("[1]", "holds list, expected one JSON object"),
        ("null", "holds NoneType"),
        (DEEP, "JSON nested too deeply"),
        ('{"a": ' * 100_000, "JSON nested too deeply"),
        ("1" * 5000, "not JSON"),
        ("\ufeff{}", "not JSON"),
    ],
)
def test_a_malformed_line_is_named_by_number(fails: Command, tmp_path: Path, line: str, said: str) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0")])
    with tasks.open("a", encoding="utf-8") as file:
        file.write("\n" + line + "\n")

    assert f"{tasks}, line 3: {said}" in fails(*run_arguments(tmp_path, tasks, "--context", "none"))
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text('{"task_id": "demo/0", "pred": ""}\n' + line + "\n", encoding="utf-8")
    good = write_rows(tmp_path / "good.jsonl", [row("demo/0")])
    assert f"{predictions}, line 2: {said}" in fails("score", "--tasks", good, "--predictions", predictions)


@pytest.mark.parametrize("what", ["tasks", "folder", "binary"])
def test_files_that_cannot_be_read(fails: Command, tmp_path: Path, what: str) -> None:
    path = tmp_path / "given"
    if what == "folder":
        path.mkdir()
    elif what == "binary":
        path.write_bytes(b"\xff\xfe\x00")

    assert str(path) in fails(*run_arguments(tmp_path, path, "--context", "none"))


def test_an_out_that_is_a_file(fails: Command, tmp_path: Path) -> None:
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0")])
    (tmp_path / "out").write_text("mine")

    assert f"{tmp_path / 'out'}: cannot be written" in fails(*run_arguments(tmp_path, tasks, "--context", "none"))
    assert (tmp_path / "out").read_text() == "mine"


def record(**changes: Any) -> dict[str, Any]:
    made = {
        "task_id": "a", "pred": "", "raw_text": "", "finish_reason": "eos", "num_prompt_tokens": 1,
        "num_cached_tokens": 0, "num_new_tokens": 1, "seconds": 0.1, "stage_ms": {}, "snippets": [],
    }  # fmt: skip
    return made | changes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": "fast"}, "field 'seconds' is str, expected a number"),
        ({"num_prompt_tokens": None}, "field 'num_prompt_tokens' is missing"),
        ({"stage_ms": []}, "field 'stage_ms' is list, expected an object"),
        ({"snippets": None}, "not a row of a run's predictions.jsonl"),
        ({"snippets": [{"where": 1}]}, "not a row of a run's predictions.jsonl"),
        ({"mood": "good"}, "not a row of a run's predictions.jsonl"),
    ],
)
def test_records_of_something_else(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = write_rows(tmp_path / "predictions.jsonl", [record(), record(task_id="b", **changes)])

    with pytest.raises(EvaluationError, match=rf"line 2 \(task b\): {said}"):
        read_records(path)


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    one = Record("a", "x" * 100_000, "", "eos", 1, 0, 1, 0.1)

    with pytest.raises(EvaluationError, match=r"cannot be written: .*the same command goes on"):
        RecordLog(full, read_records).append(one)


def test_half_characters_and_terminal_codes_of_a_model_are_kept(tmp_path: Path) -> None:
    said = "x\ud800\x1b[31m\u202e"

    write_scores(tmp_path / "scores.jsonl", {"a": Score("a", said, said, {"em": 0.0})})
    assert read_scores(tmp_path / "scores.jsonl")["a"].judged == said


def test_damaged_run_folders_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "manifest.json").write_text(DEEP)

    with pytest.raises(EvaluationError, match=r"manifest\.json: cannot be read"):
        read_runs([folder])
