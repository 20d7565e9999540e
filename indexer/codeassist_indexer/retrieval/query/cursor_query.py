"""The text around a cursor, seen as what to search other files for.

Knows no index. Distances count non-blank lines: 0 is the line of the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from codeassist.request import CompletionRequest

IDENTIFIER = re.compile(r"[^\W\d]\w*")
# The published recipe of RLCoder asks for the last non-empty lines before the cursor.
LINES_BEFORE = 12
LINES_AFTER = 4


@dataclass(frozen=True, slots=True)
class CursorQuery:
    """The lines near a cursor: `line_head` is its own up to it; `before` and `after` begin with the nearest."""

    line_head: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def by_distance(self) -> tuple[str, ...]:
        """All lines, the nearest first; what stands before the cursor counts as nearer."""
        return (self.line_head, *self.before, *self.after)

    def distance_by_name(self) -> Mapping[str, int]:
        """Return each identifier near the cursor with the distance of the nearest line that holds it."""
        distances: dict[str, int] = {}
        for distance, line in enumerate(self.by_distance):
            for name in IDENTIFIER.findall(line):
                distances.setdefault(name, distance)
        return distances


def cursor_query(request: CompletionRequest) -> CursorQuery:
    """Return the non-blank lines around the request's cursor."""
    # 200 characters a line is enough for the tail to hold the lines that are wanted, however long the file is.
    *before, line_head = request.prefix[-(LINES_BEFORE + 30) * 200 :].splitlines() if request.prefix else [""]
    if request.prefix.endswith(("\n", "\r")):
        before, line_head = [*before, line_head], ""
    after = request.suffix[: (LINES_AFTER + 10) * 200].splitlines()[1:]
    return CursorQuery(
        line_head,
        tuple(line for line in reversed(before) if line.strip())[: LINES_BEFORE - 1],
        tuple(line for line in after if line.strip())[:LINES_AFTER],
    )
