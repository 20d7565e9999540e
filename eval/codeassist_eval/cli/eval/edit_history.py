"""`codeassist eval edit-history`: what the last edits bring in the prompt of an ordinary completion."""

from __future__ import annotations

import random
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import FILE, limit_option, model_option, run_folder_option, seed_option


@click.command("edit-history")
@click.option("--tasks", "tasks_path", type=FILE, required=True, help="A task file of `eval make-edits`.")
@model_option
@run_folder_option(required=True)
@limit_option()
@seed_option
@set_option
@json_option
@debug_option
def edit_history_command(
    tasks_path: Path,
    model: str | None,
    out: Path,
    limit: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Complete insertions of commits with a short diff of the edits before them in the prompt, and without.

    \b
    Example:
      codeassist eval edit-history --tasks dev.jsonl --model qwen2.5-coder-0.5b --out runs/history
    """
    from dataclasses import replace

    from codeassist.completion.open_session import open_session
    from codeassist.models.checksums import sha256_of
    from codeassist.models.model_choice import find_model
    from codeassist_eval.edits.edit_task import read_edit_tasks
    from codeassist_eval.edits.figure_table import print_figures
    from codeassist_eval.edits.history_effect import insertions, measure_history
    from codeassist_eval.errors import EvaluationError

    settings = resolve_settings(None, assignments).settings
    if model is not None:
        settings = replace(settings, model=replace(settings.model, name=model))
    cases = [case for task in read_edit_tasks(tasks_path) for case in insertions(task)]
    if not cases:
        raise EvaluationError(f"{tasks_path}: no next change only puts text in; make more tasks")
    random.Random(seed).shuffle(cases)
    cases = cases[:limit]
    identity = {
        "tasks": sha256_of(tasks_path), "model": model, "limit": limit, "seed": seed, "settings": list(assignments),
    }  # fmt: skip
    with Meter() as meter:
        figures = measure_history(
            cases,
            lambda: open_session(settings, find_model(settings, meter)[0], meter),
            out,
            identity,
            lambda number: meter("completing", number, len(cases)),
            seed,
        )
    if as_json:
        print_json(figures)
    else:
        print_figures(figures)
