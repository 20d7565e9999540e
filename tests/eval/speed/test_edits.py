"""Next edits timed: by the command, with a tiny real engine, whose drafts change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposals.diff import DiffProposer
from codeassist.edits.site import Site
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
    assert figures["form"] == "sweep" and figures["same_answers"] == 2
    assert run([*command[:-4], "--form", "odd"]) == 2


def test_a_region_is_written_again_in_the_form_that_the_model_is_asked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An adapter for edits unlearns every other form: what such a model writes there is no copy, and no draft fits."""
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=2048)
    regions: list[Site] = []
    propose = DiffProposer.propose

    def watched(self: DiffProposer, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> object:
        regions.append(site)
        return propose(self, request, site, should_stop)

    monkeypatch.setattr(DiffProposer, "propose", watched)
    long = write_tasks(tmp_path / "tasks.jsonl", 6)
    rows = [json.loads(line) for line in long.read_text().splitlines()]
    for row in rows:
        row["files"] = {path: text + "more = 1\n" * 30 for path, text in row["files"].items()}
    long.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["bench", "edits", "--tasks", str(long), "--model", str(tmp_path / "tiny"), "--limit", "2", "--json"]
    assert run([*command, "--set", "model.context_tokens=1024", "--set", "model.threads=1"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["form"] == "diff" and figures["same_answers"] == figures["with_drafts"]["answers"]
    assert figures["with_drafts"]["tokens"] == figures["without_drafts"]["tokens"]
    assert [site.end_line - site.start_line for site in regions[-4:]] == [21] * 4
