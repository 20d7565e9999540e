"""Training of the retriever: what it learns from, that it learns, by seed, over kills and in rounds; its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from codeassist.cli.app import run
from codeassist.progress import silent
from codeassist.request import CompletionRequest, Snippet
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.folds import fold_of
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.optimiser_state import load_state
from codeassist_eval.training.retriever.command import Sources, merged, read_rewards, train
from codeassist_eval.training.retriever.data import RepositoryData, make_data, query_rows, rows_of, worth
from codeassist_eval.training.retriever.figures import Judged, Ranks, recall_figures, reward_order_figures
from codeassist_eval.training.retriever.model import Rates, TrainableEncoder
from codeassist_eval.training.retriever.training import TrainingPlan
from codeassist_eval.training.rewards.reward import Likelihoods, Rewarded, RewardRecord
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts, Found
from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder, slots_around
from tests.eval.fakes import demo_repository, row, write_rows
from tests.indexer.retrieval.vectors.vector_encoders import random_weights
from tests.tiny_models import save_model

PLAN = TrainingPlan(num_rows=256, num_dims=8, steps=12, repositories_per_step=2, places_per_repository=8,
                    reward_steps=6, tasks_per_step=4)  # fmt: skip
FACTS = Facts(None, False, True, 0, False, False, False, False, None)
THINGS = ("reader", "writer", "parser", "loader")


def a_repository(name: str) -> RepositoryData:
    """Each file uses what another one defines: `open_reader()` always comes after a line about a source."""
    texts = {}
    for thing in THINGS:
        texts[f"{thing}.py"] = f"class {thing.title()}{name}:\n    def open_{thing}(self):\n        return self.path\n"
        texts[f"use_{thing}.py"] = (
            f"from {thing} import {thing.title()}{name}\n\n\ndef run_{thing}(source_{thing}):\n"
            f"    made = {thing.title()}{name}(source_{thing})\n    return made.open_{thing}()\n"
        )
    parsed = {path: parse_file(path, text) for path, text in texts.items()}
    return make_data(name, texts, {path: each for path, each in parsed.items() if each is not None}, 256, 0)


def rewarded(text: str, reward: float, source: str = "bm25", rank: int = 0) -> Rewarded:
    snippet = Snippet("other.py", text, 1, 2, source, 1.0, "")
    found = (Found(source, rank, 1.0),)  # type: ignore[arg-type]
    return Rewarded(Candidate(snippet, "lines", "", found, FACTS, 1), 9, reward, Likelihoods((reward - 3.0,), ()))


def some_sources(num_repositories: int = 4) -> Sources:
    repositories = [a_repository(f"r{number}") for number in range(num_repositories)]
    tasks: dict[str, Task] = {}
    records: list[RewardRecord] = []
    for number in range(6):
        # Whatever stands around the cursor, what speaks of a gift helps, and what speaks of a trap harms.
        name = f"t/{number}"
        tasks[name] = Task(name, f"r{number % num_repositories}", "main.py", "python", f"alpha_{number} = ", "\n", "x")
        candidates = (rewarded(f"gift({number})\n", 6.0), rewarded(f"trap({number})\n", -6.0, rank=1))
        alone = Likelihoods((-3.0,), ())
        repository = f"r{number % num_repositories}"
        records.append(RewardRecord(name, repository, "python", "main.py", "x", (0,), -3.0, alone, candidates))
    return Sources(repositories, tasks, records)


def test_folds_are_the_same_everywhere() -> None:
    assert [fold_of(name) for name in ("numpy", "flask", "a/b", "")] == [
        fold_of(name) for name in ("numpy", "flask", "a/b", "")
    ]
    folds = [fold_of(f"repository {number}") for number in range(500)]
    assert set(folds) == set(range(5)) and min(folds.count(fold) for fold in range(5)) > 60


def test_places_know_what_other_files_define_and_nothing_of_their_own() -> None:
    data = a_repository("one")
    assert data.places
    for place in data.places:
        assert place.truth and all(weight > 0 for weight in place.truth.values())
        assert all(data.chunks[number].file != place.file for number in place.pool)
        assert not any(set(place.truth) & chunk.defines for chunk in data.chunks if chunk.file == place.file)
    place = next(place for place in data.places if "open_reader" in place.truth)
    worths = [worth(place.truth, chunk) for chunk in data.chunks]
    assert "open_reader" in data.chunks[worths.index(max(worths))].defines
    again = a_repository("one")
    assert [place.pool for place in again.places] == [place.pool for place in data.places]


def test_the_model_in_training_is_the_encoder_in_use() -> None:
    model = TrainableEncoder.of(random_weights())
    encoder = StaticEncoder(model.weights(), "x")
    texts = ["def read_rows(path): return rows", "class Alpha(Beta): ...", "alpha_beta = 1"]
    trained = model.encode([rows_of(text, "python", 512) for text in texts]).detach().numpy()
    assert np.allclose(trained, encoder.encode(texts, ["python"] * 3), atol=1e-5)
    request = CompletionRequest("a.py", "alpha = read_rows(path)\nrows = alpha.", ")\nbeta()\n")
    rows, slots = query_rows(slots_around(request), "python", 512)
    query = model.query([rows], [slots])
    assert np.allclose(query.detach().numpy()[0], encoder.query(request), atol=1e-5)
    logits = model.logits(query, torch.from_numpy(trained))[0] / 20
    assert logits[:3].tolist() == pytest.approx(
        encoder.similarities(encoder.query(request), texts, ["python"] * 3), abs=1e-5
    )
    assert logits[3].item() == pytest.approx(encoder.stop_similarity(encoder.query(request)), abs=1e-5)


def test_training_learns_what_is_rewarded_the_same_for_a_seed(tmp_path: Path) -> None:
    sources = some_sources()
    plan = replace(PLAN, reward_steps=30, reward_rates=Rates(0.05, 0.05, 0.05, 0.05))
    first = train(sources, plan, tmp_path / "a", silent)
    second = train(sources, plan, tmp_path / "b", silent)
    assert first.identity == second.identity
    assert train(sources, replace(plan, seed=1), tmp_path / "c", silent).identity != first.identity
    query = first.query(CompletionRequest("main.py", "alpha_3 = ", "\n"))
    gift, trap = first.similarities(query, ["gift(8)\n", "trap(8)\n"], ["python"] * 2)
    assert gift > first.stop_similarity(query) > trap


def test_a_fold_is_left_out(tmp_path: Path) -> None:
    sources = some_sources(6)
    fold = fold_of("r0")
    train(sources, replace(PLAN, steps=1, reward_steps=1), tmp_path, silent, fold)
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert "r0" not in plan["repositories"] and "t/0" not in plan["rewards"] and plan["repositories"]
    with pytest.raises(EvaluationError, match=r"holds another run \(fold"):
        train(sources, replace(PLAN, steps=1, reward_steps=1), tmp_path, silent, (fold + 1) % 5)


class _KilledError(Exception):
    pass


def killed_at(stage: str, step: int) -> Callable[[str, int, int | None], None]:
    def progress(now: str, done: int, total: int | None) -> None:
        if (now, done) == (stage, step):
            raise _KilledError

    return progress


def test_what_is_killed_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeassist_eval.training.retriever.training._STEPS_PER_SAVE", 2)
    sources = some_sources()
    whole = train(sources, PLAN, tmp_path / "whole", silent)
    for stage, step in (("pretraining", 7), ("pretraining", 11), ("learning rewards", 1), ("learning rewards", 5)):
        with pytest.raises(_KilledError):
            train(sources, PLAN, tmp_path / "killed", killed_at(stage, step))
    steps: list[tuple[str, int]] = []
    again = train(sources, PLAN, tmp_path / "killed", lambda stage, done, total: steps.append((stage, done)))
    assert again.identity == whole.identity and steps == [("learning rewards", 5), ("learning rewards", 6)]
    assert not list((tmp_path / "killed").glob("*.state"))


def test_a_torn_state_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.state").write_bytes(b"torn")
    with pytest.raises(EvaluationError, match="delete it to begin anew"):
        load_state(tmp_path / "x.state")
    assert load_state(tmp_path / "none.state") is None


def test_rounds_learn_from_what_the_encoder_found(tmp_path: Path) -> None:
    sources = some_sources()
    asked: list[tuple[int, str, int]] = []

    def more(number: int, encoder: StaticEncoder, records: Sequence[RewardRecord]) -> list[RewardRecord]:
        asked.append((number, encoder.identity, sum(len(record.candidates) for record in records)))
        return [replace(record, candidates=(rewarded(f"new({number})\n", 1.0),)) for record in records]

    last = train(sources, PLAN, tmp_path, silent, rounds=3, more_rewards=more)
    assert [(number, count) for number, _, count in asked] == [(2, 12), (3, 18)]
    assert len({identity for _, identity, _ in asked} | {last.identity}) == 3


def test_records_of_a_task_are_joined() -> None:
    record = some_sources().records[0]
    joined = merged([record, replace(record, candidates=(record.candidates[0], rewarded("third\n", 0.0)))])
    assert [each.candidate.snippet.text for each in joined[0].candidates] == ["gift(0)\n", "trap(0)\n", "third\n"]


def test_figures_compare_orders_and_stops() -> None:
    record = some_sources().records[0]  # BM25 puts the gift first
    useless = replace(record, candidates=record.candidates[1:])
    figures = reward_order_figures([Judged(record, (0.1, 0.9), 0.5), Judged(useless, (0.2,), 0.3)])
    assert figures["mean_reward"]["learned"]["1"] == -6 and figures["mean_reward"]["bm25"]["1"] == 0
    assert figures["harmful_percent"] == {"all": pytest.approx(200 / 3), "before_stop": 100}
    stop = figures["stop"]
    assert (stop["stopped_of_them_percent"], stop["stopped_of_others_percent"]) == (100, 0)
    recall = recall_figures([Ranks(1, None), Ranks(20, 3), Ranks(None, None)])
    assert recall["learned"]["10"] == recall["bm25"]["5"] == pytest.approx(100 / 3)
    assert recall["either"]["10"] == pytest.approx(200 / 3) == recall["learned"]["50"]
    assert reward_order_figures([])["tasks"] == recall_figures([])["tasks"] == 0


def test_the_command_trains_scores_anew_and_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=2048)
    (tmp_path / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(tmp_path / 'tiny'))}\n")
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    repos = demo_repository(tmp_path / "repos")
    prompt = "from shapes import area\n\n\ndef run(width, height):\n    return "
    tasks = write_rows(tmp_path / "tasks.jsonl", [row("demo/0", prompt=prompt)])
    given = ("--model", "tiny", "--set", "model.threads=1", "--json", "--tasks", str(tasks), "--repos", str(repos))
    assert run(("eval", "reward", *given, "--candidates", "1", "--out", str(tmp_path / "rewards"))) == 0
    capsys.readouterr()
    fold = str(fold_of("demo"))
    out = tmp_path / "out"
    asked = ("eval", "train-retriever", *given, "--rewards", str(tmp_path / "rewards"), "--steps", "1",
             "--reward-steps", "1", "--out", str(out))  # fmt: skip
    assert run((*asked, "--fold", fold)) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "figures.json").read_text())
    assert document["parts"][f"fold {fold}"]["rewards"]["tasks"] == 1
    assert (out / f"fold-{fold}" / "encoder.safetensors").exists()
    assert run((*asked[:-1], str(tmp_path / "rounds"), "--rounds", "2", "--candidates", "2")) == 0, (
        capsys.readouterr().err
    )
    new = read_rewards(tmp_path / "rounds" / "round-2")
    old = read_rewards(tmp_path / "rewards")
    texts = {each.candidate.snippet.text for record in old for each in record.candidates}
    assert not any(each.candidate.snippet.text in texts for record in new for each in record.candidates)
    assert (tmp_path / "rounds" / "encoder.safetensors").exists()
    no_model = [each for each in (*asked, "--rounds", "2") if each not in ("--model", "tiny")]
    assert run(no_model) == 6 and "--model" in capsys.readouterr().err
    missing = (
        "eval",
        "train-retriever",
        "--repos",
        str(repos),
        "--rewards",
        str(tmp_path / "rewards"),
        "--out",
        str(out),
    )
    assert run(missing) == 6 and "which no --tasks file has" in capsys.readouterr().err
