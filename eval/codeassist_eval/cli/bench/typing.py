"""`codeassist bench typing`: what a keystroke costs, and what its answer is worth."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import (
    figures_folder_option,
    llama_option,
    model_option,
    prompt_tokens_option,
    seed_option,
    sessions_option,
    tasks_option,
    threads_option,
)

if TYPE_CHECKING:
    from codeassist_eval.engines.local_engine import LocalEngine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.typing.typing_replay import ReplayPlan


@click.command("typing")
@model_option
@tasks_option
@sessions_option(8)
@prompt_tokens_option(4000)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="Keystrokes of each session at which a full recomputation and llama.cpp are measured too.",
)
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=64, show_default=True, help="Of one answer.")
@click.option(
    "--pause-ms",
    type=click.FloatRange(min=0),
    default=200.0,
    show_default=True,
    help="From one keystroke to the next at human speed; what answering leaves of it is for healing.",
)
@seed_option
@llama_option
@threads_option
@figures_folder_option
@set_option
@json_option
@debug_option
def typing_command(
    model: str | None,
    tasks_path: Path,
    num_sessions: int,
    prompt_tokens: int,
    samples: int,
    max_new_tokens: int,
    pause_ms: float,
    seed: int,
    llama_python: Path | None,
    threads: int | None,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Replay editing sessions: what a keystroke costs and what its answer is worth, beside a full recomputation.

    With --out a run that was interrupted goes on. Exit code 0 only if every session ran.

    \b
    Example:
      codeassist bench typing --tasks dev.jsonl --sessions 8 --out bench/typing
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.cli.bench.engines import live_engine, open_peer
    from codeassist_eval.engines.llama_child import peak_rss_bytes
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.report import print_typing, typing_document, write_figures
    from codeassist_eval.speed.session import open_for_bench
    from codeassist_eval.speed.typing import run_typing_bench, session_log
    from codeassist_eval.typing.typing_replay import Replayer, ReplayPlan
    from codeassist_eval.typing.typing_sessions import choose_sessions

    plan = ReplayPlan(samples, seed, pause_ms, max_new_tokens)
    chosen = choose_sessions(load_tasks(tasks_path), num_sessions, prompt_tokens, seed)
    with Meter() as meter:
        limits = Limits(plan.max_new_tokens, 1, 0)
        local = live_engine(model, assignments, limits, prompt_tokens, threads, meter)
        peer = None
        try:
            log = (
                None
                if out is None
                else session_log(out, _identity(local, tasks_path, plan, limits, num_sessions, llama_python))
            )
            opened = open_for_bench(local, meter)
            peer = open_peer(llama_python, local, prompt_tokens + plan.max_new_tokens + 64, opened.num_threads)
            run = run_typing_bench(Replayer(opened.session, peer, plan), chosen, log, meter)
        finally:
            if peer is not None:
                peer.close()
    if run.done:
        document = typing_document(opened, prompt_tokens, run, peer, peak_rss_bytes())
        if out is not None:
            from codeassist_eval.speed.plots import typing_plot

            write_figures(out, "typing", document, typing_plot(document, run.done))
        if as_json:
            print_json(document)
        else:
            print_typing(document)
    run.require_all()


def _identity(
    local: LocalEngine,
    tasks_path: Path,
    plan: ReplayPlan,
    limits: Limits,
    num_sessions: int,
    llama_python: Path | None,
) -> dict[str, Any]:
    """What must be the same for an interrupted run to go on."""
    from codeassist.models.checksums import sha256_of

    return {
        "tasks_sha256": sha256_of(tasks_path),
        "sessions": num_sessions,
        "plan": dataclasses.asdict(plan),
        "model_sha256": local.model.sha256,
        "settings": local.recorded_settings(limits),
        "with_llama_cpp": llama_python is not None,
    }
