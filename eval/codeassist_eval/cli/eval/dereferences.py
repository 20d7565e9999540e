"""`codeassist eval dereferences`: tasks cut again at the first member that their truth names."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import print_json, say
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, tasks_option


@click.command("dereferences")
@tasks_option
@click.option("--out", type=FILE, required=True, help="The new task file.")
@json_option
@debug_option
def dereferences_command(tasks_path: Path, out: Path, as_json: bool) -> None:
    """Cut tasks again where their truth first names a member: after the dot."""
    from codeassist_eval.benchmarks.dereferences import cut_at_dereferences

    num_tasks = cut_at_dereferences(tasks_path, out)
    if as_json:
        print_json({"tasks": num_tasks, "tasks_path": str(out)})
    else:
        say(f"{num_tasks} tasks in {out}")
