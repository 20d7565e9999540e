"""The whole of `eval train-retriever`: what is asked for, trained, measured on repositories left out, written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.engines.local_engine import evaluation_settings, local_engine
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import write_json
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.folds import fold_of
from codeassist_eval.tasks.repositories import Repositories, open_repositories
from codeassist_eval.tasks.task import Task, sample
from codeassist_eval.training.retriever.command import MoreRewards, Sources, read_sources, train
from codeassist_eval.training.retriever.figures import (
    Judged,
    Ranks,
    judged,
    measure_ranks,
    recall_figures,
    reward_order_figures,
)
from codeassist_eval.training.retriever.rounds import score_found
from codeassist_eval.training.retriever.training import TrainingPlan
from codeassist_eval.training.rewards.reward import RewardPlan, RewardRecord, reward_settings
from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder
from codeassist_indexer.storage.store import Store

_LIMITS = Limits(64, 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; see the options of `eval train-retriever`. None takes the plan's own number."""

    repos: Sequence[Path]
    rewards: Sequence[Path]
    tasks: Sequence[Path]
    out: Path
    folds: Sequence[int] = ()
    whole: bool = False
    rounds: int = 1
    model: str | None = None
    candidates: int = 4
    steps: int | None = None
    reward_steps: int | None = None
    recall_tasks: int = 100
    seed: int = 0
    assignments: Sequence[str] = ()


def run_training(request: Request, progress: Progress) -> dict[str, Any]:
    """Train what is asked for and return the figures, which also stand in `out`/figures.json."""
    if request.rounds > 1 and request.model is None:
        raise EvaluationError("further rounds score what is found; name the model that does with --model")
    plan = _plan(request)
    reward_plan = RewardPlan(request.candidates)
    settings = (*reward_settings(reward_plan), *request.assignments)
    cache = evaluation_settings(None, request.assignments, _LIMITS).places.cache / "eval"
    repositories = [open_repositories(each, cache / "repositories") for each in request.repos]
    tasks = [task for path in request.tasks for task in load_tasks(path)]
    sources = read_sources(repositories, tasks, request.rewards, plan, progress)
    parts: dict[str, _Part] = {}
    with ExitStack() as stack:
        indexes = _Indexes(repositories, cache / "indexes", stack)
        rewarding = _Rewarding(request, sources, reward_plan, settings, indexes, stack, progress)
        for fold in request.folds:
            folder = request.out / f"fold-{fold}"
            encoder = train(sources, plan, folder, progress, fold, request.rounds, rewarding.within(folder))
            parts[f"fold {fold}"] = _measured(encoder, sources, fold, request, indexes, progress)
        if request.whole or not request.folds:
            folder = request.out / "all" if request.folds else request.out
            train(sources, plan, folder, progress, None, request.rounds, rewarding.within(folder))
    if len(parts) > 1:
        every = list(parts.values())
        parts["all"] = _Part(
            [each for part in every for each in part.judged], [each for part in every for each in part.ranks]
        )
    document = {
        "repositories": len(sources.repositories),
        "rewarded_tasks": len(sources.records),
        "parts": {name: part.figures() for name, part in parts.items()},
    }
    write_json(request.out / "figures.json", document)
    return document


def _plan(request: Request) -> TrainingPlan:
    plan = TrainingPlan(seed=request.seed)
    if request.steps is not None:
        plan = replace(plan, steps=request.steps)
    return plan if request.reward_steps is None else replace(plan, reward_steps=request.reward_steps)


class _Indexes:
    """Which archive a task's repository is in, and its indexes; opened when they are first asked for."""

    def __init__(self, repositories: Sequence[Repositories], cache: Path, stack: ExitStack) -> None:
        self._repositories = repositories
        self._cache = cache
        self._stack = stack
        self._contexts: dict[Path, IndexContexts] = {}

    def store(self, task: Task) -> Store:
        """Return the index for a task, as `IndexContexts.store` does; EvaluationError where no archive holds it."""
        found = next((each for each in self._repositories[:-1] if _holds(each, task)), self._repositories[-1])
        found.require_all([task])
        if found.root not in self._contexts:
            contexts = IndexContexts(found, self._cache, "full")
            self._contexts[found.root] = self._stack.enter_context(closing(contexts))
        return self._contexts[found.root].store(task)


def _holds(repositories: Repositories, task: Task) -> bool:
    return any((repositories.root / part / task.repository).is_dir() for part in ("", task.language))


class _Rewarding:
    """Scores what an encoder finds; the model is loaded when that is first asked for."""

    def __init__(
        self,
        request: Request,
        sources: Sources,
        plan: RewardPlan,
        settings: Sequence[str],
        indexes: _Indexes,
        stack: ExitStack,
        progress: Progress,
    ) -> None:
        self._request = request
        self._tasks = sources.tasks
        self._plan = plan
        self._settings = settings
        self._indexes = indexes
        self._stack = stack
        self._progress = progress
        self._session: Session | None = None

    def within(self, folder: Path) -> MoreRewards:
        """Return what scores the next round of a run in `folder`."""

        def more(number: int, encoder: StaticEncoder, records: Sequence[RewardRecord]) -> Sequence[RewardRecord]:
            return score_found(
                self._opened(), self._indexes.store, encoder, self._tasks, records, self._plan,
                folder / f"round-{number}", self._progress,
            )  # fmt: skip

        return more

    def _opened(self) -> Session:
        if self._session is None:
            local = local_engine(self._request.model, self._settings, _LIMITS, self._progress)
            self._session = self._stack.enter_context(closing(local.open_session(self._progress)))
        return self._session


@dataclass(frozen=True, slots=True)
class _Part:
    """What was measured on the repositories of a fold."""

    judged: Sequence[Judged]
    ranks: Sequence[Ranks]

    def figures(self) -> dict[str, Any]:
        return {"rewards": reward_order_figures(self.judged), "recall": recall_figures(self.ranks)}


def _measured(
    encoder: StaticEncoder, sources: Sources, fold: int, request: Request, indexes: _Indexes, progress: Progress
) -> _Part:
    held_out = [record for record in sources.records if fold_of(record.repository) == fold]
    tasks = [task for task in sources.tasks.values() if fold_of(task.repository) == fold]
    tasks = sample(tasks, request.recall_tasks, request.seed) if request.recall_tasks else []
    ranks = measure_ranks(encoder, tasks, indexes.store, progress)
    return _Part(judged(encoder, held_out, sources.tasks), ranks)
