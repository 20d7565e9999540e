"""What a system answered to one task: places, what it would put at the true place, what it would show.

Values only, as they stand in a run's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from codeassist.edits.change import LineChange
from codeassist.edits.site import Site
from codeassist_eval.edits.edit_system import EditSystem
from codeassist_eval.edits.edit_task import EditTask

MOST_PLACES = 10


@dataclass(frozen=True, slots=True)
class EditRecord:
    """One finished task. `places`: [path, first line] of the first sites, shown or not; `is_quiet`: whether the finder
    says that nothing is left. `given`: what is proposed at the place of the next change; `shown`: what is shown first.
    Times in ms; None where nothing was asked or shown; `first_ms` until there was something to show."""

    task_id: str
    places: list[tuple[str, int]]
    is_quiet: bool
    rest: float
    sites_ms: float
    given: dict[str, Any] | None
    given_ms: float | None
    shown: dict[str, Any] | None
    shown_source: str | None
    shown_ms: float
    num_drafted: int = 0
    num_accepted: int = 0
    first_ms: float | None = None


def record_of(task: EditTask, system: EditSystem, clock: Callable[[], float] = perf_counter) -> EditRecord:
    """Ask a system about a task."""
    before = system.drafts()
    started = clock()
    found = system.finder.look(task.request, lambda: False)
    sites_ms = (clock() - started) * 1e3
    given, given_ms = None, None
    if task.target is not None:
        end = task.target.start_line + len(task.target.old)
        site = Site(task.target.path, task.target.start_line, end, 1.0, "near", "the true place")
        started = clock()
        given = system.at(task.request, site)
        given_ms = (clock() - started) * 1e3
    started = clock()
    answer = system.pipeline().next_edits(task.request, most=1)
    shown_ms = (clock() - started) * 1e3
    after = system.drafts()
    shown = answer.proposals[0] if answer.proposals else None
    return EditRecord(
        task.task_id,
        [(site.path, site.start_line) for site in found.sites[:MOST_PLACES]],
        found.rest < system.finder.ranker.threshold,
        found.rest,
        sites_ms,
        None if given is None else change_to_json(given.change),
        given_ms,
        None if shown is None else change_to_json(shown.change),
        None if shown is None else shown.source,
        shown_ms,
        after.num_drafted - before.num_drafted,
        after.num_accepted - before.num_accepted,
        answer.trace.stage_ms.get("first"),
    )


def change_to_json(change: LineChange) -> dict[str, Any]:
    """Return a change as a record has it."""
    return {"path": change.path, "start_line": change.start_line, "old": list(change.old), "new": list(change.new)}


def change_from_json(value: Mapping[str, Any]) -> LineChange:
    """Return what `change_to_json` made."""
    return LineChange(value["path"], value["start_line"], tuple(value["old"]), tuple(value["new"]))


def record_from_json(value: Mapping[str, Any]) -> EditRecord:
    """Read a record back. Raises TypeError where it is none."""
    return EditRecord(**{**value, "places": [(path, line) for path, line in value["places"]]})
