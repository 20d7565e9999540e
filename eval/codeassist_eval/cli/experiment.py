"""A benchmark, a model and a context put together: what `codeassist eval run` does.

It opens what the options name and hands it to the runner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codeassist.completion.iterative_retrieval import IterativeRetriever
from codeassist.completion.session import Session
from codeassist.errors import SettingsError
from codeassist.progress import silent
from codeassist_eval.benchmarks.repobench import rank_provided
from codeassist_eval.benchmarks.typing_benchmark import typing_summary
from codeassist_eval.contexts.rankers import LearnedContext, Rankers
from codeassist_eval.contexts.registry import BASELINES, ContextName, RetrieverFor, open_contexts
from codeassist_eval.engines.engine import EvaluationEngine
from codeassist_eval.engines.local_engine import local_engine
from codeassist_eval.engines.remote_engine import RemoteOptions, remote_engine
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Score
from codeassist_eval.reports.report import write_report
from codeassist_eval.reports.saved_runs import read_run
from codeassist_eval.runs.manifest import claim_folder, make_manifest
from codeassist_eval.runs.progress_bar import RunBar
from codeassist_eval.runs.run import run_tasks
from codeassist_eval.runs.run_folder import REPORT, Record
from codeassist_eval.runs.schedule import Limits, Schedule, Tasks
from codeassist_eval.tasks.completer import Completer, PipelineCompleter
from codeassist_eval.tasks.repositories import Repositories, open_repositories
from codeassist_eval.tasks.row_filter import RowFilter
from codeassist_eval.tasks.task import Language, Task, sample


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that makes a run what it is. `remote` None: this machine's own engine, with `batch` tasks at once."""

    benchmark: Benchmark
    tasks_path: Path
    repositories: Path | None
    language: Language | None
    model: str | None
    context: ContextName
    limit: int | None
    seed: int
    limits: Limits
    assignments: tuple[str, ...]
    command: str
    remote: RemoteOptions | None = None
    batch: int = 1
    row_filter: RowFilter = field(default_factory=RowFilter)
    learned: LearnedContext = field(default_factory=LearnedContext)


def run_experiment(experiment: Experiment, out: Path) -> dict[str, Any]:
    """Run it in `out`, or go on there; write predictions, scores, metrics and report, and return the metrics."""
    tasks = select_tasks(experiment)
    rankers = Rankers(experiment.learned) if experiment.context == "learned" else None
    with _open_engine(experiment) as engine:
        manifest = make_manifest(
            benchmark=experiment.benchmark.name,
            tasks_path=experiment.tasks_path,
            language=experiment.language,
            limit=experiment.limit,
            seed=experiment.seed,
            context=experiment.context if rankers is None else f"learned {rankers.identity}",
            model=engine.model_name,
            model_sha256=engine.model_sha256,
            settings=engine.recorded_settings(experiment.limits),
            command=experiment.command,
            facts=engine.facts,
            row_filter=experiment.row_filter.recorded(),
        )
        repositories = _open_repositories(experiment, engine.cache_folder)
        claim_folder(out, manifest)
        completer = engine.open(silent)
        indexes = engine.cache_folder / "indexes"
        with (
            open_contexts(experiment.context, tasks, repositories, indexes, completer, rankers) as retriever_for,
            RunBar(len(tasks)) as bar,
        ):
            retrieval = _retrieval(experiment, tasks)
            if engine.settings.context.rounds > 1:
                retriever_for = _twice(retriever_for, completer)

            def extra(records: Mapping[str, Record], scores: Mapping[str, Score]) -> Mapping[str, Any]:
                replayed = experiment.benchmark.expand is not None
                typing = {"typing": typing_summary(tasks, records, scores, experiment.seed)} if replayed else {}
                return retrieval | typing | engine.costs()

            schedule = _schedule(experiment, completer, retriever_for)
            metrics = run_tasks(experiment.benchmark, tasks, schedule, out, bar, extra=extra)
    write_report(out / REPORT, [read_run(out)])
    return metrics


def _twice(retriever_for: RetrieverFor, completer: Completer) -> RetrieverFor:
    """Retrieve a second time with what the first answer guessed, for each task."""
    return lambda task: IterativeRetriever(retriever_for(task), completer)


def _schedule(experiment: Experiment, completer: Completer, retriever_for: RetrieverFor) -> Schedule:
    if experiment.benchmark.expand is None:
        return Tasks(completer, retriever_for, experiment.limits)
    from codeassist_eval.typing.edit_replay import Replayed  # imports torch, which servers' runs do without

    if not isinstance(completer, PipelineCompleter) or not isinstance(completer.generator, Session):
        raise SettingsError(
            f"{experiment.benchmark.name} measures the live cache; leave out --engine and --set cache.mode=exact"
        )
    return Replayed(completer.generator, retriever_for, experiment.limits, experiment.seed)


@contextmanager
def _open_engine(experiment: Experiment) -> Iterator[EvaluationEngine]:
    replays = experiment.benchmark.expand is not None
    if experiment.remote is None:
        # What is set by hand comes later and wins.
        assignments = (*(("cache.mode=live",) if replays else ()), *experiment.assignments)
        yield local_engine(experiment.model, assignments, experiment.limits, silent, experiment.batch)
        return
    if replays:
        raise EvaluationError(
            f"--benchmark {experiment.benchmark.name} measures this machine's live cache; leave out --engine"
        )
    with remote_engine(
        experiment.remote, experiment.model, experiment.assignments, experiment.limits, silent
    ) as engine:
        yield engine


def select_tasks(experiment: Experiment) -> Sequence[Task]:
    """Load the tasks, keep those in the language asked for, draw the sample, and make edited tasks where wanted."""
    tasks = experiment.row_filter(experiment.benchmark.load(experiment.tasks_path))
    if experiment.language is not None:
        tasks = tuple(task for task in tasks if task.language == experiment.language)
        if not tasks:
            raise EvaluationError(f"{experiment.tasks_path}: holds no {experiment.language} task (--language)")
    drawn = sample(tasks, experiment.limit, experiment.seed)
    expand = experiment.benchmark.expand
    return drawn if expand is None else expand(drawn, experiment.seed)


def _open_repositories(experiment: Experiment, cache: Path) -> Repositories | None:
    if experiment.repositories is None:
        return None
    return open_repositories(experiment.repositories, cache / "repositories")


def _retrieval(experiment: Experiment, tasks: Sequence[Task]) -> dict[str, Any]:
    """How well the context ranks snippets that came with the rows, where the rows know which one is needed."""
    if experiment.repositories is not None or experiment.context not in BASELINES:
        return {}
    ranker, _, query_lines = BASELINES[experiment.context]
    accuracy = rank_provided(tasks, ranker, query_lines)
    return {"retrieval": accuracy} if accuracy else {}
