"""`codeassist bench order`: which order of a prompt's parts a model does best with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import (
    limit_option,
    model_option,
    prompt_tokens_option,
    seed_option,
    sessions_option,
    tasks_option,
    threads_option,
)


@click.command("order")
@model_option
@tasks_option
@limit_option(60)
@sessions_option(1, least=0)
@prompt_tokens_option(1024)
@threads_option
@seed_option
@set_option
@json_option
@debug_option
def order_command(
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
    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.prompt_order import measure_orders
    from codeassist_eval.tasks.task import sample
    from codeassist_eval.typing.typing_sessions import choose_sessions

    rows = load_tasks(tasks_path)
    chosen = sample(rows, limit, seed)
    edited = choose_sessions(rows, num_sessions, prompt_tokens, seed) if num_sessions else []
    with Meter() as meter:
        session = live_engine(model, assignments, Limits(50, 1, 0), prompt_tokens, threads, meter).open_session(
            meter, speculate=False
        )
        figures = measure_orders(session, ORDERS, chosen, edited, meter)
    if as_json:
        print_json({"model": session.model_name, "orders": [dataclasses.asdict(each) for each in figures]})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    title = f"{session.model_name}, {len(chosen)} tasks, prompts of up to {prompt_tokens:,} tokens"
    table = Table("order", "EM", "ES", "encoded a key, p50", "a key, p50 / p95, ms", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for each in figures:
        encoded = "–" if each.encoded_tokens is None else f"{each.encoded_tokens['p50']:,.0f}"
        times = "–" if each.ms is None else f"{each.ms['p50']:,.0f} / {each.ms['p95']:,.0f}"
        table.add_row(each.order, f"{each.em:.1f}", f"{each.es:.1f}", encoded, times)
    Screen().print(table)
