"""What the ranker of lines learns from: the features of a task's lines, and which of them the commit changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codeassist.edits.change import LineChange
from codeassist.progress import Progress
from codeassist_eval.edits.edit_task import EditKind, EditTask
from codeassist_indexer.edit_sites.definitions import DefinitionReader
from codeassist_indexer.edit_sites.line_table import Ints, LineTable
from codeassist_indexer.edit_sites.read_request import read_request
from codeassist_indexer.edit_sites.second_look import Lines, candidates

NEXT, LATER = 2, 1


@dataclass(frozen=True, slots=True)
class SiteExample:
    """A task's lines. `labels`: [n], NEXT for those of the change that came next, LATER for what came after it, 0 for
    all others. `spans`: the rows [first, last] that count as the place of each change, the next one first."""

    task_id: str
    repository: str
    kind: EditKind
    lines: Lines
    labels: Ints
    spans: tuple[tuple[int, int], ...]

    def is_hit(self, row: int) -> bool:
        """Whether a row of the table lies on the change that came next or beside it."""
        return bool(self.spans) and self.spans[0][0] - 1 <= row <= self.spans[0][1] + 1


def read_examples(tasks: Sequence[EditTask], progress: Progress) -> list[SiteExample]:
    """Make an example of each task that has a line."""
    reader = DefinitionReader()
    found: list[SiteExample] = []
    for number, task in enumerate(tasks):
        progress("reading lines", number, len(tasks))
        read = read_request(task.request, reader, lambda: False)
        if read is not None:
            found.append(_example(task, read.table, candidates(read.lines)))
    progress("reading lines", len(tasks), len(tasks))
    return found


def _example(task: EditTask, table: LineTable, lines: Lines) -> SiteExample:
    labels = np.zeros(len(table), np.int64)
    spans: list[tuple[int, int]] = []
    for target in task.targets:
        first, last = span(table, target)
        label = LATER if spans else NEXT
        begin = first if target.old else last  # new lines go in front of it; the line above is nearly as good
        labels[begin : last + 1] = np.maximum(labels[begin : last + 1], label)
        labels[first:begin] = np.maximum(labels[first:begin], LATER)
        spans.append((first, last))
    return SiteExample(task.task_id, task.repository, task.kind, lines, labels[lines.rows], tuple(spans))


def span(table: LineTable, change: LineChange) -> tuple[int, int]:
    """The rows that are the place of a change: its old lines; of what only puts lines in, those above and below."""
    file = table.paths.index(change.path)
    low, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
    first, last = low + change.start_line, low + change.start_line + len(change.old) - 1
    if not change.old:
        first, last = first - 1, first
    return max(low, min(first, behind - 1)), max(low, min(last, behind - 1))
