"""Rewards of candidates: what the model's likelihood says, the same however it is computed, and a run that goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codeassist.cli.app import run
from codeassist.request import Snippet
from codeassist_eval.engines.local_engine import local_engine
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.rewards.reward import (
    Likelihoods,
    Rewarded,
    RewardPlan,
    RewardRecord,
    TruthScorer,
    as_reward,
    reward_log,
    score_candidates,
    true_line,
)
from codeassist_eval.training.rewards.reward_figures import reward_figures
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts, Found
from tests.eval.fakes import demo_repository, row, write_rows
from tests.tiny_models import CODE, save_model

SNIPPET = Snippet("shapes.py", "def area(width, height):\n    return width * height\n", 1, 3, "bm25", 1.0, "")
FACTS = Facts(0, True, True, 0, False, False, False, False, None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=2048)
    (tmp_path / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(tmp_path / 'tiny'))}\n")
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    return tmp_path


def a_task() -> Task:
    return Task("r/0", "r", "main.py", "python", CODE, CODE[:300], "\n  area(2, 3)\nrest")


def rewarded(source: str, reward: float, before: float = -1.0) -> Rewarded:
    found = (Found(source, 0, 1.0),)  # type: ignore[arg-type]
    return Rewarded(
        Candidate(SNIPPET, "lines", "", found, FACTS, 3), 20, reward, Likelihoods((reward - 2,), (0.0, *[before] * 16))
    )


def record(task_id: str, candidates: tuple[Rewarded, ...]) -> RewardRecord:
    alone = Likelihoods((-2.0,), (-9.0, *[-1.0] * 16))
    return RewardRecord(task_id, "r", "python", "a.py", "x", (0,), -2.0, alone, candidates)


def test_the_reward_is_the_difference_of_two_likelihoods(home: Path) -> None:
    """Against a forward pass over each whole prompt, alone, with a cache."""
    settings = ("model.context_tokens=1200", "model.format=float32", "model.threads=1")
    session = local_engine("tiny", settings, Limits(8, 1, 0), lambda *progress: None).open_session(lambda *given: None)
    task, model = a_task(), session.engine.model

    def plain(snippet: Snippet | None, scorer: TruthScorer) -> tuple[list[float], list[float]]:
        laid_out = scorer.prompt(snippet)
        prompt = list(laid_out.tokens)
        truth = session.tokenizer.encode(true_line(task))
        tokens = torch.tensor(prompt + truth)
        hidden = model.forward(tokens, torch.arange(len(tokens)), model.new_cache(len(tokens)))
        logprobs = torch.log_softmax(model.logits(hidden), dim=-1)[:-1].gather(1, tokens[1:, None])[:, 0].tolist()
        last = laid_out.prefix.stop - 1
        return logprobs[len(prompt) - 1 :], logprobs[last - 48 : last]

    scorer = TruthScorer(session, task, RewardPlan(file_tokens=256))
    long = replace(SNIPPET, path="long.py", text=SNIPPET.text * 60)  # several passes, and more than a prompt has
    snippets = [None, SNIPPET, long, SNIPPET]
    found = scorer.likelihoods(snippets)
    for snippet, each in zip(snippets, found, strict=True):
        truth, before = plain(snippet, scorer)
        assert each.truth == pytest.approx(truth, abs=1e-3)
        assert each.before == pytest.approx(before, abs=1e-3)
        assert len(each.before) == 48
    alone, reward = sum(found[0].truth), sum(found[1].truth) - sum(found[0].truth)
    given = tuple(Candidate(each, "lines", "", (), FACTS, 3) for each in (SNIPPET, long))
    record = score_candidates(session, task, given, RewardPlan(file_tokens=256))
    assert record.logprob == pytest.approx(alone, abs=1e-2)
    assert record.candidates[0].reward == pytest.approx(reward, abs=1e-2)
    assert [each.candidate for each in record.candidates] == list(given)
    assert len(record.truth_starts) == len(record.likelihoods.truth)
    with_snippet, without = scorer.prompt(SNIPPET), scorer.prompt(None)
    assert record.candidates[0].num_tokens == len(with_snippet.tokens) - len(without.tokens) > 0
    assert len(with_snippet.prefix) == len(without.prefix)
    assert len(with_snippet.suffix) == len(without.suffix)
    session.close()


def test_a_true_line_ends_where_it_has_said_something() -> None:
    assert true_line(a_task()) == "\n  area(2, 3)"


def test_figures_say_what_helps_by_source() -> None:
    records = [
        record("r/0", (rewarded("bm25", 1.0), rewarded("imported", -1.0))),
        record("r/1", (rewarded("bm25", 0.1),)),
        record("r/2", ()),
    ]
    document = reward_figures(records)
    assert document["tasks_with_candidates"] == 2
    assert document["all"]["positive"] == document["all"]["negative"] == pytest.approx(100 / 3)
    assert document["by_source"]["bm25"]["reward_mean"] == pytest.approx(0.55)
    assert document["best_of_task_mean"] == pytest.approx(0.55)
    assert document["tasks_without_positive_percent"] == 50


def test_figures_say_what_the_lines_before_the_cursor_foretell() -> None:
    """Of the last 16 tokens, as if nobody knew what comes."""
    helps, harms, same = rewarded("bm25", 3.0, -0.5), rewarded("bm25", -1.0, -1.5), rewarded("bm25", 0.0)
    found = reward_figures([record("r/0", (helps, harms, same)), record("r/1", (same,))])["by_change_before"]
    assert {name: each["candidates"] for name, each in found.items() if each["candidates"]} == {
        "below -1": 1, "from +0": 2, "from +2": 1
    }  # fmt: skip
    assert found["from +2"]["positive"] == found["below -1"]["negative"] == found["from +0"]["neutral"] == 100


def test_a_run_scores_candidates_and_goes_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repos = demo_repository(home / "repos")
    prompt = "from shapes import area\n\n\ndef run(width, height):\n    return "
    rows = [row(f"demo/{number}", prompt=prompt + " " * number) for number in range(2)]
    tasks = write_rows(home / "tasks.jsonl", rows)
    out = home / "out"
    arguments = ("eval", "reward", "--model", "tiny", "--tasks", str(tasks), "--repos", str(repos), "--out", str(out))
    assert run((*arguments, "--json", "--set", "model.threads=1")) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert document["tasks"] == document["tasks_with_candidates"] == 2
    assert json.loads((out / "figures.json").read_text()) == document
    path = out / "rewards.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    records = [as_reward(json.loads(line)) for line in lines]
    assert {found.source for each in records for one in each.candidates for found in one.candidate.found} >= {
        "imported"
    }
    assert all(one.candidate.snippet.path == "shapes.py" for each in records for one in each.candidates)
    path.write_text(lines[0] + lines[1][:30])
    assert run((*arguments, "--json", "--set", "model.threads=1")) == 0
    assert path.read_text().startswith(lines[0])
    again = reward_log(out, json.loads((out / "plan.json").read_text())).read()
    assert [again[each.task_id] for each in records] == records
    assert run((*arguments, "--candidates", "3")) == 6
    assert "holds another run (plan)" in capsys.readouterr().err
