"""Zeta (Zed's first, Qwen2.5-Coder-7B): an excerpt with an editable region, rewritten between its markers.

    ### Instruction: … ### User Edits:

    User edited "a.py":
    ```diff
    @@ …
    ```

    ### User Excerpt:

    ```a.py
    lines before
    <|editable_region_start|>
    lines<|user_cursor_is_here|>
    <|editable_region_end|>
    lines after
    ```

    ### Response:

As Zed's `zeta1` module writes it (looked up 2026-11-30). Clients differ in whether the path of an edit is quoted; Zed's
own training data has it quoted. The markers are text: what holds one is not asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import (
    CHARS_PER_TOKEN,
    Piece,
    Window,
    joined,
    past_edits,
    split,
    window_of_chars,
    with_cursor,
)
from codeassist.edits.site import Site

_CURSOR, _BEGIN, _END = "<|user_cursor_is_here|>", "<|editable_region_start|>", "<|editable_region_end|>"
_FILE_BEGIN = "<|start_of_file|>"
_EDITABLE_TOKENS, _CONTEXT_TOKENS = 350, 150
_MOST_EDITS, _DIFF_CONTEXT_LINES = 5, 3
_TASK = (
    "### Instruction:\nYou are a code completion assistant and your task is to analyze user edits and then rewrite an "
    "excerpt that the user provides, suggesting the appropriate edits within the excerpt, taking into account the "
    "cursor location.\n\n### User Edits:\n\n"
)


class ZetaForm:
    """See the module."""

    name: ClassVar[str] = "zeta"
    reserved: ClassVar[tuple[str, ...]] = (_CURSOR, _BEGIN, _END, _FILE_BEGIN)
    ends: ClassVar[tuple[str, ...]] = (_END,)

    def window(self, site: Site, lines: Sequence[str]) -> Window:
        """As many lines around the site as make about 350 tokens."""
        start, end = window_of_chars(site, lines, _EDITABLE_TOKENS * CHARS_PER_TOKEN)
        return Window(site.path, lines, start, end, site.start_line)

    def prompt(self, request: EditRequest, window: Window) -> list[Piece]:
        """See Form."""
        edits = [
            f'User edited "{past.change.path}":\n```diff\n{past.hunk()}```'
            for past in past_edits(request, _MOST_EDITS, _DIFF_CONTEXT_LINES)
        ]
        first, last = around(window, _CONTEXT_TOKENS * CHARS_PER_TOKEN)
        begin = f"{_FILE_BEGIN}\n" if first == 0 else ""
        excerpt = (
            f"```{window.path}\n{begin}{joined(window.lines[first : window.start])}{_BEGIN}\n"
            f"{with_cursor(window, _CURSOR)}{_END}\n{joined(window.lines[window.end : last])}```"
        )
        return [_TASK + "\n\n".join(edits) + f"\n\n### User Excerpt:\n\n{excerpt}\n\n### Response:\n"]

    def original(self, window: Window) -> str:
        """See Form."""
        return f"{_BEGIN}\n{window.text}{_END}"

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """See Form."""
        _, marker, region = answer.replace(_CURSOR, "").partition(f"{_BEGIN}\n")
        return split(region) if marker else None


def around(window: Window, most_chars: int) -> tuple[int, int]:
    """Lines [first, last) with up to `most_chars` characters of context on each side of a window."""
    first, used = window.start, 0
    while first > 0 and used + len(window.lines[first - 1]) + 1 <= most_chars:
        first -= 1
        used += len(window.lines[first]) + 1
    last, used = window.end, 0
    while last < len(window.lines) and used + len(window.lines[last]) + 1 <= most_chars:
        used += len(window.lines[last]) + 1
        last += 1
    return first, last
