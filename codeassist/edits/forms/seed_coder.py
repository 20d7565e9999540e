"""Zeta-2 and Zeta-2.1 (Seed-Coder-8B): suffix first, all context in the prefix.

    <[fim-suffix]>lines after
    <[fim-prefix]><filename>edit_history
    --- a/a.py
    +++ b/a.py
    @@ …

    <filename>a.py
    lines before
    <<<<<<< CURRENT                         Zeta-2: the region, rewritten up to ">>>>>>> UPDATED", or NO_EDITS
    lines<|user_cursor|>
    =======
    <[fim-middle]>

Zeta-2.1 has the region cut into blocks by <|marker_1|>, <|marker_2|>, … instead, and answers with two of them and what
stands between them then; the same one twice is "nothing". As Zed's `zeta_prompt` crate (formats V0211SeedCoder and
V0318SeedMultiRegions) writes them (looked up 2026-11-30). The lines of a region and of its context are chosen here by
their characters, as the crate estimates tokens; it also grows them along the syntax tree, which is not done here. How
many past edits it keeps was not found: six are given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import (
    CHARS_PER_TOKEN,
    Mark,
    Piece,
    Window,
    joined,
    past_edits,
    split,
    window_of_chars,
    with_cursor,
)
from codeassist.edits.forms.zeta import around
from codeassist.edits.site import Site

_CURSOR, _BEGIN, _SEPARATOR, _END = "<|user_cursor|>", "<<<<<<< CURRENT\n", "=======\n", ">>>>>>> UPDATED"
_NOTHING = "NO_EDITS"
_EDITABLE_TOKENS, _CONTEXT_TOKENS = 350, 150
_MOST_EDITS, _DIFF_CONTEXT_LINES = 6, 3
_SUFFIX, _PREFIX, _MIDDLE = (Mark(f"<[fim-{part}]>") for part in ("suffix", "prefix", "middle"))
_FILE = Mark("<filename>", or_text=True)  # one of the ordinary vocabulary in some files of Seed-Coder
_MARKER = re.compile(r"<\|marker_(\d+)\|>")
_LEAST_BLOCK, _MOST_BLOCK, _MOST_NUDGE = 6, 16, 5
_TAILS = frozenset(("break", "continue", "return", "throw", "end"))


class Zeta2Form:
    """Zeta-2: see the module."""

    name: ClassVar[str] = "zeta2"
    reserved: ClassVar[tuple[str, ...]] = (_CURSOR, _BEGIN, _END)
    ends: ClassVar[tuple[str, ...]] = (_END,)

    def window(self, site: Site, lines: Sequence[str]) -> Window:
        """As many lines around the site as make about 350 tokens."""
        start, end = window_of_chars(site, lines, _EDITABLE_TOKENS * CHARS_PER_TOKEN)
        return Window(site.path, lines, start, end, site.start_line)

    def prompt(self, request: EditRequest, window: Window) -> list[Piece]:
        """See Form."""
        first, last = around(window, _CONTEXT_TOKENS * CHARS_PER_TOKEN)
        after = joined(window.lines[window.end : last]) or "\n"
        history = "".join(
            ("// User accepted prediction:\n" if past.change.is_accepted else "")
            + f"--- a/{past.change.path}\n+++ b/{past.change.path}\n{past.hunk()}"
            for past in past_edits(request, _MOST_EDITS, _DIFF_CONTEXT_LINES)
        )
        before = joined(window.lines[first : window.start])
        return [
            _SUFFIX, after,
            _PREFIX, *([_FILE, f"edit_history\n{history}\n"] if history else []),
            _FILE, f"{window.path}\n{before}{self.region(window)}",
            _MIDDLE,
        ]  # fmt: skip

    def region(self, window: Window) -> str:
        """The lines that may be rewritten, with their markers."""
        return f"{_BEGIN}{with_cursor(window, _CURSOR)}{_SEPARATOR}"

    def original(self, window: Window) -> str:
        """See Form."""
        return f"{window.text}{_END}"

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """See Form."""
        if answer.startswith(_NOTHING):
            return tuple(window.lines[window.start : window.end])
        return split(answer.replace(_CURSOR, ""))


class Zeta21Form(Zeta2Form):
    """Zeta-2.1: see the module."""

    name: ClassVar[str] = "zeta2.1"
    reserved: ClassVar[tuple[str, ...]] = (_CURSOR, "<|marker_")
    ends: ClassVar[tuple[str, ...]] = ()

    def region(self, window: Window) -> str:
        """See Zeta2Form."""
        lines = split(with_cursor(window, _CURSOR))
        starts = block_starts(window.lines[window.start : window.end])
        blocks = zip(starts, [*starts[1:], len(lines)], strict=True)
        marked = [f"<|marker_{number}|>{joined(lines[low:high])}" for number, (low, high) in enumerate(blocks, 1)]
        return "".join(marked) + f"<|marker_{len(marked) + 1}|>\n"

    def original(self, window: Window) -> str:
        """See Form."""
        return window.text

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """See Form."""
        found = list(_MARKER.finditer(answer))
        lines = list(window.lines[window.start : window.end])
        if len(found) < 2:
            return None
        bounds = [*block_starts(lines), len(lines)]
        first, last = int(found[0][1]), int(found[-1][1])
        if first == last:
            return tuple(lines)
        if not 1 <= first < last <= len(bounds):
            return None
        between = _MARKER.sub("", answer[found[0].end() : found[-1].start()]).replace(_CURSOR, "")
        return (*lines[: bounds[first - 1]], *split(between), *lines[bounds[last - 1] :])


def block_starts(lines: Sequence[str]) -> list[int]:
    """Where Zeta-2.1 has blocks begin: after blank lines where there are some, 6 to 16 lines apart, and not with a
    line that only closes something."""
    starts, number = [0], 0
    while number < len(lines):
        size = number - starts[-1]
        is_after_blank = number > 0 and bool(lines[number].strip()) and not lines[number - 1].strip()
        target = next((at for at in range(number, min(len(lines), number + _MOST_NUDGE)) if _begins(lines[at])), number)
        is_cut = size >= _LEAST_BLOCK and is_after_blank and len(lines) - target >= _LEAST_BLOCK
        if is_cut or size >= _MOST_BLOCK:
            starts.append(target)
            number = target
        number += 1
    return starts


def _begins(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and stripped[0] not in "}])" and stripped.rstrip(";") not in _TAILS
