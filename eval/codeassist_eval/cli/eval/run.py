"""`codeassist eval run`: a benchmark's tasks, completed and scored."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.benchmark_tasks import benchmark_options
from codeassist_eval.cli.options import FILE, language_option, limit_option, run_folder_option, seed_option
from codeassist_eval.contexts.registry import CONTEXTS, ContextName
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Source

if TYPE_CHECKING:
    from codeassist_eval.tasks.task import Language


@click.command("run")
@benchmark_options
@click.option("--repos", type=FILE, help="Folder or *_repos.tar.xz of the repositories that the tasks were cut from.")
@language_option
@click.option("--model", metavar="NAME", help="Use this model (`codeassist models list`; of a server: its name there).")
@click.option("--engine", metavar="local|URL", default="local", show_default=True, help="Where the model runs.")
@click.option(
    "--tokenizer", metavar="NAME|PATH", help="Of a server: an installed model, or a folder with the tokenizer."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 4096), default=16, show_default=True, help="Of a server: at once."
)
@click.option("--batch", type=click.IntRange(1, 256), default=1, show_default=True, help="Of this machine: at once.")
@click.option(
    "--request-timeout",
    type=click.FloatRange(min=0.1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Of a server.",
)
@click.option("--retries", type=click.IntRange(0, 100), default=9, show_default=True, help="Of a request that failed.")
@click.option("--context", type=click.Choice(CONTEXTS), default="full", show_default=True, help="Cross-file context.")
@click.option(
    "--ranker", type=FILE, help="Of the context learned: a ranker's file, or a folder of train-ranker, by folds."
)
@click.option("--encoders", type=FILE, help="Of the context learned: a folder of train-retriever, by folds.")
@click.option(
    "--source", "sources", type=click.Choice(SOURCES), multiple=True, help="Of the context learned: only what it finds."
)
@click.option("--stop-gain", type=float, metavar="NATS", help="Of the context learned. Default: as the ranker says.")
@click.option("--drop-harmful", is_flag=True, help="Of the context learned: nothing that is likeliest to harm.")
@click.option("--no-libraries", is_flag=True, help="Of the context learned: nothing of installed packages.")
@click.option(
    "--library-share", type=click.FloatRange(0, 4), help="What of its gain a definition of a package counts for."
)
@limit_option()
@seed_option
@click.option("--max-new-tokens", type=click.IntRange(min=1), help="Default: as the benchmark's official runner.")
@click.option("--max-lines", type=click.IntRange(min=1), help="Stop after so many lines. Default: the tokens decide.")
@click.option("--as-editor", is_flag=True, help="A line or a block, as the place asks for; a block of --max-lines.")
@run_folder_option(required=True)
@set_option
@json_option
@debug_option
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
    no_libraries: bool,
    library_share: float | None,
    limit: int | None,
    seed: int,
    max_new_tokens: int | None,
    max_lines: int | None,
    as_editor: bool,
    assignments: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Complete a benchmark's tasks with a model of this machine or of a server, and score them.

    A server (--engine URL) is sent the tasks as they are, without looking for secrets in them.

    Exact match so far and the time left are shown on the way. Exit code 0 only if every task ran.

    \b
    Example:
      codeassist eval run --tasks dev.jsonl --repos dev_repos.tar.xz --context full --out runs/full
      codeassist eval run --tasks dev.jsonl --context provided --engine http://127.0.0.1:8000/v1 --out runs/vllm
    """
    from codeassist_eval.benchmarks.registry import benchmark_named
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
        limits=Limits(max_new_tokens or chosen.max_new_tokens, max_lines or chosen.max_lines, seed, as_editor),
        assignments=assignments,
        command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        remote=None
        if engine == "local"
        else RemoteOptions(engine, tokenizer, concurrency, request_timeout, num_retries=retries),
        batch=batch,
        learned=LearnedContext(
            ranker, encoders, sources or SOURCES, stop_gain, drop_harmful, not no_libraries, library_share
        ),
    )
    metrics = run_experiment(experiment, out)
    if as_json:
        print_json(metrics)
    else:
        print_metrics(f"{out.name} · {context}", metrics)
