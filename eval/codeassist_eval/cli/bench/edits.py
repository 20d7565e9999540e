"""`codeassist bench edits`: how fast next edits come."""

from __future__ import annotations

import random
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import FILE, limit_option, model_option, run_folder_option, seed_option


@click.command("edits")
@click.option("--tasks", "tasks_path", type=FILE, required=True, help="A task file of `eval make-edits`.")
@model_option
@click.option("--form", help="How a region is written again: diff, rewrite, sweep, … [default: the model's own]")
@limit_option(24)
@seed_option
@run_folder_option(required=False)
@set_option
@json_option
@debug_option
def edits_command(
    tasks_path: Path,
    model: str | None,
    form: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure the time to the first next edit, and rewriting with drafts and without, at real places.

    \b
    Example:
      codeassist bench edits --tasks dev.jsonl --model qwen2.5-coder-0.5b --out bench/edits
    """
    from dataclasses import replace

    from codeassist.completion.open_session import open_session
    from codeassist.edits.forms.registry import FORMS
    from codeassist.models.model_choice import find_model
    from codeassist_eval.edits.edit_task import read_edit_tasks
    from codeassist_eval.edits.figure_table import print_figures
    from codeassist_eval.errors import EvaluationError
    from codeassist_eval.runs.run_folder import METRICS, write_json
    from codeassist_eval.speed.edits import fitting_tasks, measure_edits

    forms = ("diff", *FORMS)
    if form is not None and form not in forms:
        raise click.UsageError(f"no form '{form}' (--form); there are {', '.join(forms)}")
    settings = resolve_settings(None, assignments).settings
    if model is not None:
        settings = replace(settings, model=replace(settings.model, name=model))
    tasks = fitting_tasks(read_edit_tasks(tasks_path))
    if not tasks:
        raise EvaluationError(f"{tasks_path}: no task whose next change replaces up to five lines; make more of them")
    if limit is not None and limit < len(tasks):
        tasks = random.Random(seed).sample(tasks, limit)
    with Meter() as meter:
        installed, _ = find_model(settings, meter)
        session = open_session(settings, installed, meter)
        figures = measure_edits(session, tasks, form, meter)
        session.close()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / METRICS, figures)
    if as_json:
        print_json(figures)
    else:
        print_figures(figures)
