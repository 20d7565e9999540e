"""The typing benchmark: every edit ends in its task, and the live cache is held against a full recomputation."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from codeassist.errors import CodeAssistError
from codeassist_eval.benchmarks.typing_benchmark import BENCHMARK, typing_summary
from codeassist_eval.cli import experiment
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.engines.llama_child import common_prefix
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record, read_records
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.edits import EDIT_KINDS, FULL_STAGE, LIVE_STAGE, State, base_id, edited_task, expand
from tests.eval.fakes import row, write_rows
from tests.tiny_models import CODE, save_model


def cut(chooser: random.Random, name: str) -> Task:
    start = chooser.randrange(len(CODE) // 3, len(CODE))
    return Task(name, "r", f"{name}.py", "python", CODE[:start], CODE[start + 5 :], CODE[start : start + 5] + "x")


def text_of(state: State) -> str:
    return state.prefix + state.suffix


def test_every_edit_ends_in_its_task() -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chooser = random.Random(seed)
    tasks = [cut(chooser, f"t{number}") for number in range(60)]

    expanded = expand(tasks, seed)

    assert {task.kind for task in expanded} == set(EDIT_KINDS)
    assert expanded == expand(tasks, seed)
    for task in expanded:
        edited = edited_task(task, seed)
        assert edited == edited_task(task, seed)
        assert edited.steps[-1] == State(task.prefix, task.suffix)
        grown = len(task.prefix + task.suffix) - len(text_of(edited.before))
        assert {"insert": grown > 0, "delete": grown < 0, "type": grown == len(edited.steps)}.get(task.kind or "", True)
        if task.kind != "type":
            assert len(edited.steps) == 1 and edited.before != edited.steps[0]
        else:
            typed = [len(text_of(state)) for state in edited.steps]
            assert typed == list(range(typed[0], typed[0] + len(typed)))


def test_edits_stay_where_the_prompt_sees_them() -> None:
    lines = [f"name_{number} = {number}\n" for number in range(2000)]
    task = Task("t", "r", "a.py", "python", "".join(lines[:1000]), "".join(lines[1000:]), "x")
    for seed in range(20):
        for edited in expand([task], seed):
            before = text_of(edited_task(edited, seed).before)
            after = edited.prefix + edited.suffix
            assert common_prefix(before, after) > len(edited.prefix) - 2000
            assert common_prefix(before[::-1], after[::-1]) > len(edited.suffix) - 1200


def test_files_without_room_for_an_edit_are_left_out() -> None:
    alone = Task("t", "r", "a.py", "python", "x = ", "", "1")

    assert [task.task_id for task in expand([alone], 0)] == ["t#type"]
    with pytest.raises(EvaluationError, match="none of the 1 tasks has a line"):
        expand([Task("t", "r", "a.py", "python", "", "", "1")], 0)


def record(task_id: str, pred: str, reference: str, live_ms: float) -> Record:
    stages = {LIVE_STAGE: live_ms, FULL_STAGE: 100.0}
    return Record(task_id, pred, pred, "eos", 200, 150, 1, 0.1, stages, reference=reference)


def test_figures_on_known_answers() -> None:
    tasks = [
        Task(f"t{number}#{kind}", "r", "a.py", "python", "x = ", "", "area(2)", kind=kind)
        for number in range(2)
        for kind in ("insert", "type")
    ]
    answers = [("area(2)", "area(2)"), ("no(", "area(2)"), ("area(2)", "no("), ("area(2)\n", "area(2)")]
    records = {
        task.task_id: record(task.task_id, *answer, live_ms=10.0 * number)
        for number, (task, answer) in enumerate(zip(tasks, answers, strict=True), 1)
    }
    scores = {task.task_id: BENCHMARK.score(task, records[task.task_id].pred) for task in tasks}

    found = typing_summary(tasks, records, scores, seed=0)

    assert (found["n"], found["rows"], found["full"]["em"], found["same_answer"]) == (4, 2, 75, 50)
    assert found["em_delta"] == {"mean": 0, "low": -50, "high": 50}  # one row loses half of its tasks, the other gains
    assert found["by_kind"]["insert"]["em_delta"]["mean"] == 50
    assert found["by_kind"]["type"]["em_delta"]["mean"] == -50
    assert found["time_ratio"]["p50"] == 0.25
    assert found["encoded_tokens"] == {"p50": 50, "share": 0.25}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    save_model(folder / "tiny", "qwen2", max_position_embeddings=1024)
    (folder / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(folder / 'tiny'))}\n")
    rows = []
    for number in range(2):
        at = CODE.index("\n", 300 + 100 * number) + 9
        text = (CODE[:at], CODE[at:].partition("\n")[0], CODE[at:].partition("\n")[2])
        made: dict[str, Any] = {"prompt": text[0], "groundtruth": text[1] or "x", "right_context": "\n" + text[2]}
        rows.append(row(f"demo/{number}", **made, metadata__file=f"{number}.py"))
    write_rows(folder / "tasks.jsonl", rows)
    return folder


def run(home: Path, out: Path, *options: str, benchmark: str = "typing") -> Result:
    arguments = (
        "run", "--benchmark", benchmark, "--tasks", str(home / "tasks.jsonl"), "--model", "tiny", "--context", "none",
        "--set", "model.context_tokens=400", "--max-new-tokens", "6", "--max-lines", "1", "--out", str(out), "--json",
    )  # fmt: skip
    return CliRunner().invoke(eval_group, [*arguments, *options])


@pytest.mark.slow
def test_a_run_is_held_against_full_recomputation_and_goes_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    out = tmp_path / "out"
    result = run(home, out)
    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert set(metrics["by_kind"]) == set(metrics["typing"]["by_kind"]) == set(EDIT_KINDS)
    assert metrics["n"] == metrics["typing"]["n"] == 8
    assert metrics["typing"]["full"].keys() >= {"em", "es", "id_f1"}
    assert 0 < metrics["typing"]["encoded_tokens"]["share"] < 1
    assert 0 <= metrics["harness"]["share"] < 1
    assert sorted(path.name for path in (out / "plots").iterdir() if "typing" in path.name) == [
        "typing_quality.png", "typing_times.png",
    ]  # fmt: skip
    records = read_records(out / "predictions.jsonl")

    # The oracle: the same tasks on an empty cache, as an ordinary run has it.
    monkeypatch.setattr(experiment, "write_report", lambda path, runs: None)
    plain = run(home, tmp_path / "plain", benchmark="crosscodeeval")
    assert plain.exit_code == 0, plain.output
    fresh = read_records(tmp_path / "plain" / "predictions.jsonl")
    assert {task_id: one.reference for task_id, one in records.items()} == {
        task_id: fresh[base_id(task_id)].pred for task_id in records
    }

    path = out / "predictions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + lines[3][:50])
    again = run(home, out)
    assert again.exit_code == 0, again.output
    assert {task_id: one.reference for task_id, one in read_records(path).items()} == {
        task_id: one.reference for task_id, one in records.items()
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "http://127.0.0.1:9/v1"), "leave out --engine"),
        (("--set", "cache.mode=exact"), "cache.mode=exact"),
    ],
)
def test_only_the_live_cache_is_measured(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str], said: str
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(home))

    result = run(home, tmp_path / "out", *options)

    assert isinstance(result.exception, CodeAssistError) and said in str(result.exception)
    assert not (tmp_path / "out" / "predictions.jsonl").exists()
