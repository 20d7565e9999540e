"""Which rows of a task file count: by the date of their code and by their level, as RepoBench's official runner has it.

Filters do not change a task's id, so that runs with different filters can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task


@dataclass(frozen=True, slots=True)
class RowFilter:
    """`created_from` and `created_to` are days, YYYY-MM-DD.

    Quirk: the last day counts at its first moment only, as officially. No levels: all.
    """

    created_from: datetime | None = None
    created_to: datetime | None = None
    levels: tuple[str, ...] = ()

    def __call__(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Return the tasks that are left. Raise `EvaluationError` if none is, or if they say no date or level."""
        if self.is_empty:
            return tasks
        left = [task for task in tasks if self._keeps(task)]
        if not left:
            raise EvaluationError(f"none of the {len(tasks)} tasks is left (--level, --created-from, --created-to)")
        return left

    @property
    def is_empty(self) -> bool:
        """Whether every row counts."""
        return self == RowFilter()

    def recorded(self) -> dict[str, Any] | None:
        """Return what a manifest records."""
        if self.is_empty:
            return None
        days = {"created_from": self.created_from, "created_to": self.created_to}
        return {name: day and day.date().isoformat() for name, day in days.items()} | {"levels": sorted(self.levels)}

    def _keeps(self, task: Task) -> bool:
        if self.levels and (task.kind is None or task.kind not in self.levels):
            return False
        if self.created_from is None and self.created_to is None:
            return True
        if task.created_at is None:
            raise EvaluationError(
                f"task {task.task_id} does not say when it was created (--created-from, --created-to)"
            )
        after = self.created_from is None or task.created_at >= self.created_from.replace(tzinfo=UTC)
        return after and (self.created_to is None or task.created_at <= self.created_to.replace(tzinfo=UTC))
