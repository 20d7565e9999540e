"""`codeassist bench index`: how fast the index is on a large tree."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import seed_option, source_files_option

_GOALS = {"index_s": "120", "peak_rss_bytes": f"{1 << 30:,}", "changed_file_ms": "50", "lexical_ms_p95": "20"}


@click.command("index")
@source_files_option
@click.option("--files", "num_files", default=10_000, show_default=True, help="Files in the tree.")
@click.option("--chunks", "num_chunks", type=click.IntRange(1), default=100_000, show_default=True, help="To search.")
@seed_option
@json_option
@debug_option
def index_command(repos: Path, num_files: int, num_chunks: int, seed: int, as_json: bool) -> None:
    """Measure the index on a large tree made of the Python files under --repos."""
    from dataclasses import asdict

    from codeassist_eval.speed.indexing import run_bench, working_folder

    with working_folder() as folder, Meter() as meter:
        figures = run_bench(repos, folder, num_files, num_chunks, meter, seed)
    if as_json:
        print_json(asdict(figures))
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table("figure", "value", "goal")
    for name, value in asdict(figures).items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}", _GOALS.get(name, ""))
    Screen().print(table)
