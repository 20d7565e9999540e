"""`codeassist bench accuracy`: how near the weights' format stays to float32."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import model_option, tasks_option


@click.command("accuracy")
@model_option
@tasks_option
@click.option(
    "--tokens", "num_tokens", type=click.IntRange(min=1), default=4000, show_default=True, help="How much text is read."
)
@set_option
@json_option
@debug_option
def accuracy_command(
    model: str | None, tasks_path: Path, num_tokens: int, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Measure how near the format that the settings choose (int8 on a CPU) stays to float32, on real code.

    \b
    Example:
      codeassist bench accuracy --tasks dev.jsonl --tokens 4000
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.decoding.accuracy import measure_accuracy

    rows = load_tasks(tasks_path)
    with Meter() as meter:
        local = live_engine(model, assignments, Limits(16, 1, 0), 1024, None, meter)
        measured = measure_accuracy(local, rows, num_tokens, meter)
    if as_json:
        print_json(dataclasses.asdict(measured))
        return
    say(
        f"{measured.weight_format} against float32 on {measured.num_tokens} tokens: the same likeliest token at "
        f"{measured.top1_agreement:.1f}%; KL divergence {measured.kl_mean:.4f} nats, median {measured.kl_median:.4f}"
    )
