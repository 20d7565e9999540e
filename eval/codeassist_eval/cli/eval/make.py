"""`codeassist eval make`: tasks cut from any repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.terminal.console import print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings
from codeassist_eval.cli.options import FILE, language_option, limit_option, seed_option

if TYPE_CHECKING:
    from codeassist_eval.tasks.task import Language


@click.command("make")
@click.option("--repo", type=FILE, required=True, help="The repository to cut tasks from.")
@click.option("--out", type=FILE, required=True, help="Folder for tasks.jsonl and, with --since, the repositories.")
@language_option
@limit_option(200)
@seed_option
@click.option(
    "--since", metavar="COMMIT", help="Only lines that commits after this one added, with the code of before."
)
@click.option("--library-calls", "wants_library_calls", is_flag=True, help="At calls into installed packages instead.")
@json_option
@debug_option
def make_command(
    repo: Path,
    out: Path,
    language: Language | None,
    limit: int,
    seed: int,
    since: str | None,
    wants_library_calls: bool,
    as_json: bool,
) -> None:
    """Cut cross-file completion tasks in CrossCodeEval's format from any repository.

    The cursor stands where a name from another file of the repository is needed; with --library-calls where an
    installed package is called that it imports, whose index is made first.
    """
    if since is not None and wants_library_calls:
        raise click.UsageError("--since and --library-calls exclude each other")
    from codeassist_eval.tasks.history import make_from_history
    from codeassist_eval.tasks.make import make_from_folder

    if wants_library_calls:
        from codeassist_eval.tasks.library_calls import make_library_calls

        made = make_library_calls(repo, out, resolve_settings(None, ()).settings.places.cache, language, limit, seed)
    elif since is None:
        made = make_from_folder(repo, out, language, limit, seed)
    else:
        made = make_from_history(repo, since, out, language, limit, seed)
    if as_json:
        paths = {"tasks_path": str(made.tasks_path), "repositories": str(made.repositories)}
        print_json({"tasks": made.num_tasks, "by_kind": dict(made.num_by_kind), **paths})
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(made.num_by_kind.items()))
    say(f"{made.num_tasks} tasks ({kinds}) in {made.tasks_path}; repositories in {made.repositories}")
