"""A ranker for one repository: trained on places cut from it, kept only where it beats the one that was there.

Files are split, not places: what is judged on stands in files that nothing was learned from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from codeassist.completion.session import Session
from codeassist.errors import CodeAssistError
from codeassist.progress import Progress
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import read_json, write_json
from codeassist_eval.tasks.paired_bootstrap import probability_of_better
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.ranker.examples import Example, make_examples
from codeassist_eval.training.ranker.figures import chosen_order, order_figures, worth_of_order
from codeassist_eval.training.ranker.places import cut_places, examples_of
from codeassist_eval.training.ranker.training import TrainingPlan, train_ranker
from codeassist_eval.training.rewards.reward import RewardPlan, measure_rewards, reward_log
from codeassist_indexer.retrieval.ranking.ranker import Ranker, rules_of
from codeassist_indexer.retrieval.ranking.selection import Rules
from codeassist_indexer.retrieval.vectors.encoder import Encoder

REPORT = "report.json"
_LEAST_HELD_OUT = 6
_SURE = 0.8
_MAX_CHARS = 4096  # of snippets, as in a prompt of 2,048 tokens


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """`num_places` cut from the repository, and of each so many candidates scored by the model."""

    num_places: int = 60
    num_candidates: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tuning:
    """What came of it. `ranker` None: what was there is better, or as good. `report` is for people and JSON."""

    ranker: Ranker | None
    report: dict[str, Any]


def tune_ranker(
    root: Path, session: Session, former: Ranker | None, encoder: Encoder | None, plan: TuningPlan, folder: Path,
    progress: Progress,
) -> Tuning:  # fmt: skip
    """Score places of the repository at `root`, train, compare with `former` on files held out.

    What was scored stands in `folder`: a run that was interrupted goes on, one over changed files starts over. Raises
    EvaluationError where the repository is too small to learn from.
    """
    tasks = cut_places(root, root.name, plan.num_places, plan.seed)
    held_out = _held_out(tasks)
    learned = [task for task in tasks if task not in held_out]
    if len(held_out) < _LEAST_HELD_OUT or len(learned) < 2 * _LEAST_HELD_OUT:
        raise EvaluationError(
            f"{root}: {len(tasks)} places can be cut from it, {len(held_out)} of them in files held out: too few to "
            "tell whether a ranker of its own is better; the one that is there stays"
        )
    reward_plan = RewardPlan(plan.num_candidates)
    identity = {"places": _digest(tasks), "model": session.model_name, "candidates": plan.num_candidates}
    rewards = folder / f"rewards-{_digest(tasks)[:12]}-{hashlib.sha256(session.model_name.encode()).hexdigest()[:6]}"
    with closing(IndexContexts(Repositories(root.parent), folder / "index", "full")) as contexts:
        log = reward_log(rewards, identity)
        records = measure_rewards(session, contexts, tasks, reward_plan, log, progress, former)
        encoders = [] if encoder is None else [encoder]
        measured = [_seen(each) for each in make_examples(records, {task.task_id: task for task in tasks}, encoders)]
        guessed = [_seen(each) for each in examples_of(learned, contexts, encoders, progress)]
    of_task = {record.task_id: example for record, example in zip(records, measured, strict=True)}
    training = [of_task[task.task_id] for task in learned]
    judged = [of_task[task.task_id] for task in held_out if len(of_task[task.task_id].rewards)]
    stop_gain = Rules().stop_gain if former is None else rules_of(former).stop_gain
    about = {
        "tuned": date.today().isoformat(),
        "stop_gain": str(stop_gain),
        **({} if encoder is None else {"encoder": encoder.identity}),
    }
    begin_with = former if _can_begin(former, encoder) else None
    ranker = train_ranker(training, guessed, TrainingPlan(seed=plan.seed), about, progress, begin_with)
    return _compare(ranker, former, judged, Rules(stop_gain), len(training))


def _compare(
    ranker: Ranker, former: Ranker | None, judged: Sequence[Example], rules: Rules, num_training: int
) -> Tuning:
    """Judge both on tasks held out: the nats that each one's choice brings."""
    new = chosen_order(ranker, _MAX_CHARS, rules)
    figures = {"tuned": order_figures(judged, new)}
    report: dict[str, Any] = {"training_places": num_training, "held_out_places": len(judged), "orders": figures}
    if former is None:
        return Tuning(ranker, report | {"is_kept": True, "probability_better": None})
    old = chosen_order(former, _MAX_CHARS, rules_of(former))
    report["orders"] = {"before": order_figures(judged, old), **figures}
    differences = np.array([worth_of_order(each, new) - worth_of_order(each, old) for each in judged])
    sureness = probability_of_better(differences, seed=0)
    is_kept = sureness >= _SURE
    report |= {"is_kept": is_kept, "probability_better": sureness, "gain_nats": float(differences.mean())}
    return Tuning(ranker if is_kept else None, report)


def read_report(folder: Path) -> Mapping[str, Any]:
    """Return what the last tuning said. Raises EvaluationError where there was none."""
    path = folder / REPORT
    if not path.exists():
        raise EvaluationError("this repository was never tuned; run `codeassist tune` first")
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise CodeAssistError(f"{path}: cannot be read ({error}); run `codeassist tune` again") from error


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Keep what a tuning said."""
    write_json(folder / REPORT, report)


def _can_begin(former: Ranker | None, encoder: Encoder | None) -> bool:
    """Whether the former ranker's weights mean the same for the features of today's encoder."""
    identity = None if encoder is None else encoder.identity
    return former is not None and former.metadata.get("encoder") == identity


def _seen(example: Example) -> Example:
    return example.seen_by(0) if len(example.alike) else example


def _held_out(tasks: Sequence[Task]) -> list[Task]:
    """Return a third of the places, all that stand in some files; which, a hash of the paths says."""

    def draw(path: str) -> bytes:
        return hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()

    held_out: list[Task] = []
    for path in sorted({task.path for task in tasks}, key=draw):
        if len(held_out) < len(tasks) / 3:
            held_out += [task for task in tasks if task.path == path]
    return held_out


def _digest(tasks: Sequence[Task]) -> str:
    texts = json.dumps([(task.task_id, task.path, task.prefix, task.groundtruth) for task in tasks])
    return hashlib.sha256(texts.encode("utf-8", "surrogateescape")).hexdigest()
