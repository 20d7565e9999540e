"""`codeassist eval`: run, score, compare, make.

Knows what users type, and nothing of how it is done. Errors are raised as `CodeAssistError` for the program's boundary.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from datetime import datetime
from pathlib import Path

import click

from codeassist_eval.benchmarks.registry import BENCHMARKS, benchmark_named
from codeassist_eval.benchmarks.repobench import LEVELS
from codeassist_eval.contexts.registry import CONTEXTS, ContextName
from codeassist_eval.tasks.statement import LANGUAGES, Language
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Source

_FILE = click.Path(path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])

_benchmark_option = click.option(
    "--benchmark", type=click.Choice(list(BENCHMARKS)), default="crosscodeeval", show_default=True
)
_tasks_option = click.option(
    "--tasks",
    "tasks_path",
    type=_FILE,
    required=True,
    help="The benchmark's task file; RepoBench: also a folder, or hub:LANGUAGE/SETTING.",
)
_level_option = click.option(
    "--level", "levels", type=click.Choice(LEVELS), multiple=True, help="RepoBench: only rows of these levels."
)
_from_option = click.option("--created-from", type=_DAY, metavar="DATE", help="RepoBench: only code since this day.")
_to_option = click.option("--created-to", type=_DAY, metavar="DATE", help="RepoBench: only code before this day.")


@click.group("eval")
def eval_group() -> None:
    """Measure completions on benchmarks and on your own repository."""


@eval_group.command("run")
@_benchmark_option
@_tasks_option
@_level_option
@_from_option
@_to_option
@click.option("--repos", type=_FILE, help="Folder or *_repos.tar.xz of the repositories that the tasks were cut from.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Only tasks in this language.")
@click.option("--model", metavar="NAME", help="Use this model (`codeassist models list`; of a server: its name there).")
@click.option("--engine", metavar="local|URL", default="local", show_default=True, help="Where the model runs.")
@click.option(
    "--tokenizer", metavar="NAME|PATH", help="Of a server: an installed model, or a folder with the tokenizer."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 4096), default=16, show_default=True, help="Of a server: at once."
)
@click.option("--batch", type=click.IntRange(1, 256), default=1, show_default=True, help="Of this machine: at once.")
@click.option("--request-timeout", type=click.FloatRange(min=0.1), default=600, show_default=True, metavar="SECONDS")
@click.option("--retries", type=click.IntRange(0, 100), default=9, show_default=True, help="Of a request that failed.")
@click.option("--context", type=click.Choice(CONTEXTS), default="full", show_default=True, help="Cross-file context.")
@click.option(
    "--ranker", type=_FILE, help="Of the context learned: a ranker's file, or a folder of train-ranker, by folds."
)
@click.option("--encoders", type=_FILE, help="Of the context learned: a folder of train-retriever, by folds.")
@click.option(
    "--source", "sources", type=click.Choice(SOURCES), multiple=True, help="Of the context learned: only what it finds."
)
@click.option("--stop-gain", type=float, metavar="NATS", help="Of the context learned. Default: as the ranker says.")
@click.option("--drop-harmful", is_flag=True, help="Of the context learned: nothing that is likeliest to harm.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many tasks, drawn with --seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--max-new-tokens", type=click.IntRange(min=1), help="Default: as the benchmark's official runner.")
@click.option("--max-lines", type=click.IntRange(min=1), help="Stop after so many lines. Default: the tokens decide.")
@click.option("--set", "assignments", metavar="SECTION.KEY=VALUE", multiple=True, help="Set any setting for this run.")
@click.option("--out", type=_FILE, required=True, help="Folder of the run; one that was interrupted goes on there.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as one JSON object.")
def run_command(
    benchmark: str,
    tasks_path: Path,
    levels: tuple[str, ...],
    created_from: datetime | None,
    created_to: datetime | None,
    repos: Path | None,
    language: Language | None,
    model: str | None,
    engine: str,
    tokenizer: str | None,
    concurrency: int,
    batch: int,
    request_timeout: float,
    retries: int,
    context: ContextName,
    ranker: Path | None,
    encoders: Path | None,
    sources: tuple[Source, ...],
    stop_gain: float | None,
    drop_harmful: bool,
    limit: int | None,
    seed: int,
    max_new_tokens: int | None,
    max_lines: int | None,
    assignments: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Complete a benchmark's tasks with a model of this machine or of a server, and score them.

    Exact match so far and the time left are shown on the way. Exit code 0 only if every task ran.

    \b
    Example:
      codeassist eval run --tasks dev.jsonl --repos dev_repos.tar.xz --context full --out runs/full
      codeassist eval run --tasks dev.jsonl --context provided --engine http://127.0.0.1:8000/v1 --out runs/vllm
    """
    from codeassist_eval.benchmarks.task_source import task_files
    from codeassist_eval.cli.experiment import Experiment, run_experiment
    from codeassist_eval.contexts.rankers import LearnedContext
    from codeassist_eval.engines.remote_engine import RemoteOptions
    from codeassist_eval.reports.tables import print_metrics
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.tasks.row_filter import RowFilter

    chosen = benchmark_named(benchmark)
    experiment = Experiment(
        benchmark=chosen,
        tasks_path=task_files(chosen, tasks_path),
        row_filter=RowFilter(created_from, created_to, levels),
        repositories=repos,
        language=language,
        model=model,
        context=context,
        limit=limit,
        seed=seed,
        limits=Limits(max_new_tokens or chosen.max_new_tokens, max_lines or chosen.max_lines, seed),
        assignments=assignments,
        command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        remote=None
        if engine == "local"
        else RemoteOptions(engine, tokenizer, concurrency, request_timeout, num_retries=retries),
        batch=batch,
        learned=LearnedContext(ranker, encoders, sources or SOURCES, stop_gain, drop_harmful),
    )
    metrics = run_experiment(experiment, out)
    if as_json:
        click.echo(json.dumps(metrics, indent=2))
    else:
        print_metrics(f"{out.name} · {context}", metrics)


