"""A change of whole lines in one file: what edit histories, patches and proposals are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineChange:
    """At line `start_line` (from 0) of `path`, the lines `old` became the lines `new`; either may be empty.

    `path` is relative to the repository root, with forward slashes; lines have no line ends. In a history
    `start_line` counts in the text as it stood when the change was made: the changes before it are made, those after
    it are not. `is_accepted`: the text is a suggestion that was taken.
    """

    path: str
    start_line: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    is_accepted: bool = False

    @property
    def end_line(self) -> int:
        """The line after the last one of `new`, in the text as it stood right after the change."""
        return self.start_line + len(self.new)
