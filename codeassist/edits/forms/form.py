"""What a form is: how a window of a text and the last edits become a prompt, and an answer the window's new lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import present_lines
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.site import Site

CHARS_PER_TOKEN = 3  # as Zed and others estimate


@dataclass(frozen=True, slots=True)
class Mark:
    """A special token of the model, by its text. `or_text`: a model without it is given its text."""

    token: str
    or_text: bool = False


Piece = str | Mark


@dataclass(frozen=True, slots=True)
class Window:
    """Lines [start, end) (from 0) of a text, which may be rewritten; the cursor is at the end of line `line`."""

    path: str
    lines: Sequence[str]
    start: int
    end: int
    line: int

    @property
    def text(self) -> str:
        """The lines that may be rewritten, each with its end."""
        return joined(self.lines[self.start : self.end])


class Form(Protocol):
    """One way to ask for edits. `reserved`: texts that mean something to the model and are no special tokens: what
    holds one of them cannot be given. `ends`: texts that end an answer."""

    name: ClassVar[str]
    reserved: ClassVar[tuple[str, ...]]
    ends: ClassVar[tuple[str, ...]]

    def window(self, site: Site, lines: Sequence[str]) -> Window:
        """Return what is asked about for a site."""
        ...

    def prompt(self, request: EditRequest, window: Window) -> list[Piece]:
        """Return the prompt."""
        ...

    def original(self, window: Window) -> str:
        """Return the answer that changes nothing, or that it would begin with: what drafts are copied from."""
        ...

    def read(self, answer: str, window: Window) -> tuple[str, ...] | None:
        """Return the window's new lines; None for an answer that is none. `answer` is without what ended it."""
        ...


@dataclass(frozen=True, slots=True)
class PastEdit:
    """A change of the history with lines around it: `before` and `after` are equal on both sides."""

    change: LineChange
    start: int
    before: tuple[str, ...]
    after: tuple[str, ...]

    def hunk(self) -> str:
        """The change as a hunk of a unified diff, with its header."""
        first = self.start - len(self.before) + 1
        around = len(self.before) + len(self.after)
        counts = f"-{first},{len(self.change.old) + around} +{first},{len(self.change.new) + around}"
        marked = [("-", self.change.old), ("+", self.change.new)]
        lines = [f"{mark}{line}" for mark, lines in marked for line in lines]
        kept = ([f" {line}" for line in part] for part in (self.before, self.after))
        return joined([f"@@ {counts} @@", *next(kept), *lines, *next(kept)])


def past_edits(request: EditRequest, most: int, context_lines: int) -> Iterator[PastEdit]:
    """The last changes, the oldest first, with the lines around those that still stand where they were made."""
    recent = request.history[-most:]
    for change, start in zip(recent, present_lines(recent), strict=True):
        lines = request.files.get(change.path, "").split("\n")
        end = start + len(change.new)
        if tuple(lines[start:end]) == change.new:
            before, after = lines[max(0, start - context_lines) : start], lines[end : end + context_lines]
            yield PastEdit(change, start, tuple(before), tuple(after))
        else:
            yield PastEdit(change, start, (), ())


def before_last_edit(request: EditRequest, path: str) -> list[str]:
    """A file's lines as they stood before the last change of it; as they stand where that cannot be told."""
    lines = request.files[path].split("\n")
    last = next((change for change in reversed(request.history) if change.path == path), None)
    if last is not None and tuple(lines[last.start_line : last.end_line]) == last.new:
        lines[last.start_line : last.end_line] = last.old
    return lines


def window_of_chars(site: Site, lines: Sequence[str], most_chars: int) -> tuple[int, int]:
    """Lines [start, end) around a site, growing on both sides while they have at most `most_chars` characters."""
    start, end = min(site.start_line, len(lines)), min(max(site.end_line, site.start_line + 1), len(lines))
    used = sum(len(line) + 1 for line in lines[start:end])
    while True:
        grown = [
            (start - 1, end) if side == 0 else (start, end + 1)
            for side in (0, 1)
            if (start > 0 if side == 0 else end < len(lines))
        ]
        fitting = [(low, high) for low, high in grown if used + _size(lines, low, high, start, end) <= most_chars]
        if not fitting:
            return start, end
        low, high = min(fitting, key=lambda each: abs((site.start_line - each[0]) - (each[1] - site.end_line)))
        used += _size(lines, low, high, start, end)
        start, end = low, high


def with_cursor(window: Window, marker: str) -> str:
    """The window's text with a marker where the cursor is."""
    lines = [
        line + marker if number == window.line else line
        for number, line in enumerate(window.lines[window.start : window.end], window.start)
    ]
    return joined(lines)


def joined(lines: Sequence[str]) -> str:
    """Lines as text, each with its end."""
    return "".join(f"{line}\n" for line in lines)


def split(text: str) -> tuple[str, ...]:
    """Text as lines, the last of which need not end."""
    return tuple(text.removesuffix("\n").split("\n")) if text else ()


def _size(lines: Sequence[str], low: int, high: int, start: int, end: int) -> int:
    return sum(len(line) + 1 for line in (*lines[low:start], *lines[end:high]))