@eval_group.command("score")
@_benchmark_option
@click.option("--predictions", type=_FILE, required=True, help="JSON lines with task_id and pred.")
@_tasks_option
@_level_option
@_from_option
@_to_option
@click.option("--out", type=_FILE, help="Also write scores.jsonl and metrics.json into this folder.")
@click.option("--codebleu-python", type=_FILE, help="Also CodeBLEU, by the `codebleu` of this Python.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as one JSON object.")
def score_command(
    benchmark: str,
    predictions: Path,
    tasks_path: Path,
    levels: tuple[str, ...],
    created_from: datetime | None,
    created_to: datetime | None,
    out: Path | None,
    codebleu_python: Path | None,
    as_json: bool,
) -> None:
    """Score anybody's predictions with a benchmark's official metrics."""
    from codeassist_eval.benchmarks.task_source import task_files
    from codeassist_eval.metrics.scoring import load_predictions
    from codeassist_eval.reports.codebleu import with_codebleu
    from codeassist_eval.reports.tables import print_metrics
    from codeassist_eval.runs.run import judge, write_judgement
    from codeassist_eval.tasks.row_filter import RowFilter

    started = time.perf_counter()
    chosen = benchmark_named(benchmark)
    tasks = RowFilter(created_from, created_to, levels)(chosen.load(task_files(chosen, tasks_path)))
    judgement = judge(chosen, tasks, load_predictions(predictions, chosen, tasks))
    if codebleu_python is not None:
        judgement = with_codebleu(judgement, tasks, codebleu_python)
    if out is not None:
        write_judgement(out, judgement)
    took_s, used = time.perf_counter() - started, os.times()
    processor_s = used.user + used.system + used.children_user + used.children_system
    click.echo(
        f"{len(tasks):,} predictions read and scored in {took_s:.1f} s; {processor_s:.1f} s of processor time on "
        f"{os.cpu_count()} cores",
        err=True,
    )
    if as_json:
        click.echo(json.dumps(judgement.metrics, indent=2))
    else:
        print_metrics(predictions.name, judgement.metrics)


@eval_group.command("compare")
@click.argument("folders", nargs=-1, required=True, type=_FILE)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the bootstrap.")
@click.option("--examples", type=click.IntRange(min=0), default=5, show_default=True, help="Tasks shown for each run.")
@click.option("--report", type=click.Path(path_type=Path), help="Also write a report of all runs to this HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON object.")
def compare_command(folders: tuple[Path, ...], seed: int, examples: int, report: Path | None, as_json: bool) -> None:
    """Compare runs with the first one: intervals of the differences, and where they differ.

    The 95% intervals come from a paired bootstrap over the tasks that all runs have.
    """
    from codeassist_eval.reports.compare import compare, read_runs
    from codeassist_eval.reports.report import write_report
    from codeassist_eval.reports.tables import print_comparison

    runs = read_runs(folders)
    comparison = compare(runs, seed, examples)
    if report is not None:
        write_report(report, runs)
    if as_json:
        click.echo(json.dumps(comparison.as_document(), indent=2))
    else:
        print_comparison(comparison)


@eval_group.command("confidence")
@click.argument("folder", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def confidence_command(folder: Path, as_json: bool) -> None:
    """Show what withholding unlikely answers keeps and costs in the run in FOLDER: coverage against precision."""
    from dataclasses import asdict

    from codeassist_eval.metrics.confidence_curve import confidence_curve
    from codeassist_eval.reports.saved_runs import read_run
    from codeassist_eval.reports.tables import print_confidence_curve

    run = read_run(folder)
    judged = [
        (record.confidence, run.scores[task_id].values["em"] > 0)
        for task_id, record in run.records.items()
        if record.confidence is not None
    ]
    points = confidence_curve(judged)
    if as_json:
        click.echo(json.dumps({"n": len(judged), "points": [asdict(point) for point in points]}, indent=2))
    else:
        print_confidence_curve(points)


@eval_group.command("make")
@click.option("--repo", type=_FILE, required=True, help="The repository to cut tasks from.")
@click.option("--out", type=_FILE, required=True, help="Folder for tasks.jsonl and, with --since, the repositories.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Only files in this language.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Tasks at most.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draw.")
@click.option(
    "--since", metavar="COMMIT", help="Only lines that commits after this one added, with the code of before."
)
def make_command(repo: Path, out: Path, language: Language | None, limit: int, seed: int, since: str | None) -> None:
    """Cut cross-file completion tasks in CrossCodeEval's format from any repository.

    The cursor stands where a name from another file of the repository is needed.
    """
    from codeassist_eval.tasks.history import make_from_history
    from codeassist_eval.tasks.make import make_from_folder

    if since is None:
        made = make_from_folder(repo, out, language, limit, seed)
    else:
        made = make_from_history(repo, since, out, language, limit, seed)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(made.num_by_kind.items()))
    click.echo(f"{made.num_tasks} tasks ({kinds}) in {made.tasks_path}; repositories in {made.repositories}")


