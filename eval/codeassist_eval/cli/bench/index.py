"""`codeassist bench index`: how fast the index is on a large tree."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import keep_option, made_chunks_option, seed_option, source_files_option

_GOALS = {"index_peak_rss_bytes": f"{1 << 30:,}", "document_ms": "50"}


@click.command("index")
@source_files_option
@made_chunks_option
@seed_option
@keep_option
@json_option
@debug_option
def index_command(repos: Path, num_chunks: int, seed: int, keep: Path | None, as_json: bool) -> None:
    """Measure indexing a large tree made of the repositories under --repos, and keeping up with changes."""
    from dataclasses import asdict

    from codeassist_eval.speed.large_index.indexing import run_index_bench
    from codeassist_eval.speed.large_index.made_index import working_folder

    with working_folder(keep) as folder, Meter() as meter:
        figures = run_index_bench(repos, folder, num_chunks, seed, meter)
    if as_json:
        print_json(asdict(figures))
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table("figure", "value", "goal")
    for name, value in asdict(figures).items():
        told = "not measured" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        table.add_row(name, told, _GOALS.get(name, ""))
    Screen().print(table)
