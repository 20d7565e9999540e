"""`codeassist bench`: how fast the engine, typing and the index are, beside what they are measured against.

Knows what users type and how figures are printed; nothing of how they come about.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.cli.console import Meter, notice, print_json
from codeassist.cli.options import debug_option, json_option, set_option

if TYPE_CHECKING:
    from codeassist.progress import Progress
    from codeassist_eval.llama_peer import LlamaPeer
    from codeassist_eval.local_engine import LocalEngine
    from codeassist_eval.run import Limits

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
    """Measure speed: the engine, typing, the index. docs/benchmarks.md says what each figure means."""


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
    from codeassist_eval.bench_engine import EnginePlan, run_engine_bench
    from codeassist_eval.bench_report import engine_document, print_engine, write_figures
    from codeassist_eval.bench_session import open_for_bench, peak_rss_bytes
    from codeassist_eval.crosscodeeval import load_tasks
    from codeassist_eval.run import Limits

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
        from codeassist_eval.bench_plots import engine_plot

        write_figures(out, "engine", document, engine_plot(document))
    _show(document, as_json, print_engine)


def _local(
    model: str | None,
    assignments: tuple[str, ...],
    limits: Limits,
    prompt_tokens: int,
    threads: int | None,
    progress: Progress,
) -> LocalEngine:
    """The model with the benchmark's settings; what the user sets goes over them."""
    from codeassist_eval.local_engine import local_engine

    ours = ["cache.mode=live", f"model.context_tokens={prompt_tokens}"]
    if threads is not None:
        ours.append(f"model.threads={threads}")
    return local_engine(model, [*ours, *assignments], limits, progress)


def _peer(named: Path | None, local: LocalEngine, num_context: int, num_threads: int) -> LlamaPeer | None:
    """llama.cpp with the same file loaded; None, with a notice, where that cannot be."""
    from codeassist_eval.llama_peer import find_llama_python, start_peer

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
