"""Sweep Next-Edit (0.5B, 1.5B, 7B; Qwen2.5-Coder): a window of 21 lines, rewritten.

    <|file_sep|>a.py.diff
    original:
    …
    updated:
    …
    <|file_sep|>original/a.py       the window before the last edit of the file
    …
    <|file_sep|>current/a.py
    …
    <|file_sep|>updated/a.py

The answer is the window as it becomes, up to the next <|file_sep|>. As its authors' example and four independent
clients write it (looked up 2026-11-30); these join the parts by line ends, and the prompt ends with the last path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import Mark, Piece, Window, before_last_edit, past_edits, split
from codeassist.edits.site import Site

WINDOW_LINES = 21
_MOST_DIFFS = 5
_DIFF_CONTEXT_LINES = 2
_SEPARATOR = Mark("<|file_sep|>")


class SweepForm:
    """See the module."""

    name: ClassVar[str] = "sweep"
    reserved: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[tuple[str, ...]] = ()

    def window(self, site: Site, lines: Sequence[str]) -> Window:
        """Ten lines on both sides of the site."""
        start = max(0, site.start_line - WINDOW_LINES // 2)
        return Window(site.path, lines, start, min(len(lines), start + WINDOW_LINES), site.start_line)

    def prompt(self, request: EditRequest, window: Window) -> list[Piece]:
        """See Form."""
        pieces: list[Piece] = []
        for past in past_edits(request, _MOST_DIFFS, _DIFF_CONTEXT_LINES):
            old, new = ("\n".join((*past.before, *side, *past.after)) for side in (past.change.old, past.change.new))
            pieces += [_SEPARATOR, f"{past.change.path}.diff\noriginal:\n{old}\nupdated:\n{new}\n"]
        earlier = before_last_edit(request, window.path)
        by = len(earlier) - len(window.lines)
        original = "\n".join(earlier[window.start : max(window.start, window.end + by)])
        current = "\n".join(window.lines[window.start : window.end])
        return [
            *pieces,
            _SEPARATOR, f"original/{window.path}\n{original}\n",
            _SEPARATOR, f"current/{window.path}\n{current}\n",
            _SEPARATOR, f"updated/{window.path}",
        ]  # fmt: skip

    def original(self, window: Window) -> str:
        """See Form."""
        return "\n" + window.text

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """See Form."""
        return split(answer.removeprefix("\n"))
