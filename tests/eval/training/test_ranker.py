"""Training of the ranker: it learns what is there to learn, the same each time; and a repository's own ranker."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from codeassist.cli.app import run
from codeassist.request import CompletionRequest, Snippet
from codeassist.settings.layers import locate
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.contexts.rankers import LearnedContext, Rankers
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.folds import NUM_FOLDS, fold_of
from codeassist_eval.tasks.paired_bootstrap import probability_of_better
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.ranker.examples import Example
from codeassist_eval.training.ranker.figures import best_order, chosen_order, found_order, gain_order, order_figures
from codeassist_eval.training.ranker.places import cut_places, guessed_examples
from codeassist_eval.training.ranker.training import TrainingPlan, train_ranker
from codeassist_eval.training.rewards.name_rewards import fit_name_worth, guess_rewards, name_facts
from codeassist_eval.training.rewards.reward import Likelihoods, Rewarded, RewardRecord
from codeassist_indexer.retrieval.ranking.features import NAMES
from codeassist_indexer.retrieval.ranking.ranker import load_ranker, tuned_path
from codeassist_indexer.retrieval.ranking.selection import Rules
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts, Found
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.retrieval.vectors.static_encoder import load_encoder, save_encoder
from codeassist_indexer.storage.store import database_path
from tests.eval.fakes import write_rows
from tests.indexer.retrieval.vectors.vector_encoders import random_weights
from tests.tiny_models import save_model

PLAN = TrainingPlan(width=16, epochs=15, guessed_epochs=4)
FACTS = Facts(0, True, True, 0, False, False, False, False, None)


def examples(num: int, seed: int) -> list[Example]:
    """Candidates that help by how near they are named, and harm where they are tests."""
    random = np.random.default_rng(seed)
    made: list[Example] = []
    for number in range(num):
        size = int(random.integers(1, 9))
        rows = random.normal(0, 1, (size, len(NAMES))).astype(np.float32)
        rewards = 3 * rows[:, NAMES.index("nearness")] - 2 * np.maximum(rows[:, NAMES.index("is_test_file")], 0)
        snippets = [Snippet(f"f{n}.py", f"line_{n}_of_{number}()\n", 1, 2, "bm25", 1.0, "") for n in range(size)]
        found = (Found("bm25", 0, 1.0),)
        candidates = tuple(Candidate(each, "lines", "", found, FACTS, 1) for each in snippets)
        names = np.tile(np.maximum(rewards, 0)[:, None] / 9, (1, 3)).astype(np.float32)
        none = np.zeros((0, size), np.float32)
        made.append(Example(f"r{number % 7}", rows, rewards.astype(np.float32), names, none, candidates))
    return made


def test_a_ranker_learns_what_helps_and_what_harms() -> None:
    seed = int(np.random.default_rng().integers(1 << 31))
    print(f"seed {seed}")
    ranker = train_ranker(examples(200, seed), plan=replace(PLAN, width=32, epochs=60, dropout=0.0))
    unseen = examples(60, seed + 1)
    by_gain, as_found, best = (order_figures(unseen, order) for order in (gain_order(ranker), found_order, best_order))
    assert as_found["reward_top_1"] < 0.5 * best["reward_top_1"] < by_gain["reward_top_1"]
    chosen = order_figures(unseen, chosen_order(ranker, 4_000, Rules(0.3)))
    assert chosen["harmful_percent"] < 0.5 * as_found["harmful_percent"]
    assert chosen["stopped_percent"] > 50 > chosen["lost_percent"]


def test_training_is_reproducible_and_goes_on() -> None:
    some = examples(20, 1)
    one, two, other = (train_ranker(some, some, replace(PLAN, seed=seed)) for seed in (3, 3, 4))
    rows = some[0].rows
    assert (one.judge(rows).gains == two.judge(rows).gains).all()
    assert (one.judge(rows).gains != other.judge(rows).gains).any()
    further = train_ranker(examples(20, 2), plan=PLAN, begin_with=one)
    assert (further.mean == one.mean).all() and (further.judge(rows).gains != one.judge(rows).gains).any()
    with pytest.raises(EvaluationError, match="another width"):
        train_ranker(some, plan=replace(PLAN, width=8), begin_with=one)
    with pytest.raises(EvaluationError, match="too few"):
        train_ranker(some[:3], plan=PLAN)


def test_names_of_the_truth_make_guesses() -> None:
    request = CompletionRequest("a.py", "import store\n\nvalue = open_store()\nresult = ", "\n")
    texts = ["def price_of(item): ...\n", "nothing = 1\n", "x = store.price_of(item, 1)\n", "value\n"]
    found = [
        Candidate(Snippet("b.py", text, 1, 2, "bm25", 1.0, ""), "lines", "", (Found("bm25", 0, 1.0),), FACTS, 1)
        for text in texts
    ]
    facts = name_facts(request, "store.price_of(item)", found)
    assert facts[:, 0] == pytest.approx([2 / 3, 0, 2 / 3, 0])
    assert facts[:, 1] == pytest.approx([2 / 3, 0, 1, 0])
    assert facts[:, 2] == pytest.approx([0, 0, 19 / 20, 0])
    rewards = np.array([3.0, -0.5, 5.0, -0.5], dtype=np.float32)
    worth = fit_name_worth(facts, rewards)
    assert guess_rewards(facts, worth) == pytest.approx(rewards, abs=0.2)
    assert (name_facts(request, "", found) == 0).all() and name_facts(request, "x", []).shape == (0, 3)


def test_how_sure_a_difference_is() -> None:
    assert probability_of_better(np.ones(5), 0) == 1 and probability_of_better(-np.ones(5), 0) == 0
    assert 0.2 < probability_of_better(np.array([1.0, -1.0] * 20), 0) < 0.8


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    """Repositories of small modules that use each other."""
    words = ["ledger", "invoice", "customer", "payment", "report", "archive", "window", "parser", "shipment", "tariff"]
    for repository in ("one", "two", "three", "four", "five", "six"):
        folder = tmp_path / "repos" / repository
        folder.mkdir(parents=True)
        for number, word in enumerate(words):
            other = words[(number + 3) % len(words)]
            (folder / f"{word}s.py").write_text(
                f"from {other}s import {other.title()}, open_{other}\n\n\nclass {word.title()}:\n"
                f"    def total_{word}(self, amount):\n        return amount + 1\n\n\n"
                f"def open_{word}(path):\n    return {word.title()}()\n\n\n"
                f"def use_{other}_in_{repository}(path):\n    opened = open_{other}(path)\n"
                f"    print(opened.total_{other}(len(path)))\n    return {other.title()}()\n"
            )
    return Repositories(tmp_path / "repos")


def test_places_are_cut_from_files_and_kept(repositories: Repositories, tmp_path: Path) -> None:
    tasks = cut_places(repositories.root / "one", "one", 20, 0)
    assert (
        tasks
        == cut_places(repositories.root / "one", "one", 20, 0)
        != cut_places(repositories.root / "one", "one", 20, 1)
    )
    for task in tasks:
        text = (repositories.root / "one" / task.path).read_text()
        assert task.prefix + task.groundtruth + task.suffix == text and task.groundtruth.strip()
    assert any("open_" in task.groundtruth or "total_" in task.groundtruth for task in tasks)
    cache = tmp_path / "kept" / "places.safetensors"
    contexts = IndexContexts(repositories, tmp_path / "indexes", "full")
    made = guessed_examples(repositories, contexts, 4, 0, cache=cache)
    contexts.close()
    assert len(made) == 24 and any((example.names[:, 0] > 0).any() for example in made)
    read = guessed_examples(repositories, contexts, 4, 0, cache=cache)  # of the closed index nothing is asked
    for one, two in zip(made, read, strict=True):
        assert one.repository == two.repository
        assert all((getattr(one, name) == getattr(two, name)).all() for name in ("rows", "rewards", "names", "alike"))


def test_the_command_trains_folds_that_evaluation_uses(
    repositories: Repositories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    tasks = [
        task for name in ("one", "two", "three", "six") for task in cut_places(repositories.root / name, name, 6, 0)
    ]
    rows = [_row(task) for task in tasks]
    tasks_path = write_rows(tmp_path / "tasks.jsonl", rows)
    rewards = tmp_path / "rewards"
    rewards.mkdir()
    contexts = IndexContexts(repositories, tmp_path / "indexes", "full")
    records = [_record(task, contexts) for task in load_tasks(tasks_path)]
    contexts.close()
    (rewards / "rewards.jsonl").write_text("".join(json.dumps(asdict(record)) + "\n" for record in records) + '{"torn')
    data = ("--data", str(rewards), str(tasks_path), str(repositories.root))
    out = tmp_path / "ranker"
    assert run(("eval", "train-ranker", *data, "--out", str(out), "--places", "2", "--epochs", "5", "--json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["tasks"] == len([record for record in records if record.candidates])
    orders = document["orders"]
    assert orders["best"]["reward_top_1"] >= max(orders[name]["reward_top_1"] for name in ("ranked", "shipped"))
    with pytest.raises(EvaluationError, match="--encoders"):
        Rankers(LearnedContext(out))
    encoders = _encoders(tmp_path / "encoders")
    rankers = Rankers(LearnedContext(out, encoders))
    task = tasks[0]
    own = load_ranker(out / f"fold-{fold_of(task.repository)}.safetensors")
    assert (rankers.chooser(task).ranker.weights[0] == own.weights[0]).all() and own.stop_gain == 0.3
    encoder = load_encoder(encoders / f"fold-{fold_of(task.repository)}" / "encoder.safetensors")
    assert encoder is not None and getattr(rankers.encoder(task), "identity", None) == encoder.identity
    contexts = IndexContexts(repositories, tmp_path / "indexes", "learned", rankers)
    contexts.retriever(task)
    assert contexts.store(task).query("SELECT DISTINCT encoder FROM vectors WHERE vectors != x''") == [
        (encoder.identity,)
    ], "what is searched are the vectors of the fold's encoder"
    contexts.close()
    others = (
        LearnedContext(out / "ranker.safetensors"),
        LearnedContext(out, encoders, sources=("bm25",)),
        LearnedContext(out, encoders, stop_gain=0.5),
        LearnedContext(out, encoders, drops_negative=True),
    )
    assert len({rankers.identity, *(Rankers(other).identity for other in others)}) == 5
    (out / "fold-0.safetensors").unlink()
    with pytest.raises(EvaluationError, match=f"no rankers of {NUM_FOLDS} folds"):
        Rankers(LearnedContext(out, encoders))
    assert run(("eval", "train-ranker", "--data", str(tmp_path), str(tasks_path), ".", "--out", str(out))) == 6
    assert "eval reward" in capsys.readouterr().err


def _encoders(folder: Path) -> Path:
    for number, name in enumerate(["all", *(f"fold-{fold}" for fold in range(NUM_FOLDS))]):
        (folder / name).mkdir(parents=True)
        save_encoder(folder / name / "encoder.safetensors", random_weights(number), {})
    return folder


def test_tune_keeps_what_is_better_and_says_so(
    repositories: Repositories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=2048)
    (tmp_path / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(tmp_path / 'tiny'))}\n")
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    root = repositories.root / "one"
    (root / ".codeassist.toml").write_text("")
    arguments = (
        "tune",
        str(root),
        "--model",
        "tiny",
        "--places",
        "24",
        "--candidates",
        "2",
        "--set",
        "model.threads=1",
    )
    assert run(("tune", str(root), "--report")) == 6
    assert "never tuned" in capsys.readouterr().err
    assert run((*arguments, "--json")) == 0, capsys.readouterr().err
    report = json.loads(capsys.readouterr().out)
    assert report["held_out_places"] >= 6 and set(report["orders"]) <= {"before", "tuned"}
    own = tuned_path(locate().data, database_path(root, locate().cache))
    assert own.exists() == report["is_kept"]
    assert run(("tune", str(root), "--report", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == report
    logs = list((locate().cache / "tune").glob("*/rewards-*/rewards.jsonl"))
    before = logs[0].read_text()
    assert run(arguments) == 0  # what was scored is not scored again
    assert logs[0].read_text() == before and "places in files that nothing was learned from" in capsys.readouterr().out
    assert run(("tune", str(root), "--reset")) == 0 and not own.exists()
    single = tmp_path / "single"
    single.mkdir()
    (single / ".codeassist.toml").write_text("")
    (single / "only.py").write_text("value = 1\n")
    assert run(("tune", str(single), "--model", "tiny")) == 6
    assert "too few to tell" in capsys.readouterr().err


def _row(task: Task) -> dict[str, object]:
    about = {"task_id": task.task_id, "repository": task.repository, "file": task.path, "context_start_lineno": 0,
             "groundtruth_start_lineno": 1, "right_context_start_lineno": 2}  # fmt: skip
    return {"prompt": task.prefix, "groundtruth": task.groundtruth, "right_context": task.suffix, "metadata": about}


def _record(task: Task, contexts: IndexContexts) -> RewardRecord:
    store = contexts.store(task)
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    found = find_candidates(store, request, store.collection(), Deadline(None), search=LearnedSearch(store)).candidates[
        :8
    ]
    facts = name_facts(request, task.groundtruth, found)
    rewards = [float(4 * fact[0] - 0.5) for fact in facts]
    rewarded = tuple(
        Rewarded(each, 10, reward, Likelihoods((reward - 9.0,), ()))
        for each, reward in zip(found, rewards, strict=True)
    )
    alone = Likelihoods((-9.0,), ())
    return RewardRecord(
        task.task_id, task.repository, "python", task.path, task.groundtruth, (0,), -9.0, alone, rewarded
    )
