"""`codeassist doctor`: what works, what does not, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from codeassist.errors import RequestError
from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, set_option


@click.command()
@click.argument("folder", metavar="[REPO]", type=click.Path(path_type=Path), default=Path())
@set_option
@json_option
@debug_option
@click.pass_context
def doctor(context: click.Context, folder: Path, assignments: tuple[str, ...], as_json: bool) -> None:
    """Say what works, what does not, and what to do.

    Looks at hardware, PyTorch, model, settings and the index of the repository around REPO (the current folder).
    Hashes the model in use anew. Exits with 1 if there is a problem.

    \b
    Examples:
      codeassist doctor
      codeassist doctor ~/src/project --json
    """
    from codeassist.cli.health.diagnosis import diagnose

    if not folder.exists():
        raise RequestError(f"{folder}: no such folder; name a folder of the repository to look at")
    with Meter() as meter:
        diagnosis = diagnose(folder.absolute(), assignments, meter)
    if as_json:
        print_json({**diagnosis.sections, "problems": list(diagnosis.problems)})
    else:
        _print(diagnosis.sections, diagnosis.problems)
    context.exit(1 if diagnosis.problems else 0)


def _print(sections: Any, problems: tuple[str, ...]) -> None:
    for section, facts in sections.items():
        say(label=section)
        width = max(map(len, facts))
        for name, fact in facts.items():
            written = f"{_written(fact['value'])}  ({fact['origin']})" if section == "settings" else _written(fact)
            say(f"  {name:<{width}}  {written}")
    say()
    for problem in problems:
        say(problem, label="problem: ", colour="red")
    if not problems:
        say(label="no problems", colour="green")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(cast("tuple[str, ...]", value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in cast("dict[str, str]", value).items())
    return str(value)
