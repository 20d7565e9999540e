"""`codeassist bench lsp`: what a suggestion costs in an editor, behind the whole language server.

Knows options only.
"""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.cli.terminal.console import Meter, print_json
from codeassist.cli.terminal.options import debug_option, json_option, resolve_settings, set_option

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--model", metavar="NAME", help="Use this model (`codeassist models list`).")
@click.option("--tasks", type=_FILE, required=True, help="A CrossCodeEval task file; its files are typed.")
@click.option("--repos", type=_FILE, required=True, help="Folder or archive with the repositories of the tasks.")
@click.option("--sessions", "num_sessions", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--interval-ms", type=click.IntRange(min=1), default=200, show_default=True, help="Between keystrokes.")
@click.option("--rest-ms", type=click.IntRange(min=1), default=1000, show_default=True, help="Behind each word.")
@click.option("--shared", is_flag=True, help="Windows of one server that runs already, instead of a server each.")
@click.option("--out", type=_FILE, help="Folder for the figures and the plot.")
@set_option
@json_option
@debug_option
def lsp(
    model: str | None,
    tasks: Path,
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
    rows = load_tasks(tasks)
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
