"""Editing sessions made from finished files: a text as it was before, and the keystrokes that lead to the file.

A session is built backwards, from the finished text: whatever is typed, inserted, deleted or renamed on the way, the
last keystroke leaves exactly the file.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Literal

from codeassist_eval.tasks.task import Task

Kind = Literal["type", "insert", "delete", "rename", "move"]

_NAME = re.compile(r"\b[^\W\d]\w{3,}\b")
_MAX_RENAMED = 8
_ANYWHERE = 1 << 40  # characters: more than any file has


@dataclass(frozen=True, slots=True)
class Replacement:
    """Characters [start, end) of a text become `inserted`."""

    start: int
    end: int
    inserted: str


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One action in an editor: replacements in rising order, in offsets of the text before it, and the cursor after.

    `rest` is what the typist goes on to write on this line; None where the line is finished.
    """

    kind: Kind
    edits: tuple[Replacement, ...]
    cursor: int
    rest: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A session: the text and cursor it starts from, and what happens then."""

    name: str
    path: str
    initial: str
    cursor: int
    keystrokes: tuple[Keystroke, ...]

    @property
    def num_typed(self) -> int:
        """How many characters of the typed line somebody could foresee."""
        return max((len(keystroke.rest or "") for keystroke in self.keystrokes), default=0)


def apply(text: str, edits: Sequence[Replacement]) -> str:
    """Return the text after replacements that rise and do not overlap."""
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts += (text[at : edit.start], edit.inserted)
        at = edit.end
    return "".join((*parts, text[at:]))


def make_trace(task: Task, seed: int) -> Trace:
    """Make the session that ends in the task's file: its line typed, and lines elsewhere inserted, deleted, renamed."""
    chooser = random.Random(f"{seed} {task.task_id}")
    history = History(task.prefix + task.groundtruth + task.suffix, _typed_region(task))
    blocks = ["type", "insert", "delete", "rename"]
    chooser.shuffle(blocks)
    for block in blocks:
        match block:
            case "type":
                history.untype()
            case "insert":
                history.uninsert(chooser)
            case "delete":
                history.undelete(chooser)
            case _:
                history.unrename(chooser)
    opened_at = chooser.randrange(len(history.text) + 1)
    return Trace(task.task_id, task.path, history.text, opened_at, tuple(reversed(history.keystrokes)))


def typed_line(task: Task) -> Trace:
    """Make the shorter session in which only the task's line is typed."""
    history = History(task.prefix + task.groundtruth + task.suffix, _typed_region(task))
    history.untype()
    return Trace(task.task_id, task.path, history.text, history.cursor, tuple(reversed(history.keystrokes[:-1])))


def _typed_region(task: Task) -> range:
    """The characters of the task's line from its indentation to the end of the truth's first line."""
    line_start = task.prefix.rfind("\n") + 1
    line = task.prefix[line_start:]
    indentation = len(line) - len(line.lstrip())
    return range(line_start + indentation, len(task.prefix) + len(task.groundtruth.partition("\n")[0]))


