"""The progress bar of a run: how many tasks, exact match so far, time left.

Draws nothing where stderr is no terminal.
"""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from codeassist.terminal.screen import Description, Screen
from codeassist_eval.metrics.score import Score
from codeassist_eval.runs.run_folder import Record


class RunBar:
    """A `run.Watcher` on stderr; use it as a context manager."""

    def __init__(self, num_tasks: int) -> None:
        self._bar = _bar()
        self._task = self._bar.add_task("EM -", total=num_tasks)
        self._num_done = 0
        self._num_right = 0.0

    def __enter__(self) -> RunBar:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def task_done(self, record: Record, score: Score) -> None:
        """Count one task in."""
        self._num_done += 1
        self._num_right += score.values["em"]
        self._bar.update(self._task, advance=1, description=f"EM {100 * self._num_right / self._num_done:.1f}")


def _bar() -> Progress:
    console = Screen(stderr=True)
    return Progress(
        Description(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
