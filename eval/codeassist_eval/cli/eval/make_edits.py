"""`codeassist eval make-edits`: next-edit tasks from the commits of repositories."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, seed_option


@click.command("make-edits")
@click.argument("repositories", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, required=True, help="The task file.")
@click.option("--limit", type=click.IntRange(min=1), default=150, show_default=True, help="Tasks a repository.")
@click.option("--since", default="2019-01-01", show_default=True, metavar="DATE", help="Only commits since then.")
@click.option(
    "--beside",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Files that the commit left alone, but that hold a name it changed, in each task.",
)
@seed_option
@json_option
@debug_option
def make_edits_command(
    repositories: tuple[Path, ...], out: Path, limit: int, since: str, beside: int, seed: int, as_json: bool
) -> None:
    """Cut next-edit tasks from the commits of repositories: some edits of a commit are made, the next is asked for.

    Checkouts and bare repositories are only read, and nothing of them runs. What is written is their code: mind its
    licence.

    \b
    Example:
      codeassist eval make-edits --out tasks.jsonl ~/src/one ~/src/two
      codeassist eval make-edits --out train.jsonl --limit 300 --beside 4 --since 2020-01-01 ~/src/one
    """
    from codeassist_eval.edits.make_edits import EditMining, make_edits

    with Meter() as meter:
        made = make_edits(repositories, out, EditMining(limit, since, beside, seed), meter)
    if as_json:
        print_json({"tasks": sum(made.values()), "by_kind": dict(made), "tasks_path": str(out)})
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(made.items()))
    say(f"{sum(made.values())} tasks ({kinds}) in {out}")