@eval_group.command("dereferences")
@click.option("--tasks", "tasks_path", type=_FILE, required=True, help="A task file in CrossCodeEval's format.")
@click.option("--out", type=_FILE, required=True, help="The new task file.")
def dereferences_command(tasks_path: Path, out: Path) -> None:
    """Cut tasks again where their truth first names a member: behind the dot."""
    from codeassist_eval.benchmarks.dereferences import cut_at_dereferences

    click.echo(f"{cut_at_dereferences(tasks_path, out)} tasks in {out}")


@eval_group.command("analysis")
@click.option("--tasks", "tasks_path", type=_FILE, help="A task file in CrossCodeEval's format: places in its truth.")
@click.option("--repos", type=_FILE, required=True, help="Folder or *_repos.tar.xz of repositories.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Only places in this language.")
@click.option("--draw", type=click.IntRange(min=1), metavar="N", help="Instead of tasks: N places of each repository.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draw.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def analysis_command(
    tasks_path: Path | None, repos: Path, language: Language | None, draw: int | None, seed: int, as_json: bool
) -> None:
    """Ask the analysis behind the monitors at places whose name is known: no model runs.

    Shows how often it knows what can stand there, and how often it would have excluded the truth.
    """
    from codeassist_eval.analysis.check import AnalysisFigures, check_analysis
    from codeassist_eval.analysis.places import drawn_places, places_of_tasks
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.engines.local_engine import evaluation_settings
    from codeassist_eval.reports.tables import print_analysis
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.tasks.repositories import open_repositories, repository_folders
    from codeassist_eval.tasks.slots import claim_slot
    from codeassist_eval.tasks.task import in_prefix_order

    cache = evaluation_settings(None, (), Limits(1, None)).places.cache / "eval"
    repositories = open_repositories(repos, cache / "repositories")
    if tasks_path is not None and draw is None:
        tasks = [task for task in load_tasks(tasks_path) if language in (None, task.language)]
        repositories.require_all(tasks)
        places = places_of_tasks(in_prefix_order(tasks), repositories)
    elif draw is not None and tasks_path is None:
        folders = repository_folders(repositories)
        places = (place for folder in folders for place in drawn_places(folder, language, draw, seed))
    else:
        raise click.UsageError("give either --tasks or --draw")
    slot = claim_slot(cache / "indexes")
    try:
        figures: AnalysisFigures = check_analysis(places, slot.folder)
    finally:
        slot.release()
    if as_json:
        click.echo(json.dumps(figures.as_document(), indent=2))
    else:
        print_analysis(figures.as_document())


@eval_group.command("recall")
@click.option("--tasks", "tasks_path", type=_FILE, required=True, help="A task file in CrossCodeEval's format.")
@click.option("--repos", type=_FILE, required=True, help="Folder or *_repos.tar.xz of the repositories.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Only tasks in this language.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many tasks, drawn with --seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draw.")
@click.option("--out", type=_FILE, help="Folder for recall.json and for misses.jsonl, what was not found.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recall_command(
    tasks_path: Path,
    repos: Path,
    language: Language | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find candidates for each task and look whether the files that its truth needs are among them: no model runs.

    All sources together, each alone, and all without each.
    """
    from contextlib import closing

    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.contexts.index_context import IndexContexts
    from codeassist_eval.contexts.recall import measure_recall, write_recall
    from codeassist_eval.engines.local_engine import evaluation_settings
    from codeassist_eval.reports.tables import print_recall
    from codeassist_eval.runs.progress_bar import stage_bar
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample

    cache = evaluation_settings(None, (), Limits(1, None)).places.cache / "eval"
    repositories = open_repositories(repos, cache / "repositories")
    tasks = sample([task for task in load_tasks(tasks_path) if language in (None, task.language)], limit, seed)
    repositories.require_all(tasks)
    with closing(IndexContexts(repositories, cache / "indexes", "full")) as contexts, stage_bar() as progress:
        figures = measure_recall(tasks, contexts, progress)
    if out is not None:
        write_recall(out, figures)
    if as_json:
        click.echo(json.dumps(figures.as_document(), indent=2))
    else:
        print_recall(figures.as_document())
