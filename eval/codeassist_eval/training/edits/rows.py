"""Rows of training: a commit's last edits as a diff, and what of its continuation is to be learned.

A row is what `DiffPrompt` lays out for the product, gone on with: the places that the commit changes next, each with
its answer, and places that hold a changed name and stay what they are, whose answer is "nothing". Lines that are given
count nothing; the markers that decide, and what is new, count fully.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import CONTEXT_LINES, DiffPrompt

MOST_TARGETS = 3
_MOST_LINES = 8
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_DECIDES, _STAYS = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class Target:
    """Lines of a file as it stands, and what they become; both the same for a place where nothing is to be done."""

    change: LineChange

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be done."""
        return self.change.old == self.change.new


@dataclass(slots=True)
class Row:
    """Tokens, and how much the model's loss at each counts: (T,) and (T,)."""

    task_id: str
    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])

    def add(self, tokens: Sequence[int], weight: float = 0.0) -> None:
        """Append tokens that all count the same."""
        self.tokens += tokens
        self.weights += [weight] * len(tokens)


def row_of(task: Mapping[str, Any], prompt: DiffPrompt, seed: int) -> Row:
    """Lay out one task (a line of the tasks' file, see `eval edits`). `seed` chooses the places that stay."""
    chooser = random.Random(f"{seed}/{task['task_id']}")
    files = {path: str(text).split("\n") for path, text in task["files"].items()}
    history = [_change(each) for each in task["history"]]
    targets = [Target(_change(each)) for each in task["targets"][:MOST_TARGETS]]
    targets = [each for each in targets if max(len(each.change.old), len(each.change.new)) <= _MOST_LINES]
    quiet = list(_quiet_places(history, files, task["targets"], chooser))
    targets += [Target(each) for each in quiet[: 1 if targets else 3]]
    if len(targets) > 1 and chooser.random() < 0.5:
        targets.insert(0, targets.pop())
    row = Row(str(task["task_id"]))
    made: list[LineChange] = []
    for number, target in enumerate(targets):
        change = _moved(target.change, made)
        now = {path: "\n".join(lines) for path, lines in files.items()}
        tokens = prompt.before(history, now, change.path, change.start_line)
        if number == 0:
            context = prompt.kept(files[change.path][max(0, change.start_line - CONTEXT_LINES) : change.start_line])
            row.add(tokens[: len(tokens) - len(context)])
        else:
            row.add(prompt.header(change.path, history[-1].path if not made else made[-1].path))
        _add_place(row, prompt, files[change.path], change)
        if not target.is_quiet:
            files[change.path][change.start_line : change.start_line + len(change.old)] = change.new
        made.append(change)
    return row


def _add_place(row: Row, prompt: DiffPrompt, lines: Sequence[str], change: LineChange) -> None:
    for line in lines[max(0, change.start_line - CONTEXT_LINES) : change.start_line]:
        row.add(prompt.keep, _STAYS)
        row.add(prompt.line(line))
    if change.old == change.new:
        for line in change.old:
            row.add(prompt.keep, _DECIDES)
            row.add(prompt.line(line))
        return
    for number, line in enumerate(change.old):
        row.add(prompt.remove, _STAYS if number else _DECIDES)
        row.add(prompt.line(line))
    for line in change.new:
        row.add(prompt.add, _DECIDES)
        row.add(prompt.line(line), _DECIDES)
    row.add(prompt.keep, _DECIDES)
    end = change.start_line + len(change.old)
    row.add(prompt.line(lines[end] if end < len(lines) else ""))


def _quiet_places(
    history: Sequence[LineChange],
    files: Mapping[str, Sequence[str]],
    targets: Sequence[Mapping[str, Any]],
    chooser: random.Random,
) -> Iterator[LineChange]:
    """Lines that hold a name which the history brought or took away, or stand near the last edit, and do not change."""
    old = {name for change in history for line in change.old for name in _NAME.findall(line)}
    new = {name for change in history for line in change.new for name in _NAME.findall(line)}
    names = old ^ new
    near = history[-1]
    found: list[LineChange] = []
    for path, lines in files.items():
        busy = {
            line
            for each in targets
            if each["path"] == path
            for line in range(each["start_line"] - 1, each["end_line"] + 1)
        }
        busy |= {
            line for each in history if each.path == path for line in range(each.start_line - 1, each.end_line + 1)
        }
        for number, line in enumerate(lines):
            is_near = path == near.path and abs(number - near.start_line) <= 8
            if number in busy or not line.strip() or len(line) > 200:
                continue
            if is_near or names & set(_NAME.findall(line)):
                found.append(LineChange(path, number, (line,), (line,)))
    chooser.shuffle(found)
    yield from found


def _moved(change: LineChange, made: Sequence[LineChange]) -> LineChange:
    """A change of the first text, in the text with others made."""
    by = sum(
        len(each.new) - len(each.old)
        for each in made
        if each.path == change.path and each.start_line <= change.start_line
    )
    return LineChange(change.path, change.start_line + by, change.old, change.new)


def _change(data: Mapping[str, Any]) -> LineChange:
    return LineChange(data["path"], data["start_line"], tuple(data["old"]), tuple(data["new"]))
