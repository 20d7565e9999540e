"""`codeassist bench retrieval`: how fast snippets are found in a large index."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import keep_option, made_chunks_option, seed_option, source_files_option

_GOALS = {"p50_ms": "10", "p95_ms": "25"}


@click.command("retrieval")
@source_files_option
@made_chunks_option
@click.option("--requests", "num_requests", type=click.IntRange(2), default=300, show_default=True, help="How often.")
@click.option(
    "--deadline-ms", type=click.FloatRange(min=0), default=30, show_default=True, help="Of each request; 0: none."
)
@seed_option
@keep_option
@json_option
@debug_option
def retrieval_command(
    repos: Path, num_chunks: int, num_requests: int, deadline_ms: float, seed: int, keep: Path | None, as_json: bool
) -> None:
    """Measure retrieval in a large tree made of the repositories under --repos."""
    from dataclasses import asdict

    from codeassist_eval.speed.large_index.made_index import working_folder
    from codeassist_eval.speed.large_index.retrieval import run_retrieval_bench

    with working_folder(keep) as folder, Meter() as meter:
        figures = run_retrieval_bench(repos, folder, num_chunks, num_requests, deadline_ms or None, meter, seed)
    if as_json:
        print_json(asdict(figures))
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    console = Screen()
    table = Table("figure", "value", "goal")
    for name, value in asdict(figures).items():
        if not isinstance(value, dict):
            table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}", _GOALS.get(name, ""))
    console.print(table)
    table = Table("source", "p50 ms", "p95 ms", "late %")
    for stage, each in figures.stages.items():
        table.add_row(stage, f"{each.p50_ms:.1f}", f"{each.p95_ms:.1f}", f"{each.late_percent:.1f}")
    console.print(table)
