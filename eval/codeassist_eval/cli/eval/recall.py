"""`codeassist eval recall`: whether what tasks need is among the candidates of their prompts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, language_option, limit_option, repos_option, seed_option, tasks_option

if TYPE_CHECKING:
    from codeassist_eval.tasks.task import Language


@click.command("recall")
@tasks_option
@repos_option
@language_option
@limit_option()
@seed_option
@click.option("--out", type=FILE, help="Folder for recall.json and for misses.jsonl, what was not found.")
@json_option
@debug_option
def recall_command(
    tasks_path: Path,
    repos: Path,
    language: Language | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find candidates for each task and look whether the files that its truth needs are among them: no model runs.

    All sources together, each alone, and all without each.
    """
    from contextlib import closing

    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.contexts.index_context import IndexContexts
    from codeassist_eval.contexts.recall import measure_recall, write_recall
    from codeassist_eval.engines.local_engine import evaluation_cache
    from codeassist_eval.reports.tables import print_recall
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample

    cache = evaluation_cache()
    repositories = open_repositories(repos, cache / "repositories")
    tasks = sample([task for task in load_tasks(tasks_path) if language in (None, task.language)], limit, seed)
    repositories.require_all(tasks)
    with closing(IndexContexts(repositories, cache / "indexes", "full")) as contexts, Meter() as meter:
        figures = measure_recall(tasks, contexts, meter)
    if out is not None:
        write_recall(out, figures)
    if as_json:
        print_json(figures.as_document())
    else:
        print_recall(figures.as_document())
