"""`python -m codeassist_eval`: the evaluation commands without the rest of the program.

Knows only how an error becomes one line and an exit code.
"""

from __future__ import annotations

import sys

import click

from codeassist.errors import CodeAssistError
from codeassist_eval.cli.commands import eval_group

_EXIT_INTERRUPTED = 130


def main() -> int:
    """Run one command and return its exit code."""
    try:
        eval_group.main(prog_name="codeassist eval", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CodeAssistError as error:
        click.echo(f"codeassist: error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("codeassist: error: interrupted; the same command goes on from what is done", err=True)
        return _EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
