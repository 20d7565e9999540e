"""A next-edit task: what was edited, the texts as they stand, and what the commit changed next.

Rows in, values out. The format is that of `eval make-edits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist_eval.tasks.rows import Row, read_rows, unique_by_id

EditKind = Literal["near", "far", "other_file", "quiet"]
EDIT_KINDS: tuple[EditKind, ...] = get_args(EditKind)
"""near: within 12 lines of the last edit; far: in the same file; quiet: nothing is left to be changed."""


@dataclass(frozen=True, slots=True)
class EditTask:
    """One state of a commit that is half made. `targets`: what is left of it, in order, in the texts as they stand;
    none where `kind` is "quiet"."""

    task_id: str
    repository: str
    commit: str
    language: str
    kind: EditKind
    request: EditRequest
    targets: tuple[LineChange, ...]

    @property
    def target(self) -> LineChange | None:
        """What comes next."""
        return self.targets[0] if self.targets else None


def read_edit_tasks(path: Path) -> list[EditTask]:
    """Read a task file; raises EvaluationError with the line of what is wrong."""
    rows = list(read_rows(path))
    return list(unique_by_id(path, ((row.line, task.task_id, task) for row in rows for task in [_task(row)])).values())


def _task(row: Row) -> EditTask:
    kind = row.require("kind", str)
    if kind not in EDIT_KINDS:
        raise row.error(f"field 'kind' is '{kind}', expected one of {', '.join(EDIT_KINDS)}")
    files = row.require("files", dict)
    if not all(isinstance(text, str) for text in files.values()):
        raise row.error("field 'files' holds what is no text")
    request = EditRequest(
        path=row.require("cursor.path", str),
        line=row.require("cursor.line", int),
        history=tuple(_change(row, "history", each) for each in row.require("history", list)),
        files=files,
        repository=row.require("repository", str),
    )
    targets = tuple(_change(row, "targets", each) for each in row.require("targets", list))
    if bool(targets) == (kind == "quiet"):
        raise row.error("only a task of the kind 'quiet' has no targets")
    if any(target.path not in files for target in targets):
        raise row.error("a target lies in none of the files")
    return EditTask(
        row.require("task_id", str),
        request.repository,
        row.optional("commit", str) or "",
        row.require("language", str),
        kind,
        request,
        targets,
    )


def _change(row: Row, name: str, value: Any) -> LineChange:
    try:
        change = LineChange(value["path"], value["start_line"], tuple(value["old"]), tuple(value["new"]))
    except (KeyError, TypeError) as error:
        raise row.error(f"field '{name}' holds what is no change ({error})") from None
    if not isinstance(change.path, str) or not isinstance(change.start_line, int):
        raise row.error(f"field '{name}' holds a change without path or line")
    return change


def change_row(change: LineChange) -> Mapping[str, Any]:
    """Return a change as a task file has it."""
    return {"path": change.path, "start_line": change.start_line, "old": list(change.old), "new": list(change.new)}
