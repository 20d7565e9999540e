"""Where every command ends: errors become one line on stderr and an exit code.

This is the one place with a broad except.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

from codeassist.control_characters import escaped
from codeassist.errors import CodeAssistError

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
_EXTRA_BY_PACKAGE = {"matplotlib": "plots", "pyarrow": "bench", "lightgbm": "train"}


def run_command(command: click.Command, name: str, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; `name` is what the usage calls the program."""
    _write_utf8_to_pipes()
    wants_traceback = "--debug" in arguments
    try:
        if asked := os.environ.get(completion_variable(name)):
            shell_complete(command, {}, name, completion_variable(name), asked)
            return 0
        # Not command.main(): it prints lines of its own for Ctrl-C and ends the process for a closed pipe.
        with command.make_context(name, list(arguments)) as context:
            context.command.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _fail(_usage_message(error), EXIT_USAGE, wants_traceback)
    except CodeAssistError as error:
        return _fail(str(error), error.exit_code, wants_traceback)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", EXIT_INTERRUPTED, wants_traceback)
    except BrokenPipeError:
        # Whoever read our output is gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  # the last place that can turn a bug into one line
        if missing := _missing_package(error):
            return _fail(missing, CodeAssistError.exit_code, wants_traceback)
        message = f"internal error, {type(error).__name__}: {error}; run again with --debug and report what it prints"
        return _fail(message, EXIT_BUG, wants_traceback)


def completion_variable(name: str) -> str:
    """The environment variable by which a shell asks a program for completions, as click's scripts set it."""
    return f"_{name.upper()}_COMPLETE"


def _missing_package(error: Exception) -> str | None:
    """What to do about a package that is not installed; None for an error that is anything else."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not package or package.startswith("codeassist"):
        return None
    if extra := _EXTRA_BY_PACKAGE.get(package):
        return (
            f"this needs {package}, of codeassist's extra `{extra}`, which is not installed in {sys.prefix}; "
            "`codeassist docs install` says how"
        )
    return f"{package} is not installed in {sys.prefix}: install codeassist again (`codeassist docs install` says how)"


def _fail(message: str, exit_code: int, wants_traceback: bool) -> int:
    if wants_traceback:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        print("codeassist: error: " + escaped(" ".join(message.split())), file=sys.stderr)  # noqa: T201
    return exit_code


def _usage_message(error: click.ClickException) -> str:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "codeassist"
    message = error.format_message().rstrip(".")
    return f"{message} See `{command} --help`" if message.endswith("?") else f"{message}; see `{command} --help`"


def _write_utf8_to_pipes() -> None:
    """Write UTF-8 where no terminal says otherwise, and never fail on a character that a terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
