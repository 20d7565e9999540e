"""`codeassist eval analysis`: what the analysis behind the monitors knows, and how often it is wrong."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, language_option, run_folder_option, seed_option

if TYPE_CHECKING:
    from codeassist_eval.analysis.check import AllNames, AnalysisFigures
    from codeassist_eval.tasks.task import Language


@click.command("analysis")
@click.option("--tasks", "tasks_path", type=FILE, help="A task file in CrossCodeEval's format: places in its truth.")
@click.option("--repos", type=click.Path(path_type=Path), help="Folder or archive of the repositories.")
@language_option
@click.option("--draw", type=click.IntRange(min=1), metavar="N", help="Instead of tasks: N places of each repository.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(("member", "import", "keyword", "case", "class")),
    multiple=True,
    help="Draw N places of this kind. May be repeated.",
)
@click.option(
    "--typescript",
    type=FILE,
    metavar="FOLDER",
    help="npm's package `typescript` 5: its language service says what else can stand at places of scripts.",
)
@click.option(
    "--installed",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Instead of tasks: what a module of the active environment and its classes have at run time.",
)
@click.option(
    "--jedi-tests",
    type=FILE,
    metavar="FOLDER",
    help="Instead of tasks: jedi's own annotated tests, `test/completion` of its source distribution.",
)
@seed_option
@run_folder_option(required=False)
@json_option
@debug_option
def analysis_command(
    tasks_path: Path | None,
    repos: Path | None,
    language: Language | None,
    draw: int | None,
    kinds: tuple[str, ...],
    typescript: Path | None,
    modules: tuple[str, ...],
    jedi_tests: Path | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Ask the analysis behind the monitors at places whose name is known: no model runs.

    Shows how often it knows what can stand there, and how often it would have excluded the truth.
    """
    from codeassist_eval.reports.tables import print_analysis

    if (tasks_path is not None) + (draw is not None) + bool(modules) + (jedi_tests is not None) != 1:
        raise click.UsageError("give one of --tasks, --draw, --installed and --jedi-tests")
    if modules:
        from codeassist_eval.analysis.runtime_names import active_environment, check_runtime, runtime_names

        figures = check_runtime(runtime_names(modules, active_environment()))
    elif jedi_tests is not None:
        figures = _of_jedi_tests(jedi_tests)
    elif repos is None:
        raise click.UsageError("--repos says where the code is")
    else:
        figures = _in_repositories(tasks_path, repos, language, draw or 0, kinds, typescript, seed, out)
    if as_json:
        print_json(figures.as_document())
    else:
        print_analysis(figures.as_document())


def _in_repositories(
    tasks_path: Path | None,
    repos: Path,
    language: Language | None,
    draw: int,
    kinds: tuple[str, ...],
    typescript: Path | None,
    seed: int,
    out: Path | None,
) -> AnalysisFigures:
    """Ask at the places of tasks, or at `draw` places of each repository."""
    from codeassist.models.checksums import sha256_of
    from codeassist_eval.analysis.check import check_analysis, place_log
    from codeassist_eval.analysis.places import drawn_places, places_of_tasks
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.engines.local_engine import evaluation_cache
    from codeassist_eval.tasks.claimed_folder import claim_folder
    from codeassist_eval.tasks.repositories import open_repositories, repository_folders
    from codeassist_eval.tasks.task import in_prefix_order

    cache = evaluation_cache()
    repositories = open_repositories(repos, cache / "repositories")
    if tasks_path is not None:
        tasks = [task for task in load_tasks(tasks_path) if language in (None, task.language)]
        repositories.require_all(tasks)
        places = places_of_tasks(in_prefix_order(tasks), repositories)
    else:
        folders = repository_folders(repositories)
        places = (place for folder in folders for place in drawn_places(folder, language, draw, seed, kinds))
    identity = {
        "tasks_sha256": None if tasks_path is None else sha256_of(tasks_path),
        "repositories": repos.name,
        "draw": [language, draw, list(kinds), seed],
    }
    log = None if out is None else place_log(out, identity)
    databases = claim_folder(cache / "indexes")
    with ExitStack() as opened:
        opened.callback(databases.release)
        return check_analysis(places, databases.path, _all_names(opened, typescript), log)


def _of_jedi_tests(folder: Path) -> AnalysisFigures:
    """Ask at the places that jedi's authors annotated: none of their names may be excluded."""
    from codeassist_eval.analysis.check import check_analysis
    from codeassist_eval.analysis.jedi_tests import annotated_names
    from codeassist_eval.engines.local_engine import evaluation_cache
    from codeassist_eval.tasks.claimed_folder import claim_folder

    names = annotated_names(folder.resolve())
    databases = claim_folder(evaluation_cache() / "indexes")
    try:
        return check_analysis(names, databases.path, names.get)
    finally:
        databases.release()


def _all_names(opened: ExitStack, typescript: Path | None) -> AllNames:
    """The oracle that was asked for; one that knows nothing where none was."""
    if typescript is None:
        return lambda _: None
    from codeassist_eval.analysis.typescript_service import TypeScriptService

    return opened.enter_context(closing(TypeScriptService(typescript))).names
