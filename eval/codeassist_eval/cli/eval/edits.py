"""`codeassist eval edits`: next edits on tasks from real commits."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import FILE, limit_option, model_option, run_folder_option, seed_option


@click.command("edits")
@click.option("--tasks", "tasks_path", type=FILE, required=True, help="A task file of `eval make-edits`.")
@run_folder_option(required=True)
@click.option("--proposer", default="rules", show_default=True, help="What proposes: nothing, token-rule, rules, …")
@model_option
@limit_option()
@seed_option
@set_option
@json_option
@debug_option
def edits_command(
    tasks_path: Path,
    out: Path,
    proposer: str,
    model: str | None,
    limit: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find and propose next edits for tasks from real commits, and score them.

    Places, what is proposed at the true place, and what would be shown; over all, by kind and by language, beside what
    showing nothing and the token rule alone bring.

    \b
    Example:
      codeassist eval make-edits --out tasks.jsonl ~/src/project
      codeassist eval edits --tasks tasks.jsonl --out runs/rules
    """
    from codeassist.models.checksums import sha256_of
    from codeassist_eval.edits.edit_run import run_edits
    from codeassist_eval.edits.edit_system import BASELINES, open_system
    from codeassist_eval.edits.edit_task import read_edit_tasks
    from codeassist_eval.edits.figure_table import print_systems

    settings = resolve_settings(None, assignments).settings
    tasks = read_edit_tasks(tasks_path)
    if limit is not None and limit < len(tasks):
        chosen = set(random.Random(seed).sample(range(len(tasks)), limit))
        tasks = [task for number, task in enumerate(tasks) if number in chosen]
    identity = {
        "tasks": sha256_of(tasks_path), "proposer": proposer, "model": model, "limit": limit, "seed": seed,
        "settings": list(assignments),
    }  # fmt: skip
    baselines = {name: partial(open_system, name, settings, None) for name in BASELINES if name != proposer}
    with Meter() as meter:
        figures = run_edits(tasks, partial(open_system, proposer, settings, model), baselines, out, identity, meter)
    if as_json:
        print_json(figures)
    else:
        print_systems({proposer: figures, **figures["baselines"]})
