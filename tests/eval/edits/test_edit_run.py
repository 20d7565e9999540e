"""Next edits measured: what a task file may hold, what answers are worth, runs that go on where they stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.edits.change import LineChange
from codeassist_eval.edits.edit_record import EditRecord, change_to_json
from codeassist_eval.edits.edit_score import first_hit, is_on, score
from codeassist_eval.edits.edit_task import read_edit_tasks
from codeassist_eval.errors import EvaluationError
from tests.eval.training.test_sites import rename_task, write_tasks

QUIET, NEAR = rename_task(3, is_quiet=True), rename_task(4, is_quiet=False)
EMPTY = EditRecord("r4/4", [], False, 0.5, 1.0, None, 1.0, None, None, 1.0)


def read_one(tmp_path: Path, **changed: object) -> list[object]:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({**NEAR, **changed}) + "\n", encoding="utf-8")
    return list(read_edit_tasks(path))


def test_a_task_is_read_and_what_is_none_is_said_with_its_line(tmp_path: Path) -> None:
    (task,) = read_one(tmp_path)
    assert task.kind == "near" and task.target == LineChange("a.py", 9, ("print(old_4)",), ("print(new_4)",))
    for changed, problem in (
        ({"kind": "odd"}, "expected one of near"),
        ({"targets": []}, "only a task of the kind 'quiet'"),
        ({"history": [{"path": "a.py"}]}, "what is no change"),
        ({"files": {"b.py": "x"}}, "lies in none of the files"),
        ({"files": {"a.py": 3}}, "holds what is no text"),
        ({"cursor": {"path": "a.py"}}, "cursor.line"),
    ):
        with pytest.raises(EvaluationError, match=problem) as error:
            read_one(tmp_path, **changed)
        assert "line 1" in str(error.value)


@pytest.mark.parametrize(("line", "hit"), [(8, False), (9, True), (10, True), (11, True), (12, True), (13, False)])
def test_a_place_is_hit_on_its_lines_and_beside_them(line: int, hit: bool) -> None:
    target = LineChange("a.py", 10, ("x", "y"), ("z",))
    assert is_on("a.py", line, target) == hit and not is_on("b.py", line, target)


def test_the_place_of_new_lines_is_above_and_below_them() -> None:
    target = LineChange("a.py", 10, (), ("z",))
    assert [line for line in range(7, 14) if is_on("a.py", line, target)] == [9, 10, 11]
    assert first_hit([("b.py", 10), ("a.py", 2), ("a.py", 9)], target) == 2 and first_hit([], target) is None


def test_what_answers_are_worth(tmp_path: Path) -> None:
    (task,) = read_one(tmp_path)
    target = task.target
    right = score(
        task, replace(EMPTY, places=[("a.py", 9)], given=change_to_json(target), shown=change_to_json(target))
    )
    assert right.rank == 0 and right.is_exact_given and right.similarity_given == 1
    assert right.is_shown and right.is_exact_shown and right.is_exact_next and right.is_right_place
    assert right.keys == 3 and right.keys_saved == 2 and right.added_chars == right.kept_chars == 5
    assert right.more_errors == 0
    wider = LineChange("a.py", 8, ("", "print(old_4)"), ("", "print(new_4)"))
    assert score(task, replace(EMPTY, given=change_to_json(wider))).is_exact_given
    broken = LineChange("a.py", 9, ("print(old_4)",), ("print(other_4",))
    wrong = score(task, replace(EMPTY, given=change_to_json(broken), shown=change_to_json(broken)))
    assert not wrong.is_exact_given and not wrong.is_exact_shown and wrong.is_right_place
    assert 0.5 < (wrong.similarity_given or 0) < 1 and wrong.keys_saved == 0
    assert wrong.added_chars == 7 and wrong.kept_chars == 0 and (wrong.more_errors or 0) > 0
    stale = LineChange("a.py", 9, ("not there",), ("x",))
    nothing = score(task, replace(EMPTY, given=change_to_json(stale)))
    assert not nothing.is_exact_given and nothing.similarity_given == 0 and nothing.rank is None


def test_a_run_goes_on_and_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = write_tasks(tmp_path / "tasks.jsonl", 9)
    command = ["eval", "edits", "--tasks", str(tasks), "--json"]
    assert run([*command, "--out", str(tmp_path / "whole")]) == 0
    whole = json.loads(capsys.readouterr().out)
    predictions = (tmp_path / "whole" / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    assert run([*command, "--out", str(tmp_path / "torn"), "--limit", "9"]) == 0
    capsys.readouterr()
    (tmp_path / "torn" / "predictions.jsonl").write_bytes(b"".join(predictions[:4]) + predictions[4][:30])
    assert run([*command, "--out", str(tmp_path / "torn"), "--limit", "9"]) == 0
    again = json.loads(capsys.readouterr().out)
    timed = ("sites_ms", "given_ms", "shown_ms", "first_ms", "by_kind", "by_language", "baselines")
    assert {k: v for k, v in again.items() if k not in timed} == {k: v for k, v in whole.items() if k not in timed}
    assert whole["tasks"] == 9 and whole["exact_given_place"] == 100
    assert whole["baselines"]["nothing"]["show_rate"] == 0 and whole["baselines"]["nothing"]["quiet_rate"] == 100
    assert set(whole["by_kind"]) == {"near", "quiet"} and set(whole["by_language"]) == {"python"}
    named = {"location_hit1_same_file", "location_hit3_same_file", "location_hit3_other_file", "exact_given_place"}
    assert named | {"quiet_rate", "shown_precision", "show_rate", "kept_rate", "keystrokes_saved"} <= set(whole)
    assert run([*command, "--out", str(tmp_path / "torn")]) != 0
    assert "holds another run" in capsys.readouterr().err
    assert run([*command, "--out", str(tmp_path / "x"), "--proposer", "magic"]) != 0
    assert "no proposer 'magic'" in capsys.readouterr().err
