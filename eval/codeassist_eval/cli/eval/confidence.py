"""`codeassist eval confidence`: what withholding unlikely answers keeps and costs."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE


@click.command("confidence")
@click.argument("folder", type=FILE)
@json_option
@debug_option
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
        print_json({"n": len(judged), "points": [asdict(point) for point in points]})
    else:
        print_confidence_curve(points)
