"""Rewards of candidates: what the model's likelihood says, the same however it is computed, and a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from codeassist.cli.app import run
from codeassist.request import Snippet
from codeassist_eval.engines.local_engine import local_engine
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.rewards.reward import (
    Rewarded,
    RewardPlan,
    RewardRecord,
    TruthScorer,
    as_reward,
    reward_log,
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


def rewarded(source: str, reward: float) -> Rewarded:
    return Rewarded(Candidate(SNIPPET, "lines", "", (Found(source, 0, 1.0),), FACTS, 3), 20, reward)  # type: ignore[arg-type]


def test_the_reward_is_the_difference_of_two_likelihoods(home: Path) -> None:
    """Against a forward pass over the whole prompt, which knows no cache."""
    settings = ("model.context_tokens=1200", "model.format=float32", "model.threads=1")
    session = local_engine("tiny", settings, Limits(8, 1, 0), lambda *progress: None).open_session(lambda *given: None)
    task, model = a_task(), session.engine.model

    def plain(snippet: Snippet | None, scorer: TruthScorer) -> float:
        prompt = list(scorer.prompt(snippet).tokens)
        truth = session.tokenizer.encode(true_line(task))
        tokens = torch.tensor(prompt + truth)
        hidden = model.forward(tokens, torch.arange(len(tokens)), model.new_cache(len(tokens)))
        logprobs = torch.log_softmax(model.logits(hidden), dim=-1)[len(prompt) - 1 : -1]
        return logprobs.gather(1, torch.tensor(truth)[:, None]).sum().item()

    for exact in (True, False):
        scorer = TruthScorer(session, task, RewardPlan(file_tokens=256, exact=exact))
        alone = scorer.logprob(None)
        assert alone == pytest.approx(plain(None, scorer), abs=1e-3)
        num_tokens, reward = scorer.reward(SNIPPET, alone)
        wanted = plain(SNIPPET, scorer) - plain(None, scorer)
        # What is shifted is an approximation; here, of a model of random weights and a prompt that is mostly refreshed.
        assert reward == pytest.approx(wanted, abs=1e-3 if exact else 0.5)
        with_snippet, without = scorer.prompt(SNIPPET), scorer.prompt(None)
        assert num_tokens == len(with_snippet.tokens) - len(without.tokens) > 0
        assert len(with_snippet.prefix) == len(without.prefix)
        assert len(with_snippet.suffix) == len(without.suffix)
        assert scorer.logprob(None) == pytest.approx(alone, abs=1e-3 if exact else 0.5)
        scorer.close()
    session.close()


def test_a_true_line_ends_where_it_has_said_something() -> None:
    assert true_line(a_task()) == "\n  area(2, 3)"


def test_figures_say_what_helps_by_source() -> None:
    records = [
        RewardRecord("r/0", "r", "python", "a.py", "x", 1, -2.0, (rewarded("bm25", 1.0), rewarded("imported", -1.0))),
        RewardRecord("r/1", "r", "python", "a.py", "x", 1, -4.0, (rewarded("bm25", 0.1),)),
        RewardRecord("r/2", "r", "python", "a.py", "x", 1, -3.0, ()),
    ]
    document = reward_figures(records)
    assert document["tasks_with_candidates"] == 2
    assert document["all"]["positive"] == document["all"]["negative"] == pytest.approx(100 / 3)
    assert document["by_source"]["bm25"]["reward_mean"] == pytest.approx(0.55)
    assert document["best_of_task_mean"] == pytest.approx(0.55)
    assert document["tasks_without_positive_percent"] == 50


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
    assert [again[each.task_id].num_truth_tokens for each in records] == [each.num_truth_tokens for each in records]
    assert run((*arguments, "--candidates", "3")) == 6
    assert "holds another run (plan)" in capsys.readouterr().err
