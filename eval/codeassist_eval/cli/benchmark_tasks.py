"""The options that say which tasks of which benchmark a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from codeassist_eval.benchmarks.registry import BENCHMARKS
from codeassist_eval.benchmarks.repobench import LEVELS
from codeassist_eval.cli.options import FILE

_F = TypeVar("_F", bound=Callable[..., Any])
_DAY = click.DateTime(["%Y-%m-%d"])


def benchmark_options(function: _F) -> _F:
    """Add --benchmark, --tasks, --level, --created-from and --created-to."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--benchmark",
        type=click.Choice(list(BENCHMARKS)),
        default="crosscodeeval",
        show_default=True,
        help="What the tasks are of.",
    ),
    click.option(
        "--tasks",
        "tasks_path",
        type=FILE,
        required=True,
        help="The benchmark's task file; RepoBench: also a folder, or hub:LANGUAGE/SETTING.",
    ),
    click.option(
        "--level", "levels", type=click.Choice(LEVELS), multiple=True, help="RepoBench: only rows of these levels."
    ),
    click.option("--created-from", type=_DAY, metavar="DATE", help="RepoBench: only code since this day."),
    click.option("--created-to", type=_DAY, metavar="DATE", help="RepoBench: only code before this day."),
)
