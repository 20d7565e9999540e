"""A commit taken apart into edits, and made again up to one of them: what next-edit tasks are cut from.

Texts in, tasks out. Two edits are related where they add or take away the same name; the first related ones are made in
the order of the files, the next is what is asked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist_eval.edits.edit_task import EditKind, EditTask
from codeassist_indexer.edit_sites.past_changes import names_in

NEAR_LINES = 12
MOST_EDITS, MOST_OLD, MOST_NEW = 14, 12, 16


@dataclass(frozen=True, slots=True)
class CommitEdits:
    """The edits of a commit by file and line, which count in `before`, the texts before it. `order`: the numbers of
    those that are related to the first of them, itself the first; one of one where the commit is one edit."""

    before: Mapping[str, str]
    edits: tuple[LineChange, ...]
    order: tuple[int, ...]


def commit_edits(before: Mapping[str, str], after: Mapping[str, str]) -> CommitEdits | None:
    """Take a commit apart; None where it has too many or too large edits, or none that are related."""
    edits = [edit for path, text in before.items() for edit in line_changes(path, text, after[path])]
    if not 1 <= len(edits) <= MOST_EDITS:
        return None
    if any(len(edit.old) > MOST_OLD or len(edit.new) > MOST_NEW for edit in edits):
        return None
    if len(edits) == 1:
        return CommitEdits(before, tuple(edits), (0,))
    names = [_changed_names(edit) for edit in edits]
    related = [
        [number for number in range(len(edits)) if number != first and names[number] & names[first]]
        for first in range(len(edits))
    ]
    first = next((number for number, others in enumerate(related) if others), None)
    return None if first is None else CommitEdits(before, tuple(edits), (first, *related[first]))


def line_changes(path: str, old: str, new: str) -> list[LineChange]:
    """Return the runs of lines in which two texts differ."""
    ours, theirs = old.split("\n"), new.split("\n")
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return [
        LineChange(path, i1, tuple(ours[i1:i2]), tuple(theirs[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _changed_names(edit: LineChange) -> set[str]:
    before, after = names_in(edit.old), names_in(edit.new)
    return {*(before - after), *(after - before)}


def task_of(commit: CommitEdits, num_made: int, task: EditTask) -> EditTask:
    """Return `task` with the state once the first `num_made` of the related edits were made, in texts and history, and
    with the others as its targets; with `num_made` all of them it is quiet."""
    files = {path: text.split("\n") for path, text in commit.before.items()}
    moved: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    def placed(edit: LineChange) -> LineChange:
        shift = sum(by for at, by in moved[edit.path] if at <= edit.start_line)
        return replace(edit, start_line=edit.start_line + shift)

    history: list[LineChange] = []
    for number in commit.order[:num_made]:
        edit = commit.edits[number]
        now = placed(edit)
        files[edit.path][now.start_line : now.start_line + len(edit.old)] = edit.new
        moved[edit.path].append((edit.start_line, len(edit.new) - len(edit.old)))
        history.append(now)
    targets = tuple(placed(commit.edits[number]) for number in commit.order[num_made:])
    last = history[-1]
    texts = {**task.request.files, **{path: "\n".join(lines) for path, lines in files.items()}}
    request = EditRequest(
        last.path, last.start_line + max(0, len(last.new) - 1), tuple(history), texts, repository=task.repository
    )
    return replace(task, kind=_kind(last, targets), request=request, targets=targets)


def _kind(last: LineChange, targets: Sequence[LineChange]) -> EditKind:
    if not targets:
        return "quiet"
    if targets[0].path != last.path:
        return "other_file"
    return "near" if abs(targets[0].start_line - last.start_line) <= NEAR_LINES else "far"


def num_by_kind(tasks: Sequence[EditTask]) -> Mapping[str, int]:
    """Return how many tasks there are of each kind."""
    return Counter(task.kind for task in tasks)
