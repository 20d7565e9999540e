"""The screen that tables and code are printed on: what is on it obeys nobody but us.

Whatever is printed, its own escape sequences, bidirectional and zero-width characters are spelt out, and `[bold]` in a
file's name is a part of the name. Styles come from code alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import ProgressColumn, Task
from rich.segment import Segment
from rich.text import Text

from codeassist.control_characters import escaped

_WIDTH_OF_A_FILE = 200  # a row is a line where a script may read it


class Screen(Console):
    """A rich console without markup, highlighting and emoji names, that escapes all text."""

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(stderr=stderr, file=file, width=width, markup=False, highlight=False, emoji=False)
        if width is None and not self.is_terminal:
            self.width = _WIDTH_OF_A_FILE

    def render_str(self, text: str, **how: Any) -> Text:
        """Return a string as rich lays it out; escaped before that, so that columns fit."""
        return super().render_str(escaped(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of anything, their texts escaped; what rich moves the cursor with stays."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(escaped(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command's error boundary: rich would end the process itself."""
        raise BrokenPipeError


class Description(ProgressColumn):
    """What a progress bar says that it is at, as it stands."""

    def render(self, task: Task) -> Text:
        """Return the description."""
        return Text(task.description)
