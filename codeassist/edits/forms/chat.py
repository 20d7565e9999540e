"""Any model that chats (ChatML, as Qwen's): the last edits as a diff, a region to write again in a code block.

The baseline of models that were never trained for edits; `eval edits --proposer rewrite` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import Mark, Piece, Window, joined, past_edits, split
from codeassist.edits.site import Site

WINDOW_LINES = 21
_CONTEXT_LINES = 10
_MOST_EDITS, _DIFF_CONTEXT_LINES = 6, 2
_BEGIN, _END = Mark("<|im_start|>"), Mark("<|im_end|>")
_TASK = (
    "You finish what a developer began. You are shown the last edits and a region of code. Write the region again with "
    "what has to change because of these edits, and nothing else changed. If nothing has to change, write it as it is."
)


class ChatForm:
    """See the module."""

    name: ClassVar[str] = "rewrite"
    reserved: ClassVar[tuple[str, ...]] = ("```",)
    ends: ClassVar[tuple[str, ...]] = ("```",)

    def window(self, site: Site, lines: Sequence[str]) -> Window:
        """Ten lines on both sides of the site."""
        start = max(0, site.start_line - WINDOW_LINES // 2)
        return Window(site.path, lines, start, min(len(lines), start + WINDOW_LINES), site.start_line)

    def prompt(self, request: EditRequest, window: Window) -> list[Piece]:
        """See Form."""
        edits = "".join(
            f"--- a/{past.change.path}\n+++ b/{past.change.path}\n{past.hunk()}"
            for past in past_edits(request, _MOST_EDITS, _DIFF_CONTEXT_LINES)
        )
        before = joined(window.lines[max(0, window.start - _CONTEXT_LINES) : window.start])
        asked = (
            f"The last edits:\n```diff\n{edits}```\n\nIn {window.path}, after the lines\n```\n{before}```\n"
            f"stands the region\n```\n{window.text}```\nWrite the region again."
        )
        return [
            _BEGIN, f"system\n{_TASK}", _END, "\n",
            _BEGIN, f"user\n{asked}", _END, "\n",
            _BEGIN, "assistant\n```\n",
        ]  # fmt: skip

    def original(self, window: Window) -> str:
        """See Form."""
        return f"{window.text}```"

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """See Form."""
        return split(answer)
