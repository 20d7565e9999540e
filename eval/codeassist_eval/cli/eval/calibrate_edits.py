"""`codeassist eval calibrate-edits`: how sure the gate must be before a next edit is shown."""

from __future__ import annotations

import dataclasses
import random
from functools import partial
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import FILE, limit_option, model_option, run_folder_option, seed_option


@click.command("calibrate-edits")
@click.option("--tasks", "tasks_path", type=FILE, required=True, help="Next-edit tasks, as of `eval edits`.")
@model_option
@run_folder_option(required=True)
@click.option("--sites", type=click.IntRange(1, 20), default=3, show_default=True, help="Of each task, the first ones.")
@click.option("--precision", type=click.FloatRange(0.05, 1.0), default=0.6, show_default=True,
              help="The share of what is shown that must be right.")  # fmt: skip
@limit_option()
@seed_option
@set_option
@json_option
@debug_option
def calibrate_edits_command(
    tasks_path: Path,
    model: str | None,
    out: Path,
    sites: int,
    precision: float,
    limit: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fit the gate of next edits for a model, on its own proposals for tasks from commits.

    \b
    Example:
      codeassist eval calibrate-edits --tasks dev.jsonl --model qwen2.5-coder-0.5b --out calibration

    Writes OUT/calibration.json; what a model's calibration in the program is taken from.
    """
    from codeassist.models.checksums import sha256_of
    from codeassist_eval.edits.edit_system import open_asked
    from codeassist_eval.edits.edit_task import read_edit_tasks
    from codeassist_eval.runs.record_log import claim
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.training.edits.calibration import Asked, calibrated, gather

    settings = resolve_settings(None, assignments).settings
    tasks = read_edit_tasks(tasks_path)
    if limit is not None and limit < len(tasks):
        tasks = random.Random(seed).sample(tasks, limit)
    claim(out, {"tasks": sha256_of(tasks_path), "model": model, "sites": sites, "limit": limit, "seed": seed})
    with Meter() as meter:
        opened = partial(open_asked, settings, model)
        note = lambda number: meter("asking", number, len(tasks))  # noqa: E731 — one line
        examples = gather(tasks, lambda: Asked(*opened()), sites, out / "examples.jsonl", note)
    calibration, figures = calibrated(examples, model or settings.model.name, precision)
    document = {**dataclasses.asdict(calibration), "figures": figures}
    write_json(out / "calibration.json", document)
    if as_json:
        print_json(document)
    else:
        say(f"{figures['examples']} proposals, {figures['right']} right; held out, {figures['shown']} would be shown, "
            f"{figures['shown_right']} of them right: {out / 'calibration.json'}")  # fmt: skip
