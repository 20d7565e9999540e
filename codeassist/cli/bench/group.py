"""`codeassist bench`: how fast the engine, typing and the index are, beside what they are measured against.

Knows what users type and how figures are printed; nothing of how they come about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.cli.terminal.console import Meter, notice, print_json
from codeassist.cli.terminal.deferred_command import DeferredCommand
from codeassist.cli.terminal.options import debug_option, json_option, set_option

if TYPE_CHECKING:
    from codeassist.progress import Progress
    from codeassist_eval.engines.llama_peer import LlamaPeer
    from codeassist_eval.engines.local_engine import LocalEngine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.typing.typing_replay import ReplayPlan

_FILE = click.Path(path_type=Path)
_NO_LLAMA = "no Python with llama-cpp-python was named (--llama-python PATH): our own figures only"

_tasks_option = click.option(
    "--tasks", type=_FILE, required=True, help="A CrossCodeEval task file; its files are the code that is measured on."
)
_model_option = click.option("--model", metavar="NAME", help="Use this model (`codeassist models list`).")
_llama_option = click.option(
    "--llama-python", type=_FILE, help="A Python that has llama-cpp-python, to measure it too, on the same GGUF file."
)
_threads_option = click.option("--threads", type=click.IntRange(min=1), help="Threads of both. Default: torch's.")
_out_option = click.option("--out", type=_FILE, help="Folder for the figures and the plot.")


@click.group()
def bench() -> None:
    """Measure: the engine, typing, the index, trimming. docs/benchmarks.md says what each figure means."""


@bench.command()
@_model_option
@_tasks_option
@click.option("--prompt-tokens", type=click.IntRange(min=128), default=2048, show_default=True)
@_llama_option
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Each figure is a median.")
@click.option("--lines", "num_lines", type=click.IntRange(min=1), default=8, show_default=True, help="Lines typed.")
@_threads_option
@_out_option
@set_option
@json_option
@debug_option
def engine(
    model: str | None,
    tasks: Path,
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
    from codeassist_eval.engines.llama_child import peak_rss_bytes
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.engine import EnginePlan, run_engine_bench
    from codeassist_eval.speed.report import engine_document, print_engine, write_figures
    from codeassist_eval.speed.session import open_for_bench

    plan = EnginePlan(prompt_tokens=prompt_tokens, repeats=repeats, num_lines=num_lines)
    rows = load_tasks(tasks)
    with Meter() as meter:
        limits = Limits(plan.max_new_tokens, plan.max_lines, 0)
        local = _local(model, assignments, limits, prompt_tokens, threads, meter)
        opened = open_for_bench(local, meter)
        peer = _peer(llama_python, local, prompt_tokens + plan.max_new_tokens + 64, opened.num_threads)
        try:
            figures = run_engine_bench(opened.session, rows, peer, plan, meter)
            document = engine_document(opened, plan, figures, peer, peak_rss_bytes())
        finally:
            if peer is not None:
                peer.close()
    if out is not None:
        from codeassist_eval.speed.plots import engine_plot

        write_figures(out, "engine", document, engine_plot(document))
    _show(document, as_json, print_engine)


@bench.command("typing")
@_model_option
@_tasks_option
@click.option("--sessions", "num_sessions", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--prompt-tokens", type=click.IntRange(min=128), default=4000, show_default=True)
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
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_llama_option
@_threads_option
@_out_option
@set_option
@json_option
@debug_option
def typing_command(
    model: str | None,
    tasks: Path,
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
    from codeassist_eval.engines.llama_child import peak_rss_bytes
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.report import print_typing, typing_document, write_figures
    from codeassist_eval.speed.session import open_for_bench
    from codeassist_eval.speed.typing import run_typing_bench, session_log
    from codeassist_eval.typing.typing_replay import Replayer, ReplayPlan
    from codeassist_eval.typing.typing_sessions import choose_sessions

    plan = ReplayPlan(samples, seed, pause_ms, max_new_tokens)
    chosen = choose_sessions(load_tasks(tasks), num_sessions, prompt_tokens, seed)
    with Meter() as meter:
        limits = Limits(plan.max_new_tokens, 1, 0)
        local = _local(model, assignments, limits, prompt_tokens, threads, meter)
        peer = None
        try:
            log = (
                None
                if out is None
                else session_log(out, _identity(local, tasks, plan, limits, num_sessions, llama_python))
            )
            opened = open_for_bench(local, meter)
            peer = _peer(llama_python, local, prompt_tokens + plan.max_new_tokens + 64, opened.num_threads)
            run = run_typing_bench(Replayer(opened.session, peer, plan), chosen, log, meter)
        finally:
            if peer is not None:
                peer.close()
    if run.done:
        document = typing_document(opened, prompt_tokens, run, peer, peak_rss_bytes())
        if out is not None:
            from codeassist_eval.speed.plots import typing_plot

            write_figures(out, "typing", document, typing_plot(document, run.done))
        _show(document, as_json, print_typing)
    run.require_all()


@bench.command()
@_model_option
@_tasks_option
@click.option("--tokens", "num_tokens", type=click.IntRange(min=1), default=4000, show_default=True)
@set_option
@json_option
@debug_option
def accuracy(model: str | None, tasks: Path, num_tokens: int, assignments: tuple[str, ...], as_json: bool) -> None:
    """Measure how near the format that the settings choose (int8 on a CPU) stays to float32, on real code.

    \b
    Example:
      codeassist bench accuracy --tasks dev.jsonl --tokens 4000
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.accuracy import measure_accuracy

    rows = load_tasks(tasks)
    with Meter() as meter:
        local = _local(model, assignments, Limits(16, 1, 0), 1024, None, meter)
        measured = measure_accuracy(local, rows, num_tokens, meter)
    if as_json:
        print_json(dataclasses.asdict(measured))
        return
    click.echo(
        f"{measured.weight_format} against float32 on {measured.num_tokens} tokens: the same likeliest token at "
        f"{measured.top1_agreement:.1f}%; KL divergence {measured.kl_mean:.4f} nats, median {measured.kl_median:.4f}"
    )


