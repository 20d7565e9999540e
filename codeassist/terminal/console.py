"""What commands print: answers on stdout, notices and progress on stderr.

Every command prints through this module and `screen`: whatever the text, control characters in it are spelt out.
"""

from __future__ import annotations

import json
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

import click

from codeassist.control_characters import escaped, json_escaped

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_QUIET_S = 1.0


def print_json(document: object) -> None:
    """Print one JSON object on stdout."""
    click.echo(json_escaped(json.dumps(document, indent=2, ensure_ascii=False, default=str)))


def print_json_line(document: object) -> None:
    """Print one JSON object on a line of stdout: one of many."""
    click.echo(json_escaped(json.dumps(document, ensure_ascii=False)))


def say(line: str = "", *, label: str = "", colour: str | None = None, to_stderr: bool = False) -> None:
    """Print a line on stdout, or on stderr. A `label` stands before it, bold or in a colour."""
    shown = click.style(escaped(label), fg=colour, bold=colour is None) if label else ""
    click.echo(shown + escaped(line), err=to_stderr)


def print_exactly(text: str) -> None:
    """Print on stdout what programs read, code or a path: to a pipe or a file as it is, to a terminal escaped."""
    click.echo(escaped(text) if _is_terminal() else text)


def notice(line: str) -> None:
    """Tell the user something on stderr that is no error."""
    click.echo(escaped(f"codeassist: {line}"), err=True)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


class Meter:
    """A progress bar on stderr for work that takes over a second; call it as a `progress.Progress`.

    Draws nothing where stderr is no terminal.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timer = threading.Timer(_QUIET_S, self._show)
        self._timer.daemon = True
        self._state: tuple[str, int, int | None] = ("", 0, None)
        self._is_over = False
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Meter:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take in how far the work is."""
        with self._lock:
            self._state = (stage, done, total)
            self._draw()

    def _show(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

        from codeassist.terminal.screen import Description, Screen

        console = Screen(stderr=True)
        with self._lock:
            if self._is_over or not console.is_terminal:
                return
            columns = (Description(), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task(self._state[0], total=None)
            self._bar.start()
            self._draw()

    def _draw(self) -> None:
        if self._bar is None or self._task is None:
            return
        stage, done, total = self._state
        if self._bar.tasks[0].description != stage:
            self._bar.reset(self._task, total=total, description=stage)
        self._bar.update(self._task, completed=done, total=total, description=stage)
