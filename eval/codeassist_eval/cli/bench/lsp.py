"""`codeassist bench lsp`: what a suggestion costs in an editor, through the whole language server."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import (
    figures_folder_option,
    interval_option,
    model_option,
    repos_option,
    rest_option,
    seed_option,
    sessions_option,
    tasks_option,
)


@click.command("lsp")
@model_option
@tasks_option
@repos_option
@sessions_option(4)
@seed_option
@interval_option
@rest_option
@click.option("--shared", is_flag=True, help="Windows of one server that runs already, instead of a server each.")
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
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Type real files into real language servers at human speed, and time every answer by stage.

    \b
    Example:
      codeassist bench lsp --tasks dev.jsonl --repos dev_repos.tar.xz --out bench/lsp
    """
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.speed.language_server import lsp_document, lsp_plot, print_lsp, run_lsp_bench
    from codeassist_eval.speed.report import write_figures
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.typing.lsp_replay import Typist

    settings = resolve_settings(None, assignments, {"--model": ("model.name", model)}).settings
    given = [*assignments, *([] if model is None else [f"model.name={model}"])]
    typist = Typist(interval_ms / 1e3, rest_ms / 1e3)
    rows = load_tasks(tasks_path)
    with Meter() as meter:
        repositories = open_repositories(repos, settings.places.cache / "eval" / "repositories")
        sessions = run_lsp_bench(rows, repositories, num_sessions, seed, given, typist, meter, shared)
    document = lsp_document(sessions, typist, shared)
    if out is not None:
        write_figures(out, "lsp", document, lsp_plot(document, sessions))
    if as_json:
        print_json(document)
    else:
        print_lsp(document)
