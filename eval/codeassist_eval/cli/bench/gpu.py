"""`codeassist bench gpu`: the engine on a GPU, in one go of a few minutes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from codeassist.terminal.console import Meter, notice, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import FILE, model_option


@click.command("gpu")
@model_option
@click.option("--device", default="cuda", show_default=True, help="What torch calls it; cpu tries the command itself.")
@click.option("--shape", type=click.Choice(("7b", "tiny")), help="Of the random model. Default: 7b on cuda.")
@click.option("--sources", type=FILE, default=Path(), help="Python files that tasks are made of. Default: here.")
@click.option("--rows", type=click.IntRange(min=1), default=100, show_default=True, help="Tasks for PIE's edits.")
@click.option("--prompt-tokens", type=click.IntRange(min=128), default=8192, show_default=True, help="Of those tasks.")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=7, show_default=True, help="All of it, about.")
@click.option("--out", type=FILE, help="Folder for the figures.")
@set_option
@json_option
@debug_option
def gpu_command(
    model: str | None,
    device: str,
    shape: str | None,
    sources: Path,
    rows: int,
    prompt_tokens: int,
    minutes: float,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure and check the engine on a GPU: a random 7B for speed, a small trained model for quality.

    \b
    Example:
      codeassist bench gpu --model qwen2.5-coder-0.5b --out bench/gpu
    """
    import torch

    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.gpu import SMALL, GpuPlan
    from codeassist_eval.speed.gpu_run import is_whole, print_gpu, run_gpu_bench

    place = torch.device(device)
    plan = GpuPlan() if place.type == "cuda" else SMALL
    plan = plan if shape is None else dataclasses.replace(plan, shape=shape)
    with Meter() as meter:
        engine = None
        if model is None:
            notice("no --model: the random one's speed only, no quality")
        else:
            given = (f"model.device={device}", *assignments)
            engine = live_engine(model, given, Limits(64, 4, 0), prompt_tokens, None, meter)
        document = run_gpu_bench(place, plan, engine, sources, rows, minutes * 60, meter)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "gpu.json", document)
    if as_json:
        print_json(document)
    else:
        print_gpu(document)
    sys.exit(0 if is_whole(document) else 1)
