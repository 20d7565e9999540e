"""`codeassist bench start`: from the start of the language server to the first completion."""

from __future__ import annotations

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import model_option


@click.command("start")
@model_option
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Starts of each kind.")
@set_option
@json_option
@debug_option
def start_command(model: str | None, repeats: int, assignments: tuple[str, ...], as_json: bool) -> None:
    """Start the language server, cold and as a window of one that runs, up to its first completion.

    \b
    Example:
      codeassist bench start --repeats 9
    """
    from codeassist_eval.speed.start import print_start, run_start_bench, start_document

    given = [*assignments, *([] if model is None else [f"model.name={model}"])]
    with Meter() as meter:
        document = start_document(run_start_bench(given, repeats, meter))
    if as_json:
        print_json(document)
    else:
        print_start(document)
