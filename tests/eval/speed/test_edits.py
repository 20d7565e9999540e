"""Next edits timed: by the command, with a tiny real engine, whose drafts change nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeassist.cli.app import run
from tests.eval.training.test_sites import write_tasks
from tests.tiny_models import save_model


def test_rewrites_are_timed_with_drafts_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=2048)
    tasks, out = write_tasks(tmp_path / "tasks.jsonl", 6), tmp_path / "run"
    command = ["bench", "edits", "--tasks", str(tasks), "--model", str(tmp_path / "tiny"), "--form", "sweep"]
    command += ["--set", "model.context_tokens=1024", "--set", "model.threads=1", "--limit", "2", "--out", str(out)]
    assert run([*command, "--json"]) == 0, capsys.readouterr().err
    figures = json.loads(capsys.readouterr().out)
    assert figures == json.loads((out / "metrics.json").read_text())
    drafted, plain = figures["with_drafts"], figures["without_drafts"]
    assert figures["tasks"] == drafted["answers"] == plain["answers"] == 2
    assert drafted["tokens"] == plain["tokens"] > 0, "the same is written"
    assert plain["passes"] >= plain["tokens"] - 2 and drafted["passes"] <= plain["passes"]
    assert plain["draft_acceptance"] is None and figures["places_and_rules_ms"]["p95"] > 0
    assert run([*command[:-4], "--form", "odd"]) == 2
