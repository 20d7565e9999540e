"""What was changed in one document, in order, merged as a person would say it.

Keys typed one after another at one place are one edit. What was taken back is none. What changed a great part of the
text at once, as a formatter or a checkout does, is not somebody's edit: it is left out, and what came before stays.
The rules are those that Zed's edit prediction uses for its prompts: less than a second and at most eight lines apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codeassist.document import Document, TextEdit
from codeassist.edits.change import LineChange
from codeassist.edits.lines import lines_of, with_line_feeds

MERGE_S = 1.0
MERGE_LINES = 8
MOST_ENTRIES = 32
MOST_AGE_S = 600.0
MASS_CHANGE_LINES = 50
MASS_CHANGE_PLACES = 8
MOST_LINE_CHARS = 2_000  # nobody types in a longer line


@dataclass(frozen=True, slots=True)
class PastEdit:
    """One edit: at `start_char`, `old` became `new`; either may be empty, both are not.

    `start_char` and `start_line` (from 0) count in the text as it stood right after this edit, and before those that
    came after it. `head` and `tail` stood before and after it on its lines. `began_s` and `ended_s` are of the clock
    that the caller records by. `is_accepted`: the text is a suggestion that was taken.
    """

    start_char: int
    start_line: int
    old: str
    new: str
    began_s: float
    ended_s: float
    is_accepted: bool = False
    head: str = ""
    tail: str = ""

    @property
    def end_char(self) -> int:
        """Where the new text ends."""
        return self.start_char + len(self.new)

    def line_change(self, path: str) -> LineChange | None:
        """Return the edit as a change of whole lines; None where it changed line ends only, or a line of data."""
        if len(self.head) + len(self.tail) > MOST_LINE_CHARS:
            return None
        old, new = (_lines(self.head + text + self.tail) for text in (self.old, self.new))
        head = _num_same(old, new)
        tail = _num_same(old[head:][::-1], new[head:][::-1])
        old, new = old[head : len(old) - tail], new[head : len(new) - tail]
        return LineChange(path, self.start_line + head, old, new, self.is_accepted) if old or new else None


class EditHistory:
    """The last edits of one document, the oldest first: at most MOST_ENTRIES. Not for several threads at once."""

    def __init__(self) -> None:
        self._entries: deque[PastEdit] = deque(maxlen=MOST_ENTRIES)
        self._is_open = False  # whether the last entry may still grow

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[PastEdit]:
        return iter(self._entries)

    def recent(self, now_s: float, most_age_s: float = MOST_AGE_S) -> tuple[PastEdit, ...]:
        """Return the edits that ended less than `most_age_s` ago, the oldest first."""
        return tuple(entry for entry in self._entries if now_s - entry.ended_s < most_age_s)

    def record(self, before: Document, edits: Sequence[TextEdit], now_s: float, is_accepted: bool = False) -> None:
        """Note what one change notification did to `before`: its edits, each in the text that the last one left.

        What changes more than MASS_CHANGE_LINES lines or MASS_CHANGE_PLACES places at once is not noted.
        """
        if _is_mass_change(before, edits):
            self._is_open = False
            return
        document = before
        for edit in edits:
            old = document.text[edit.start_char : edit.end_char]
            after, _ = document.apply(edit)
            if old != edit.text:
                self._note(document, after, edit, old, now_s, is_accepted)
            document = after

    def note_accepted(self, text: str) -> None:
        """Mark the last edit as a suggestion that was taken, if all of its new text is in `text`."""
        last = self._entries[-1] if self._entries else None
        if last is not None and last.new and with_line_feeds(last.new) in with_line_feeds(text):
            self._entries[-1] = replace(last, is_accepted=True)
            self._is_open = False

    def _note(
        self, document: Document, after: Document, edit: TextEdit, old: str, now_s: float, is_accepted: bool
    ) -> None:
        last = self._entries[-1] if self._entries else None
        if last is not None and self._is_open and not is_accepted and _belongs_to(last, document, edit, now_s):
            self._entries.pop()
            merged = _on_lines(_merged(last, document, edit, now_s), after)
            if merged.old == merged.new:
                self._is_open = False
                return
            self._entries.append(merged)
            return
        made = _on_lines(PastEdit(edit.start_char, 0, old, edit.text, now_s, now_s, is_accepted), after)
        if last is not None and (made.start_char, made.old, made.new) == (last.start_char, last.new, last.old):
            self._entries.pop()  # taken back
            self._is_open = False
            return
        self._entries.append(made)
        self._is_open = not is_accepted


def _belongs_to(last: PastEdit, document: Document, edit: TextEdit, now_s: float) -> bool:
    """Whether an edit goes on with the last one: soon after it, and near it."""
    if now_s - last.ended_s >= MERGE_S:
        return False
    first = document.position_at(min(edit.end_char, last.end_char)).line
    second = document.position_at(max(edit.start_char, last.start_char)).line
    return second - first <= MERGE_LINES


def _merged(last: PastEdit, document: Document, edit: TextEdit, now_s: float) -> PastEdit:
    """Both in one, with the text between them on both sides. `document` is the text that `edit` changes."""
    text = document.text
    start, end = min(last.start_char, edit.start_char), max(last.end_char, edit.end_char)
    old = text[start : last.start_char] + last.old + text[last.end_char : end]
    new = text[start : edit.start_char] + edit.text + text[edit.end_char : end]
    return _trimmed(replace(last, start_char=start, old=old, new=new, ended_s=now_s))


def _trimmed(entry: PastEdit) -> PastEdit:
    """The same edit without what its two sides begin and end with alike, so that what was taken back is seen."""
    old, new = entry.old, entry.new
    head = _num_same(old, new)
    tail = _num_same(old[head:][::-1], new[head:][::-1])
    return replace(
        entry, start_char=entry.start_char + head, old=old[head : len(old) - tail], new=new[head : len(new) - tail]
    )


def _on_lines(entry: PastEdit, after: Document) -> PastEdit:
    """The same edit with its place and what else stands on its lines, in the text right after it."""
    first, last = after.position_at(entry.start_char), after.position_at(entry.end_char)
    end = max(entry.end_char, after.line_range(last.line).stop)
    return replace(
        entry,
        start_line=first.line,
        head=after.text[entry.start_char - first.char_col : entry.start_char],
        tail=after.text[entry.end_char : end],
    )


def _lines(text: str) -> tuple[str, ...]:
    return lines_of(f"{text}\n")  # an empty line is one: it stands in a text


def _num_same(one: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        number += 1
    return number


def _is_mass_change(before: Document, edits: Sequence[TextEdit]) -> bool:
    if len(edits) > MASS_CHANGE_PLACES:
        return True
    num_lines = sum(before.text.count("\n", edit.start_char, edit.end_char) + edit.text.count("\n") for edit in edits)
    return num_lines > MASS_CHANGE_LINES
