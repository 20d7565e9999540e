"""`codeassist bench reopen`: how soon a file that was worked on before gets its suggestion."""

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
    tasks_option,
    threads_option,
)


@click.command("reopen")
@model_option
@tasks_option
@limit_option(40)
@prompt_tokens_option(2048)
@threads_option
@seed_option
@set_option
@json_option
@debug_option
def reopen_command(
    model: str | None,
    tasks_path: Path,
    limit: int,
    prompt_tokens: int,
    threads: int | None,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Complete in files that were open before, from states on the disk, beside reading them anew.

    \b
    Example:
      codeassist bench reopen --tasks dev.jsonl --limit 40
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.reopening import measure_reopening
    from codeassist_eval.tasks.task import sample

    chosen = sample(load_tasks(tasks_path), limit, seed)
    with Meter() as meter:
        session = live_engine(model, assignments, Limits(50, 1, 0), prompt_tokens, threads, meter).open_session(meter)
        session.engine.model.wait()
        figures = measure_reopening(session, chosen, meter)
    if as_json:
        print_json({"model": session.model_name, **dataclasses.asdict(figures)})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    of_tokens = f"prompts of p50 {figures.prompt_tokens['p50']:,.0f} tokens"
    title = f"{session.model_name}, {figures.num_tasks} files, {of_tokens}"
    table = Table("reading the prompt", "p50", "p95", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for label, found, unit in (
        ("all of it, ms", figures.read_ms, "{:,.0f}"),
        ("the file reopened, ms", figures.reopened_ms, "{:,.0f}"),
        ("the file reopened, share of all", figures.reopened_share, "{:.1%}"),
        ("after a jump to a new place, share", figures.gone_to_share, "{:.1%}"),
        ("after the jump back, share", figures.left_share, "{:.1%}"),
        ("keeping it, when it is closed, ms", figures.put_away_ms, "{:,.0f}"),
    ):
        table.add_row(label, unit.format(found["p50"]), unit.format(found["p95"]))
    table.caption = (
        f"answers: {figures.num_same} of {figures.num_tasks} the same, exact match {figures.em_read:.1f} read anew, "
        f"{figures.em_reopened:.1f} reopened; {figures.mib_per_1000_tokens:.1f} MiB on the disk a thousand tokens"
    )
    Screen().print(table)