bench.add_command(DeferredCommand("lsp", "codeassist.cli.bench.language_server", "lsp", "Measure the language server."))
bench.add_command(DeferredCommand("order", "codeassist.cli.bench.prompt_order", "order", "Compare orders of a prompt."))
bench.add_command(
    DeferredCommand("remote", "codeassist.cli.bench.remote", "remote", "Put a completions server under load.")
)
bench.add_command(
    DeferredCommand("monitor", "codeassist.cli.bench.monitor", "monitor", "Complete with and without monitors.")
)
bench.add_command(DeferredCommand("trim", "codeassist_eval.speed.trimming", "main", "Measure trimming on real code."))
bench.add_command(
    DeferredCommand("index", "codeassist_indexer.benchmarks.indexing", "main", "Measure the index on a large tree.")
)
bench.add_command(
    DeferredCommand(
        "retrieval", "codeassist_indexer.benchmarks.retrieval", "main", "Measure the search for candidates."
    )
)


def _identity(
    local: LocalEngine,
    tasks: Path,
    plan: ReplayPlan,
    limits: Limits,
    num_sessions: int,
    llama_python: Path | None,
) -> dict[str, Any]:
    """What must be the same for an interrupted run to go on."""
    from codeassist.models.checksums import sha256_of

    return {
        "tasks_sha256": sha256_of(tasks),
        "sessions": num_sessions,
        "plan": dataclasses.asdict(plan),
        "model_sha256": local.model.sha256,
        "settings": local.recorded_settings(limits),
        "with_llama_cpp": llama_python is not None,
    }


def _local(
    model: str | None,
    assignments: tuple[str, ...],
    limits: Limits,
    prompt_tokens: int,
    threads: int | None,
    progress: Progress,
) -> LocalEngine:
    """The model with the benchmark's settings; what the user sets goes over them."""
    from codeassist_eval.engines.local_engine import local_engine

    ours = ["cache.mode=live", f"model.context_tokens={prompt_tokens}"]
    if threads is not None:
        ours.append(f"model.threads={threads}")
    return local_engine(model, [*ours, *assignments], limits, progress)


def _peer(named: Path | None, local: LocalEngine, num_context: int, num_threads: int) -> LlamaPeer | None:
    """llama.cpp with the same file loaded; None, with a notice, where that cannot be."""
    from codeassist_eval.engines.llama_peer import find_llama_python, start_peer

    llama_python = find_llama_python(named)
    if llama_python is None:
        notice(_NO_LLAMA)
        return None
    if local.model.kind != "gguf":
        notice(f"{local.model.name} is no GGUF file, which is what llama.cpp reads: our own figures only")
        return None
    peer = start_peer(llama_python)
    try:
        peer.load(local.model.path, num_context, num_threads)
    except BaseException:
        peer.close()
        raise
    return peer


def _show(document: Mapping[str, Any], as_json: bool, print_table: Any) -> None:
    if as_json:
        print_json(document)
    else:
        print_table(document)
