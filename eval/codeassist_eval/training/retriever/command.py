"""A run that trains the retriever: which repositories and rewards it learns from, stage by stage, and goes on later.

A folder holds one run: a part that was killed goes on from its last saved step.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.record_log import claim
from codeassist_eval.tasks.folds import fold_of
from codeassist_eval.tasks.repositories import Repositories, repository_folders
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.optimiser_state import load_state, save_state
from codeassist_eval.training.retriever.data import RepositoryData, query_rows, read_repository, rows_of
from codeassist_eval.training.retriever.model import TrainableEncoder
from codeassist_eval.training.retriever.training import (
    RewardExample,
    TrainingPlan,
    learn_rewards,
    new_encoder,
    pretrain,
)
from codeassist_eval.training.rewards.reward import Rewarded, RewardRecord, as_reward
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder, load_encoder, save_encoder, slots_around

ENCODER = "encoder.safetensors"


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to learn from: repositories, and tasks of some of them with their rewards."""

    repositories: Sequence[RepositoryData]
    tasks: Mapping[str, Task]
    records: Sequence[RewardRecord]

    def without(self, fold: int | None) -> Sources:
        """Return what a training may see that leaves a fold out; all of it for None."""
        if fold is None:
            return self
        return Sources(
            [each for each in self.repositories if fold_of(each.name) != fold],
            self.tasks,
            [each for each in self.records if fold_of(each.repository) != fold],
        )


def read_sources(
    repositories: Iterable[Repositories],
    tasks: Iterable[Task],
    reward_folders: Iterable[Path],
    plan: TrainingPlan,
    progress: Progress,
) -> Sources:
    """Read everything. Raises EvaluationError for rewards of tasks that are not given."""
    folders = [folder for each in repositories for folder in repository_folders(each)]
    data: list[RepositoryData] = []
    for number, folder in enumerate(folders):
        progress("reading repositories", number, len(folders))
        data.append(read_repository(folder, plan.num_rows, plan.seed))
    by_id = {task.task_id: task for task in tasks}
    records = merged(record for folder in reward_folders for record in read_rewards(folder))
    missing = next((record.task_id for record in records if record.task_id not in by_id), None)
    if missing is not None:
        raise EvaluationError(f"rewards of task {missing}, which no --tasks file has; name the file that they are of")
    return Sources(data, by_id, records)


def read_rewards(folder: Path) -> list[RewardRecord]:
    """Read a folder of `eval reward`, which may still grow: a last line that is not whole is left alone."""
    path = folder / "rewards.jsonl"
    try:
        lines = path.read_bytes().rpartition(b"\n")[0].splitlines()
        return [as_reward(json.loads(line)) for line in lines]
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read ({error.strerror}); make it with `eval reward`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path}: not rewards of this program ({error})") from error


def merged(records: Iterable[RewardRecord]) -> list[RewardRecord]:
    """Return one record a task, with the candidates of all of them, each text once."""
    by_task: dict[str, RewardRecord] = {}
    for record in records:
        before = by_task.get(record.task_id)
        if before is not None:
            texts = {_text(each) for each in before.candidates}
            new = tuple(each for each in record.candidates if _text(each) not in texts)
            record = dataclasses.replace(before, candidates=(*before.candidates, *new))
        by_task[record.task_id] = record
    return list(by_task.values())


def example_of(record: RewardRecord, task: Task, num_rows: int) -> RewardExample:
    """Return what training sees of a task: rows of its surroundings and of its candidates, and the rewards."""
    around = slots_around(CompletionRequest(task.path, task.prefix, task.suffix))
    rows, slots = query_rows(around, language_of(task.path) or "", num_rows)
    texts = [each.candidate.snippet for each in record.candidates]
    candidates = [rows_of(text.text, language_of(text.path) or "", num_rows) for text in texts]
    return RewardExample(rows, slots, candidates, [each.reward for each in record.candidates])


MoreRewards = Callable[[int, StaticEncoder, Sequence[RewardRecord]], Sequence[RewardRecord]]


def train(
    sources: Sources,
    plan: TrainingPlan,
    folder: Path,
    progress: Progress,
    fold: int | None = None,
    rounds: int = 1,
    more_rewards: MoreRewards | None = None,
) -> StaticEncoder:
    """Train one encoder in `folder`, leaving a fold out, or go on there; return it.

    A round learns from all rewards that there are. Before each further one, `more_rewards(round, encoder, records)`
    scores what the present encoder finds.
    """
    seen = sources.without(fold)
    identity = {
        "plan": dataclasses.asdict(plan),
        "fold": fold,
        "rounds": rounds,
        "repositories": [each.name for each in seen.repositories],
        "rewards": {each.task_id: len(each.candidates) for each in seen.records},
    }
    claim(folder, identity)
    about = {
        "trained_on": f"{len(seen.repositories)} repositories, {len(seen.records)} tasks with rewards",
        "seed": str(plan.seed),
        "dims": str(plan.num_dims),
        "fold": "none" if fold is None else str(fold),
    }
    first = folder / "pretrained.safetensors"
    if not first.exists():
        encoder = new_encoder(seen.repositories, plan)
        state = folder / "pretraining.state"
        pretrain(encoder, seen.repositories, plan, progress, load_state(state), partial(save_state, state))
        save_encoder(first, encoder.weights(), about)
        state.unlink(missing_ok=True)
    path, records = first, list(seen.records)
    for number in range(1, rounds + 1):
        before, path = path, folder / (ENCODER if number == rounds else f"round-{number}.safetensors")
        if number > 1 and more_rewards is not None:
            records = merged([*records, *more_rewards(number, _load(before), records)])
        if path.exists():
            continue
        encoder = TrainableEncoder.of(_load(before).weights)
        state = folder / f"round-{number}.state"
        found = [record for record in records if record.candidates]
        examples = [example_of(record, sources.tasks[record.task_id], plan.num_rows) for record in found]
        save = partial(save_state, state)
        learn_rewards(encoder, examples, plan, progress, load_state(state), save)
        save_encoder(path, encoder.weights(), about)
        state.unlink(missing_ok=True)
    return _load(path)


def _load(path: Path) -> StaticEncoder:
    encoder = load_encoder(path)
    assert encoder is not None  # None is what a missing shipped one gives
    return encoder


def _text(rewarded: Rewarded) -> tuple[str, str]:
    return rewarded.candidate.snippet.path, rewarded.candidate.snippet.text
