"""Where a next edit may lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from codeassist.edits.edit_request import EditRequest

SiteSource = Literal["use", "name", "shape", "group", "diagnostic", "import", "near"]


@dataclass(frozen=True, slots=True)
class Site:
    """Lines [start_line, end_line) (from 0) of `path` that may have to change; empty: something goes in before
    `start_line`. `score` in [0, 1] is how likely; `reason` is for people ("uses `send`, whose parameters changed")."""

    path: str
    start_line: int
    end_line: int
    score: float
    source: SiteSource
    reason: str


class SiteFinder(Protocol):
    """Finds places that may have to change after the last edits."""

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        """Return sites in falling order of score, none overlapping another: as many as were found until
        `should_stop` said so."""
        ...
