"""`codeassist eval train-edits`: an adapter that makes a code model better at next edits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import FILE, model_option, run_folder_option, seed_option

if TYPE_CHECKING:
    from codeassist_eval.training.edits.training import Step


@click.command("train-edits")
@click.option(
    "--tasks", "task_paths", type=FILE, multiple=True, required=True, help="Next-edit tasks, as `eval edits`."
)
@model_option
@run_folder_option(required=True)
@click.option(
    "--rows", type=click.IntRange(min=1), default=2400, show_default=True, help="How many rows to learn from."
)
@click.option("--rank", type=click.IntRange(1, 256), default=8, show_default=True, help="Of the adapter's matrices.")
@click.option("--rate", type=click.FloatRange(1e-7, 1.0), default=3e-4, show_default=True, help="The learning rate.")
@click.option("--threads", type=click.IntRange(min=1), help="Compute on so many threads.")
@seed_option
@set_option
@json_option
@debug_option
def train_edits_command(
    task_paths: tuple[Path, ...],
    model: str | None,
    out: Path,
    rows: int,
    rank: int,
    rate: float,
    threads: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fine-tune a model on the edits of commits: what follows from the last ones, and where nothing does.

    \b
    Examples:
      codeassist eval train-edits --tasks train.jsonl --model qwen2.5-coder-0.5b --out edits-adapter
      codeassist eval train-edits --tasks train.jsonl --rows 400 --threads 1 --out edits-adapter

    Writes OUT/adapter.safetensors, which `adapter` in a [models.NAME] of your config.toml adds to the model. The same
    command goes on where it was stopped.
    """
    import torch

    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.training.edits.command import run_training
    from codeassist_eval.training.edits.training import LoraPlan

    def note(step: Step) -> None:
        say(f"step {step.number} of {step.of}: {step.tokens_per_s:.0f} tokens/s, loss {step.loss:.3f}", to_stderr=True)

    if threads is not None:
        torch.set_num_threads(threads)
    with Meter() as meter:
        engine = local_engine(model, assignments, Limits(1, None), meter)
        plan = LoraPlan(rank=rank, rows=rows, rate=rate, seed=seed)
        facts = run_training(engine.settings, engine.model, task_paths, out, plan, note, meter)
    if as_json:
        print_json(facts)
    else:
        say(f"{facts['rows']} rows, {facts['steps']} steps, loss {facts['loss']:.3f}: {out / 'adapter.safetensors'}")
