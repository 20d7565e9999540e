"""`codeassist bench order`: which order of a prompt's parts a model does best with.

Knows what users type and how figures are printed; nothing of how they come about.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from codeassist.cli.terminal.console import Meter, print_json
from codeassist.cli.terminal.options import debug_option, json_option, set_option

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--model", metavar="NAME", help="Use this model (`codeassist models list`).")
@click.option("--tasks", "tasks_path", type=_FILE, required=True, help="A CrossCodeEval task file.")
@click.option("--limit", type=click.IntRange(min=1), default=60, show_default=True, help="Tasks, drawn with --seed.")
@click.option("--sessions", "num_sessions", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--prompt-tokens", type=click.IntRange(min=128), default=1024, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Default: torch's.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@set_option
@json_option
@debug_option
def order(
    model: str | None,
    tasks_path: Path,
    limit: int,
    num_sessions: int,
    prompt_tokens: int,
    threads: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare the orders of prefix, suffix and middle: exact match, and what a typed key costs.

    \b
    Example:
      codeassist bench order --tasks dev.jsonl --limit 60
    """
    from codeassist.prompts.templates import ORDERS
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.prompt_order import measure_orders
    from codeassist_eval.tasks.task import sample
    from codeassist_eval.typing.typing_sessions import choose_sessions

    rows = load_tasks(tasks_path)
    chosen = sample(rows, limit, seed)
    edited = choose_sessions(rows, num_sessions, prompt_tokens, seed) if num_sessions else []
    settings = ["cache.mode=live", f"model.context_tokens={prompt_tokens}"]
    settings += [*([] if threads is None else [f"model.threads={threads}"]), *assignments]
    with Meter() as meter:
        session = local_engine(model, settings, Limits(50, 1, 0), meter).open_session(meter)
        session.engine.speculate = False
        figures = measure_orders(session, ORDERS, chosen, edited, meter)
    if as_json:
        print_json({"model": session.model_name, "orders": [dataclasses.asdict(each) for each in figures]})
        return
    from rich.console import Console
    from rich.table import Table

    title = f"{session.model_name}, {len(chosen)} tasks, prompts of up to {prompt_tokens:,} tokens"
    table = Table("order", "EM", "ES", "encoded a key, p50", "a key, p50 / p95, ms", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for each in figures:
        encoded = "–" if each.encoded_tokens is None else f"{each.encoded_tokens['p50']:,.0f}"
        times = "–" if each.ms is None else f"{each.ms['p50']:,.0f} / {each.ms['p95']:,.0f}"
        table.add_row(each.order, f"{each.em:.1f}", f"{each.es:.1f}", encoded, times)
    Console().print(table)
