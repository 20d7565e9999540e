"""The benchmark of monitors: figures of known records, a log that goes on, one run over a real repository."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from codeassist.cli.app import run
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.monitor import monitor_log
from codeassist_eval.speed.monitor_figures import Answered, MonitorRecord, figures, why_wrong
from tests.eval.fakes import demo_repository, row, write_rows
from tests.tiny_models import save_model


def answered(name: str | None, em: float = 0.0, num_members: int = 1, num_existing: int = 1) -> Answered:
    return Answered(f"{name}()", name, em, num_members, num_existing, 100.0, 20, em == 1.0)


def record(task_id: str, with_: Answered, without: Answered, outcome: str | None, **changes: Any) -> MonitorRecord:
    sure = {"strength": "sure", "wanted_probability": 0.95 if outcome == "overruled" else None}
    acts = [] if outcome is None else [{"kind": "member", "char": 0, "outcome": outcome, **sure}]
    made: dict[str, Any] = {
        "task_id": task_id,
        "kind": "member",
        "language": "python",
        "target": "right()",
        "next_identifier": "right",
        "answers": {"with": with_, "without": without},
        "acts": acts,
        "mask_ms": [0.1, 0.3],
        "weighing_ms": [30.0] if outcome == "overruled" else [],
        "wait_ms": 0.0,
        "num_known": 1,
        "excluded": [],
    }
    return MonitorRecord(**{**made, **changes})


RECORDS = [
    record("r/0", answered("right", 1.0), answered("invented", num_existing=0), "overruled"),
    record("r/1", answered("other"), answered("right", 1.0), "overruled", excluded=["right"]),
    record("r/2", answered("other"), answered("other"), "agreed"),
    record("r/3", answered(None, num_members=0), answered(None, num_members=0), None, kind="args", num_known=0),
]


def test_figures_compare_the_arms() -> None:
    document = figures(RECORDS)
    assert document["next_identifier_match"] == {"with": 25.0, "without": 25.0}
    assert document["em"] == {"with": 25.0, "without": 25.0}
    assert document["active"] == {"tasks": 3, "percent": 75.0}
    assert document["overruled"] == {"mended": 1, "spoilt": 1}
    assert document["truth_excluded"] == {"places_known": 3, "excluded": 1, "percent": 33.33}
    assert document["suspected_wrong"] == 2 and document["strengths"] == {"sure": 3}
    assert document["members_exist"]["without"] == {"answers": 3, "percent": 66.67}
    assert document["mask_percent_of_decode"] == 0.4
    assert document["parses"] == {"with": 25.0, "without": 25.0}
    assert document["token_ms"]["with"] == {"p50": 5.0, "p95": 5.0}
    assert document["whole_names"]["times"] == 2 and document["whole_names"]["ms"] == {"p50": 30.0, "p95": 30.0}
    assert [each["kind"] for each in document["by_kind"]] == ["args", "member"]
    assert document["by_kind"][1]["when_active"]["next_identifier_match"] == {"with": 33.33, "without": 33.33}


def test_every_wrong_answer_has_a_class() -> None:
    assert why_wrong(RECORDS[1]) == "the truth was excluded"
    assert why_wrong(RECORDS[2]) == "another name that exists"
    assert why_wrong(RECORDS[3]) == "no place at the cursor"
    late = record("r/4", answered("other"), answered("other"), "late")
    unsure = record("r/5", answered("other"), answered("other"), "abstained")
    assert (why_wrong(late), why_wrong(unsure)) == ("the analysis was late", "the analysis did not know")


def test_a_log_gives_back_what_was_written_and_drops_a_torn_line(tmp_path: Path) -> None:
    log = monitor_log(tmp_path / "out", {"tasks": ("r/0",)})
    for each in RECORDS[:2]:
        log.append(each)
    path = tmp_path / "out" / "tasks.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps(asdict(RECORDS[2])).encode()[:40])
    again = monitor_log(tmp_path / "out", {"tasks": ("r/0",)})
    assert list(again.read().values()) == RECORDS[:2]
    assert path.read_bytes() == whole
    with pytest.raises(EvaluationError, match=r"holds another run \(tasks\)"):
        monitor_log(tmp_path / "out", {"tasks": ("r/1",)})
    path.write_text('{"task_id": 1}\n')
    with pytest.raises(EvaluationError, match="not a record of this run"):
        again.read()


def test_tasks_are_completed_with_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=1024)
    (tmp_path / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(tmp_path / 'tiny'))}\n")
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    repos = demo_repository(tmp_path / "repos")
    shapes = repos / "demo" / "shapes.py"
    shapes.write_text(f"{shapes.read_text()}\n\nclass Square:\n    def corners(self):\n        return 4\n")
    prompt = "from shapes import Square\n\nsquare = Square()\nprint(square."
    member = row("demo/0", prompt=prompt, groundtruth="corners())", metadata__kind="member")
    tasks = write_rows(tmp_path / "tasks.jsonl", [member, row("demo/1", metadata__kind="other")])
    arguments = ("bench", "monitor", "--model", "tiny", "--tasks", str(tasks), "--repos", str(repos), "--json")
    slow = ("--set", "monitor.deadline_ms=10000", "--set", "model.threads=1")  # what is slow here is the machine
    out = ("--out", str(tmp_path / "out"))
    assert run((*arguments, "--kind", "member", *slow, *out)) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["tasks"], document["deadline_ms"]) == (1, 10_000.0)
    assert document["active"]["tasks"] == 1
    assert document["members_exist"]["with"]["percent"] == 100.0
    assert document["truth_excluded"] == {"places_known": 1, "excluded": 0, "percent": 0.0}
    assert set(document["parses"].values()) <= {0.0, 100.0}
    assert json.loads((tmp_path / "out" / "monitor.json").read_text()) == document
    assert run((*arguments, "--kind", "args", *slow)) == 6
    assert "no task of kind args" in capsys.readouterr().err
