"""`codeassist eval typed-names`: whether each typed letter of a name helps."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import FILE, limit_option, model_option, repos_option, seed_option, tasks_option


@click.command("typed-names")
@tasks_option
@repos_option
@model_option
@click.option("--letters", type=click.IntRange(min=1), default=3, show_default=True, help="Typed at most.")
@limit_option()
@seed_option
@click.option("--out", type=FILE, help="Folder for answers.jsonl, with each answer.")
@set_option
@json_option
@debug_option
def typed_names_command(
    tasks_path: Path,
    repos: Path,
    model: str | None,
    letters: int,
    limit: int | None,
    seed: int,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask for the name that each task's truth begins with: before its first letter, and after each typed one.

    \b
    Example:
      codeassist eval typed-names --tasks dev.jsonl --repos dev_repos.tar.xz --model qwen
    """
    import json

    from codeassist.progress import silent
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.contexts.registry import open_contexts
    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.tasks.completer import PipelineCompleter
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample
    from codeassist_eval.typing.typed_names import ask_typed_names, figures_of, name_of

    engine = local_engine(model, ("cache.mode=live", *assignments), Limits(64, 1, seed), silent)
    repositories = open_repositories(repos, engine.cache_folder / "repositories")
    tasks = sample([task for task in load_tasks(tasks_path) if name_of(task, letters)], limit, seed)
    repositories.require_all(tasks)
    session = engine.open_session(silent, speculate=False)
    with (
        open_contexts(
            "full", tasks, repositories, engine.cache_folder / "indexes", PipelineCompleter(session)
        ) as retriever_for,
        Meter() as meter,
    ):
        asked = ask_typed_names(session, tasks, retriever_for, letters, meter)
    rows = figures_of(asked)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({**asdict(each), "right": each.is_right}, ensure_ascii=False) for each in asked]
        (out / "answers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if as_json:
        print_json({"model": engine.model_name, "rows": rows})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table("letters typed", "names", "right", "tokens read p50", "ms p50", title=engine.model_name)
    for column in table.columns:
        column.justify = "right"
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Screen().print(table)
