"""`codeassist eval confidence`: what withholding unlikely answers keeps and costs, and what their beginnings bring."""

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
    """Show what withholding unlikely answers keeps and costs in the run in FOLDER: coverage against precision.

    And what showing sure beginnings would bring: of what is withheld, and of all answers.
    """
    from dataclasses import asdict

    from codeassist.settings import EditorSettings
    from codeassist_eval.metrics.beginnings_curve import Answered, beginnings_curve
    from codeassist_eval.metrics.confidence_curve import confidence_curve
    from codeassist_eval.reports.saved_runs import read_run
    from codeassist_eval.reports.tables import print_beginnings_curve, print_confidence_curve

    run = read_run(folder)
    judged = [
        (record.confidence, run.scores[task_id].values["em"] > 0)
        for task_id, record in run.records.items()
        if record.confidence is not None
    ]
    points = confidence_curve(judged)
    minimum = EditorSettings().min_confidence
    answers = [
        Answered(record.pred, run.scores[task_id].target, record.tokens, record.confidence >= minimum, minimum)
        for task_id, record in run.records.items()
        if record.confidence is not None and record.tokens
    ]
    curves = {
        "of what is withheld": beginnings_curve(answers, cuts_shown=False),
        "of all answers": beginnings_curve(answers, cuts_shown=True),
    }
    if as_json:
        beginnings = {
            name: [{**asdict(point), "wrong_share": point.wrong_share} for point in curve]
            for name, curve in curves.items()
        }
        print_json({"n": len(judged), "points": [asdict(point) for point in points], "beginnings": beginnings})
        return
    print_confidence_curve(points)
    if answers:
        for name, curve in curves.items():
            print_beginnings_curve(name, curve)
