"""`codeassist eval compare`: runs beside the first one."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, seed_option


@click.command("compare")
@click.argument("folders", nargs=-1, required=True, type=FILE)
@seed_option
@click.option("--examples", type=click.IntRange(min=0), default=5, show_default=True, help="Tasks shown for each run.")
@click.option("--report", type=FILE, help="Also write a report of all runs to this HTML file.")
@json_option
@debug_option
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
        print_json(comparison.as_document())
    else:
        print_comparison(comparison)
