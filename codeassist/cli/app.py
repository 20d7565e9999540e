"""The program `codeassist` and its subcommands."""

from __future__ import annotations

from collections.abc import Sequence

import click

from codeassist import __version__
from codeassist.cli.completion.complete import complete
from codeassist.cli.completion.demo import demo
from codeassist.cli.dashboard.command import dashboard
from codeassist.cli.docs import docs
from codeassist.cli.edits.next_edit import next_edit
from codeassist.cli.health.doctor import doctor
from codeassist.cli.index import index
from codeassist.cli.models import models
from codeassist.cli.server.serve import serve
from codeassist.cli.server.stats import stats
from codeassist.cli.server.status import status
from codeassist.cli.server.stop import stop
from codeassist.cli.shell_completion import completion
from codeassist.cli.tune import tune
from codeassist.terminal.deferred_command import DeferredCommand
from codeassist.terminal.error_boundary import run_command
from codeassist.terminal.options import debug_option


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="codeassist")
@debug_option
def app() -> None:
    """Complete code with a local model that has read the rest of your repository.

    \b
    Start here:
      codeassist models pull             fetch the model that fits this machine
      codeassist complete main.py:12:9   complete at a cursor
      codeassist doctor                  what works, what does not, what to do

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 unusable request, 4 model, 5 index, 6 evaluation,
    130 interrupted.
    """


_EVAL = DeferredCommand("eval", "codeassist_eval.cli.eval.group", "eval_group", "Measure completions on benchmarks.")
_BENCH = DeferredCommand(
    "bench", "codeassist_eval.cli.bench.group", "bench_group", "Measure speed: the engine, typing, the index."
)

for _command in (
    complete,
    next_edit,
    index,
    tune,
    models,
    doctor,
    serve,
    status,
    stop,
    stats,
    dashboard,
    demo,
    docs,
    completion,
    _EVAL,
    _BENCH,
):
    app.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    return run_command(app, "codeassist", arguments)
