"""`codeassist eval typed-words`: what typing letter by letter does to the context from other files."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, limit_option, repos_option, seed_option, tasks_option


@click.command("typed-words")
@tasks_option
@repos_option
@click.option("--ranker", type=FILE, help="A ranker's file, or a folder of train-ranker. Default: the shipped one.")
@click.option("--encoders", type=FILE, help="Folder of train-retriever --whole; a folder of rankers needs it.")
@limit_option()
@seed_option
@click.option("--max-chars", type=click.IntRange(min=1), default=4096, show_default=True, help="Of all snippets.")
@json_option
@debug_option
def typed_words_command(
    tasks_path: Path,
    repos: Path,
    ranker: Path | None,
    encoders: Path | None,
    limit: int | None,
    seed: int,
    max_chars: int,
    as_json: bool,
) -> None:
    """Type each task's line and look at each key which snippets an editor's prompt would have: no model runs.

    Asked at every key, and asked once a word, without the word that is being typed (as editors are served).

    \b
    Example:
      codeassist eval typed-words --tasks dev.jsonl --repos dev_repos.tar.xz
    """
    from contextlib import closing

    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.contexts.index_context import IndexContexts
    from codeassist_eval.contexts.rankers import LearnedContext, Rankers
    from codeassist_eval.engines.local_engine import evaluation_cache
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample
    from codeassist_eval.typing.typed_words import measure_typed_words

    cache = evaluation_cache()
    repositories = open_repositories(repos, cache / "repositories")
    tasks = sample(load_tasks(tasks_path), limit, seed)
    repositories.require_all(tasks)
    rankers = Rankers(LearnedContext(ranker, encoders))
    with closing(IndexContexts(repositories, cache / "indexes", "learned", rankers)) as contexts, Meter() as meter:
        figures = measure_typed_words(tasks, contexts, rankers, max_chars, meter)
    document = {name: way.as_document() for name, way in figures.items()}
    if as_json:
        print_json({"tasks": len(tasks), **document})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table(
        "asked", "keys", "number", "others %", "new characters a key", "names shown %", title=f"{len(tasks)} tasks"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for name, kinds in document.items():
        for kind, each in kinds.items():
            values = (each["changed_percent"], each["new_chars_per_key"], each["names_shown_percent"])
            shown = ["–" if value is None else f"{value:.1f}" for value in values]
            table.add_row(name, kind.replace("_", " "), f"{each['keys']:,}", *shown)
    Screen().print(table)
