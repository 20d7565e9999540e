"""Options that several commands share, and the settings that they add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codeassist.terminal.console import notice

if TYPE_CHECKING:  # half of what `--help` would wait for
    from codeassist.settings import Resolved

_F = TypeVar("_F", bound=Callable[..., Any])


def debug_option(function: _F) -> _F:
    """Add --debug, which the boundary looks for in the arguments."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Print a traceback when something fails.")(
        function
    )


def json_option(function: _F) -> _F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on stdout.")(
        function
    )


def set_option(function: _F) -> _F:
    """Add --set."""
    return click.option(
        "--set",
        "assignments",
        metavar="SECTION.KEY=VALUE",
        multiple=True,
        help="Set any setting for this run (`codeassist docs settings` lists them).",
    )(function)


def resolve_settings(
    repository: Path | None,
    assignments: Sequence[str],
    dedicated: Mapping[str, tuple[str, object | None]] | None = None,
) -> Resolved:
    """Resolve all settings, and print what was left out.

    `dedicated` maps an option's name to its setting and value; None means it was not given.
    """
    from codeassist.settings import Override, resolve
    from codeassist.settings.assignments import parse_assignments

    overrides = parse_assignments(assignments)
    for option, (key, value) in (dedicated or {}).items():
        if value is not None:
            overrides.append(Override(key, value, option))
    resolved = resolve(repository, overrides)
    for problem in resolved.problems:
        notice(problem)
    return resolved
