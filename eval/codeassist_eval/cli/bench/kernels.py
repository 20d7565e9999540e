"""`codeassist bench kernels`: what each way to multiply takes on this machine."""

from __future__ import annotations

import dataclasses

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import model_option

_ROWS = (1, 2, 4, 8, 16, 32, 64, 256)


@click.command("kernels")
@model_option
@set_option
@json_option
@debug_option
def kernels_command(model: str | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Measure the products of a model's layers with each kernel, by the number of rows.

    One row is a decoded token, a few are a draft, many are a prompt. Which int8 kernel a model is loaded with follows
    from a shorter measurement at its first start.

    \b
    Example:
      codeassist bench kernels --model qwen2.5-coder-0.5b
    """
    from codeassist.completion.open_session import open_session
    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.decoding.kernels import measure_kernels

    with Meter() as meter:
        local = live_engine(model, assignments, Limits(16, 1, 0), 1024, None, meter)
        loaded = open_session(local.settings, local.model, meter).engine.model
        loaded.wait()
        figures = measure_kernels(loaded.config, _ROWS, meter)
    if as_json:
        print_json({**dataclasses.asdict(figures), "chosen": loaded.backend.name})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table("rows", *(f"{name}, ms" for name in figures.ms), title="products of all layers")
    for number, rows in enumerate(figures.rows):
        table.add_row(str(rows), *(f"{ms[number]:.1f}" for ms in figures.ms.values()))
    Screen().print(table)
    say(f"The model is loaded with {loaded.backend.name}.")
