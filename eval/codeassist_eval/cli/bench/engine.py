"""`codeassist bench engine`: how fast prompts are read and tokens are written."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import (
    figures_folder_option,
    llama_option,
    model_option,
    prompt_tokens_option,
    tasks_option,
    threads_option,
)


@click.command("engine")
@model_option
@tasks_option
@prompt_tokens_option(2048)
@llama_option
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Each figure is a median.")
@click.option("--lines", "num_lines", type=click.IntRange(min=1), default=8, show_default=True, help="Lines typed.")
@threads_option
@figures_folder_option
@set_option
@json_option
@debug_option
def engine_command(
    model: str | None,
    tasks_path: Path,
    prompt_tokens: int,
    llama_python: Path | None,
    repeats: int,
    num_lines: int,
    threads: int | None,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure prefill, decoding, and decoding with speculation while a line is typed, beside llama.cpp.

    \b
    Example:
      codeassist bench engine --tasks dev.jsonl --llama-python ~/llama/bin/python --out bench/engine
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.cli.bench.engines import live_engine, open_peer
    from codeassist_eval.engines.llama_child import peak_rss_bytes
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.engine import EnginePlan, run_engine_bench
    from codeassist_eval.speed.report import engine_document, print_engine, write_figures
    from codeassist_eval.speed.session import open_for_bench

    plan = EnginePlan(prompt_tokens=prompt_tokens, repeats=repeats, num_lines=num_lines)
    rows = load_tasks(tasks_path)
    with Meter() as meter:
        limits = Limits(plan.max_new_tokens, plan.max_lines, 0)
        local = live_engine(model, assignments, limits, prompt_tokens, threads, meter)
        opened = open_for_bench(local, meter)
        peer = open_peer(llama_python, local, prompt_tokens + plan.max_new_tokens + 64, opened.num_threads)
        try:
            figures = run_engine_bench(opened.session, rows, peer, plan, meter)
            document = engine_document(opened, plan, figures, peer, peak_rss_bytes())
        finally:
            if peer is not None:
                peer.close()
    if out is not None:
        from codeassist_eval.speed.plots import engine_plot

        write_figures(out, "engine", document, engine_plot(document))
    if as_json:
        print_json(document)
    else:
        print_engine(document)
