"""`codeassist bench lsp`: what a suggestion costs in an editor, through the whole language server."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import (
    figures_folder_option,
    interval_option,
    llama_option,
    model_option,
    repos_option,
    rest_option,
    seed_option,
    sessions_option,
    tasks_option,
)

if TYPE_CHECKING:
    from codeassist_eval.engines.llama_peer import LlamaPeer


@click.command("lsp")
@model_option
@tasks_option
@repos_option
@sessions_option(4)
@seed_option
@interval_option
@rest_option
@click.option("--shared", is_flag=True, help="Windows of one server that runs already, instead of a server each.")
@llama_option
@click.option(
    "--llama-ring",
    "ring_size",
    type=click.IntRange(min=0),
    default=16,
    show_default=True,
    help="Chunks of other places in llama.vim's prompts; 16 is its own default.",
)
@click.option("--server", "server_line", metavar="COMMAND", help="Another language server, typed into as well.")
@figures_folder_option
@set_option
@json_option
@debug_option
def lsp_command(
    model: str | None,
    tasks_path: Path,
    repos: Path,
    num_sessions: int,
    seed: int,
    interval_ms: int,
    rest_ms: int,
    shared: bool,
    llama_python: Path | None,
    ring_size: int,
    server_line: str | None,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Type real files into real language servers at human speed, and time every answer by stage.

    \b
    Example:
      codeassist bench lsp --tasks dev.jsonl --repos dev_repos.tar.xz --out bench/lsp
      codeassist bench lsp --tasks dev.jsonl --repos dev_repos.tar.xz --server 'pylsp'
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.speed.language_server import lsp_document, lsp_plot, print_lsp, run_lsp_bench
    from codeassist_eval.speed.report import write_figures
    from codeassist_eval.speed.sides import LlamaVimSide, OtherSide, ServerSide, server_command
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.typing.typist import Typist

    settings = resolve_settings(None, assignments, {"--model": ("model.name", model)}).settings
    given = [*assignments, *([] if model is None else [f"model.name={model}"])]
    typist = Typist(interval_ms / 1e3, rest_ms / 1e3)
    rows = load_tasks(tasks_path)
    others: list[OtherSide] = [] if server_line is None else [ServerSide(server_command(server_line))]
    with Meter() as meter, ExitStack() as ends:
        if llama_python is not None:
            peer = _loaded_peer(llama_python, model, assignments, meter)
            if peer is not None:
                ends.callback(peer.close)
                others.append(LlamaVimSide(peer, ring_size, seed))
        repositories = open_repositories(repos, settings.places.cache / "eval" / "repositories")
        run = run_lsp_bench(rows, repositories, num_sessions, seed, given, typist, meter, shared, others)
    document = lsp_document(run, typist, shared)
    if out is not None:
        write_figures(out, "lsp", document, lsp_plot(document, run.sessions))
    if as_json:
        print_json(document)
    else:
        print_lsp(document)


def _loaded_peer(
    llama_python: Path, model: str | None, assignments: tuple[str, ...], progress: Meter
) -> LlamaPeer | None:
    """llama.cpp with the file that our server uses, and as many threads."""
    import torch

    from codeassist_eval.cli.bench.engines import live_engine, open_peer
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.sides import SIDE_CONTEXT_TOKENS

    local = live_engine(model, assignments, Limits(1, 1, 0), 2048, None, progress)
    threads = local.settings.model.threads or torch.get_num_threads()
    return open_peer(llama_python, local, SIDE_CONTEXT_TOKENS, threads)