class History:
    """The text at an earlier and earlier time, and the keystrokes since, the latest first.

    Each method steps back over one piece of work: it changes the text to what it was before, and notes the keystrokes
    that redo the work and, before them, the move to the place. `region`, the line to be typed, follows the text.
    Lines are inserted and deleted, and names looked for, at most `before` characters before it and `behind` after it.
    """

    def __init__(self, text: str, region: range, before: int = _ANYWHERE, behind: int = _ANYWHERE) -> None:
        self.text = text
        self.region = region
        self._before = before
        self._behind = behind
        self.keystrokes: list[Keystroke] = []
        self.cursor = region.stop

    def untype(self) -> None:
        """The region was typed character by character."""
        start, stop = self.region.start, self.region.stop
        for at in reversed(range(start, stop)):
            rest = self.text[at + 1 : stop]
            self._redo("type", (Replacement(at, at, self.text[at]),), at + 1, rest or None)
        typed = self.text[start:stop]
        self._undo((Replacement(start, stop, ""),))
        self._came_to(start, typed or None)

    def uninsert(self, chooser: random.Random) -> None:
        """Some lines in the middle of the file were inserted, line by line."""
        lines = self._other_lines(chooser, 1 + chooser.randrange(3))
        for line in reversed(lines):
            inserted = self.text[line.start : line.stop]
            self._redo("insert", (Replacement(line.start, line.start, inserted),), line.stop - 1)
            self._undo((Replacement(line.start, line.stop, ""),))
        self._came_to(lines[0].start if lines else self.cursor)

    def undelete(self, chooser: random.Random) -> None:
        """Some lines that stand elsewhere in the file stood here too, and were deleted, line by line."""
        copies = [self.text[line.start : line.stop] for line in self._other_lines(chooser, 1 + chooser.randrange(3))]
        places = self._other_lines(chooser, 1)
        if not places:
            return
        at = places[0].start
        for copy in copies:
            self._redo("delete", (Replacement(at, at + len(copy), ""),), at)
            self._undo((Replacement(at, at, copy),))
        self._came_to(at)

    def unrename(self, chooser: random.Random) -> None:
        """A name that occurs in several places had another name."""
        near = self._near()
        in_reach = set(_NAME.findall(self.text[near.start : near.stop]))
        counts = Counter(name for name in _NAME.findall(self.text) if name in in_reach)
        names = sorted(name for name, count in counts.items() if 2 <= count <= _MAX_RENAMED and not iskeyword(name))
        if not names:
            return
        name = chooser.choice(names)
        earlier = f"{name}_{chooser.choice(('old', 'tmp', 'value', 'item', 'new'))}"
        places = [match.start() for match in re.finditer(rf"\b{re.escape(name)}\b", self.text)]
        undone = tuple(Replacement(at, at + len(name), earlier) for at in places)
        grown = len(earlier) - len(name)
        redone = tuple(Replacement(at + i * grown, at + i * grown + len(earlier), name) for i, at in enumerate(places))
        chosen = chooser.randrange(len(places))
        self._redo("rename", redone, places[chosen] + len(name))
        self._undo(undone)
        self._came_to(redone[chosen].end)

    def _redo(self, kind: Kind, edits: tuple[Replacement, ...], cursor: int, rest: str | None = None) -> None:
        self.keystrokes.append(Keystroke(kind, edits, cursor, rest))

    def _undo(self, edits: tuple[Replacement, ...]) -> None:
        self.text = apply(self.text, edits)
        self.region = range(_shifted(self.region.start, edits), _shifted(self.region.stop, edits))

    def _came_to(self, cursor: int, rest: str | None = None) -> None:
        """Before the work the cursor came here, from where the work before it left it."""
        self.cursor = cursor
        self._redo("move", (), cursor, rest)

    def _near(self) -> range:
        return range(max(0, self.region.start - self._before), min(len(self.text), self.region.stop + self._behind))

    def _other_lines(self, chooser: random.Random, num_lines: int) -> list[range]:
        """Consecutive lines that do not touch the region, ends included; none where the file is too short."""
        lines: list[range] = []
        at = 0
        for line in self.text.splitlines(keepends=True):
            lines.append(range(at, at + len(line)))
            at += len(line)
        near = self._near()
        starts = [
            first
            for first in range(len(lines) - num_lines)
            if all(
                (line.stop <= self.region.start or line.start > self.region.stop)
                and near.start <= line.start <= line.stop <= near.stop
                and self.text[line.start : line.stop].strip()
                for line in lines[first : first + num_lines]
            )
        ]
        if not starts:
            return []
        first = chooser.choice(starts)
        return lines[first : first + num_lines]


def _shifted(offset: int, edits: Sequence[Replacement]) -> int:
    """Where an offset stands after the edits; one inside of what was replaced comes to its end."""
    moved = offset
    for edit in edits:
        if edit.end <= offset and not edit.start == edit.end == offset:
            moved += len(edit.inserted) - (edit.end - edit.start)
        elif edit.start < offset:
            moved += edit.start + len(edit.inserted) - offset
    return moved
