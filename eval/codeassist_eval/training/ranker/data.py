"""Reward logs, task files and repositories read into what a ranker learns from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from codeassist.progress import Progress
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.contexts.rankers import encoder_of
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.folds import NUM_FOLDS
from codeassist_eval.tasks.repositories import open_repositories
from codeassist_eval.training.ranker.examples import Example, make_examples
from codeassist_eval.training.ranker.places import guessed_examples
from codeassist_eval.training.ranker.study import Material
from codeassist_eval.training.rewards.reward import RewardRecord, as_reward
from codeassist_indexer.retrieval.vectors.encoder import Encoder


def read_material(
    data: Sequence[tuple[Path, Path, Path]],
    encoder_folder: Path | None,
    places_each: int,
    seed: int,
    cache: Path,
    out: Path,
    progress: Progress,
) -> tuple[Material, dict[str, str]]:
    """Return what there is to learn from, and what a ranker's file should say of it.

    `data`: for each set a folder of rewards, its task file and its repositories. Places whose rewards are guessed are
    kept in `out`, and cut anew when the repositories, the features or the encoders have changed.
    """
    encoders = _encoders(encoder_folder)
    measured: list[Example] = []
    guessed: list[Example] = []
    digest = hashlib.sha256()
    for number, (rewards, tasks_path, repos) in enumerate(data):
        records = read_rewards(rewards)
        digest.update((rewards / "rewards.jsonl").read_bytes())
        tasks = {task.task_id: task for task in load_tasks(tasks_path)}
        measured += make_examples(records, tasks, encoders)
        if places_each:
            repositories = open_repositories(repos, cache / "repositories")
            with closing(IndexContexts(repositories, cache / "indexes", "full")) as contexts:
                kept = out / f"places-{number}.safetensors"
                guessed += guessed_examples(repositories, contexts, places_each, seed, encoders, progress, kept)
    about = {"rewards_sha256": digest.hexdigest()[:16], "data": ", ".join(rewards.name for rewards, _, _ in data)}
    return Material(measured, guessed, tuple(encoder.identity for encoder in encoders)), about


def read_rewards(folder: Path) -> list[RewardRecord]:
    """Return what a run of `eval reward` has written so far. Raises EvaluationError where there is none."""
    path = folder / "rewards.jsonl"
    try:
        content = path.read_text(encoding="utf-8")
        return [as_reward(json.loads(line)) for line in content[: content.rfind("\n") + 1].splitlines()]
    except OSError as error:
        raise EvaluationError(
            f"{path}: cannot be read ({error.strerror}); make it with `codeassist eval reward`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path}: not what `codeassist eval reward` writes ({error})") from error


def _encoders(folder: Path | None) -> list[Encoder]:
    """Return the encoders of the folds and the one of all, or none."""
    if folder is None:
        return []
    found = [encoder_of(folder, fold) for fold in (*range(NUM_FOLDS), None)]
    return [encoder for encoder in found if encoder is not None]
